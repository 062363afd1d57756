//! METRICS 2: a change of NPS split by segment into mix and rate.

use sarafan_core::rollup::Rollup;

use crate::world::{Row, World, assert_close, date, int, text};

/// The last day of the window of seven days, and a day of the window before.
const NOW: &str = "2026-03-14";
const BEFORE: &str = "2026-03-07";
/// The day on which the answers of the window leave it.
const AFTER: &str = "2026-03-21";

/// Detractors, passives and promoters of a segment on a day.
fn answers(segment: &'static str, day: &str, counts: [i64; 3]) -> Vec<Row<'static>> {
    let day = date(day);
    let cell = move |(score, n): (i64, i64)| {
        vec![
            ("dimension", text("touchpoint")),
            ("segment", text(segment)),
            ("survey", text("s")),
            ("day", int(day)),
            ("score", int(score)),
            ("responses", int(n)),
        ]
    };
    [0, 8, 10].into_iter().zip(counts).map(cell).collect()
}

fn change(columns: &str) -> String {
    format!(
        "SELECT segment, {columns} FROM nps_change(as_of = '{NOW}', window_days = 7) \
         WHERE dimension = 'touchpoint' ORDER BY segment"
    )
}

#[tokio::test]
async fn mix_and_rate_are_those_computed_by_hand_and_add_up_to_the_change() {
    let world = World::new().await;
    let cells = [
        answers("web", BEFORE, [10, 10, 60]), // 80 answers, NPS 62.5
        answers("shop", BEFORE, [10, 0, 10]), // 20 answers, NPS 0
        answers("web", NOW, [10, 0, 30]),     // 40 answers, NPS 50
        answers("shop", NOW, [36, 0, 24]),    // 60 answers, NPS -20
    ];
    world.live(Rollup::NpsScores, cells.concat()).await;
    let sql = change(
        "responses_before, responses_now, share_before, share_now, nps_before, nps_now, round(mix, 6) AS mix, \
         round(rate, 6) AS rate, round(total_change, 6) AS total_change",
    );
    // The whole: (70 - 20) / 100 = 50 before, (54 - 46) / 100 = 8 now; halfway 29.
    // shop: 0.4 x (-10 - 29) = -15.6 and -20 x 0.4 = -8. web: -0.4 x (56.25 - 29) = -10.9 and -12.5 x 0.6 = -7.5.
    let expected = ["shop 20 60 0.2 0.6 0 -20 -15.6 -8 -42", "web 80 40 0.8 0.4 62.5 50 -10.9 -7.5 -42"];
    assert_eq!(world.lines(&sql).await, expected);
}

#[tokio::test]
async fn a_segment_without_answers_in_one_window_is_mix_alone() {
    let world = World::new().await;
    let cells = [
        answers("old", BEFORE, [0, 0, 10]),
        answers("both", BEFORE, [5, 0, 5]),
        answers("both", NOW, [0, 0, 30]),
        answers("new", NOW, [10, 0, 0]),
    ];
    world.live(Rollup::NpsScores, cells.concat()).await;
    let sql = change("nps_before, nps_now, share_before, share_now, mix, rate");
    // The whole: 50 before, 50 now. both: 0.25 x (50 - 50) and 100 x 0.625; new: 0.25 x (-100 - 50); old: -0.5 x (100 - 50).
    let expected = ["both 0 100 0.5 0.75 0 62.5", "new - -100 0 0.25 -37.5 0", "old 100 - 0.5 0 -25 0"];
    assert_eq!(world.lines(&sql).await, expected);
}

#[tokio::test]
async fn without_answers_before_or_now_there_is_no_change_to_split() {
    let world = World::new().await;
    world.live(Rollup::NpsScores, answers("web", NOW, [1, 0, 3])).await;
    let all = "share_before, share_now, nps_before, nps_now, mix, rate, total_change";
    assert_eq!(world.lines(&change(all)).await, ["web - 1 - 50 - - -"]);
}

#[tokio::test]
async fn over_many_segments_the_parts_add_up_in_every_population() {
    let world = World::new().await;
    let segments = ["a", "b", "c", "d", "e", "f", "g"];
    let (mut scores, mut windows) = (Vec::new(), Vec::new());
    for (segment, i) in segments.into_iter().zip(1_i64..) {
        scores.extend(answers(segment, BEFORE, [i * 7 % 5, i * 3 % 4, i * 5 % 11]));
        scores.extend(answers(segment, NOW, [i * 11 % 7, i * 5 % 3, i * 9 % 13]));
        let cell = |day: &str, sign: i64, [detractors, promoters]: [i64; 2]| -> Row<'_> {
            vec![
                ("dimension", text("touchpoint")),
                ("segment", text(segment)),
                ("survey", text("s")),
                ("population", text("customers")),
                ("window_days", int(7)),
                ("day", int(date(day))),
                ("detractors", int(sign * detractors)),
                ("promoters", int(sign * promoters)),
            ]
        };
        let (before, now) = ([i * 3 % 7, i * 5 % 6], [i * 2 % 5, i * 7 % 9]);
        windows.push(cell(BEFORE, 1, before));
        // Whoever was in the window before has left it by now, and whoever is in it leaves it later.
        windows.push(cell(NOW, 1, [now[0] - before[0], now[1] - before[1]]));
        windows.push(cell(AFTER, -1, now));
    }
    world.live(Rollup::NpsScores, scores).await;
    world.live(Rollup::NpsWindows, windows).await;
    for population in ["responses", "customers"] {
        let sql = format!(
            "SELECT count() AS n, sum(mix + rate) AS parts, min(total_change) AS low, max(total_change) AS high \
             FROM nps_change(as_of = '{NOW}', window_days = 7) \
             WHERE dimension = 'touchpoint' AND population = '{population}'"
        );
        let whole = format!(
            "SELECT 100 * (sum(promoters) - sum(detractors)) / sum(responses) AS nps \
             FROM nps_at(as_of = '{{}}', window_days = 7) WHERE population = '{population}'"
        );
        let found = world.numbers(&sql).await;
        let now = world.numbers(&whole.replace("{}", NOW)).await[0].unwrap();
        let before = world.numbers(&whole.replace("{}", BEFORE)).await[0].unwrap();
        assert!((now - before).abs() > 1.0, "{population}: nothing changed");
        assert_eq!(found[0], Some(segments.len() as f64));
        for value in &found[1..] {
            assert_close(*value, now - before, 1e-9);
        }
    }
}

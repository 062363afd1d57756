//! METRICS 2 from rollups: `nps`, `nps_at`, `nps_trend`, `nps_scores`.

use sarafan_core::rollup::Rollup;

use crate::world::{Row, World, assert_close, date, int, text};

/// Detractors, passives and promoters of a day as cells of scores.
fn answers(segment: &str, day: i64, counts: [i64; 3]) -> Vec<Row<'_>> {
    let dimension = if segment == "all" { "all" } else { "case" };
    [0, 8, 10]
        .into_iter()
        .zip(counts)
        .map(|(score, n)| {
            vec![
                ("dimension", text(dimension)),
                ("segment", text(segment)),
                ("survey", text("s")),
                ("day", int(day)),
                ("score", int(score)),
                ("responses", int(n)),
            ]
        })
        .collect()
}

#[tokio::test]
async fn intervals_are_those_of_the_table_of_metrics() {
    let table = [
        ("a", [1, 2, 3], 33.333, -26.743, 71.188),
        ("b", [10, 20, 70], 60.0, 45.270, 71.235),
        ("c", [25, 25, 50], 25.0, 8.302, 40.242),
        ("d", [300, 200, 500], 20.0, 14.547, 25.333),
        ("e", [0, 10, 0], 0.0, -18.465, 18.465),
    ];
    let world = World::new().await;
    let today = world.today().await;
    let cells = table.iter().flat_map(|(segment, counts, ..)| answers(segment, today, *counts)).collect();
    world.live(Rollup::NpsScores, cells).await;
    for (segment, counts, nps, low, high) in table {
        let sql = format!(
            "SELECT nps, nps_low, nps_high, responses, previous_nps FROM nps \
             WHERE segment = '{segment}' AND population = 'responses' AND window_days = 7"
        );
        let found = world.numbers(&sql).await;
        assert_close(found[0], nps, 5e-4);
        assert_close(found[1], low, 5e-4);
        assert_close(found[2], high, 5e-4);
        assert_eq!(found[3], Some(counts.iter().sum::<i64>() as f64));
        assert_eq!(found[4], None, "nobody answered in the window before");
    }
}

#[tokio::test]
async fn a_change_is_tested_by_two_samples_and_needs_thirty_answers_in_each() {
    let world = World::new().await;
    let today = world.today().await;
    let mut cells = Vec::new();
    for (segment, before, now) in [
        ("metrics", [30, 30, 40], [20, 30, 50]),
        ("clear", [300, 300, 400], [200, 300, 500]),
        ("few", [29, 0, 0], [0, 0, 29]),
    ] {
        cells.extend(answers(segment, today - 7, before));
        cells.extend(answers(segment, today, now));
    }
    world.live(Rollup::NpsScores, cells).await;
    let of = async |segment: &str| {
        let sql = format!(
            "SELECT previous_nps, change, change_p, toUInt8(significant) AS significant FROM nps \
             WHERE dimension = 'case' AND segment = '{segment}' AND population = 'responses' AND window_days = 7"
        );
        world.numbers(&sql).await
    };
    let metrics = of("metrics").await;
    assert_eq!((metrics[0], metrics[1], metrics[3]), (Some(10.0), Some(20.0), Some(0.0)));
    assert_close(metrics[2], 0.08322, 5e-6);
    let clear = of("clear").await;
    assert!(clear[2].unwrap() < 0.001 && clear[3] == Some(1.0), "{clear:?}");
    let few = of("few").await;
    assert!(few[2].unwrap() < 0.001 && few[3] == Some(0.0), "{few:?}");
}

/// One customer answers 3 on day 10 and 9 on day 20: the differences that follow (METRICS 2).
async fn one_customer_twice(world: &World, start: i64) {
    let cell = |window: i64, at: i64, [detractors, promoters]: [i64; 2]| -> Row<'_> {
        vec![
            ("survey", text("s")),
            ("population", text("customers")),
            ("window_days", int(window)),
            ("day", int(start + at)),
            ("detractors", int(detractors)),
            ("promoters", int(promoters)),
        ]
    };
    let cells = vec![
        cell(30, 10, [1, 0]),
        cell(30, 20, [-1, 1]),
        cell(30, 50, [0, -1]),
        cell(7, 10, [1, 0]),
        cell(7, 17, [-1, 0]),
        cell(7, 20, [0, 1]),
        cell(7, 27, [0, -1]),
    ];
    world.live(Rollup::NpsWindows, cells).await;
}

/// Who is in the window on a day of the oracle: detractors, promoters.
fn expected(window: i64, at: i64) -> [i64; 2] {
    let (first, second) = if window == 30 { (10..20, 20..50) } else { (10..17, 20..27) };
    [i64::from(first.contains(&at)), i64::from(second.contains(&at))]
}

#[tokio::test]
async fn the_latest_answer_of_a_customer_stands_until_the_next_or_the_end_of_the_window() {
    let world = World::new().await;
    let start = date("2026-01-01");
    one_customer_twice(&world, start).await;
    for window in [7, 30] {
        let sql = format!(
            "SELECT toInt32(day) - {start} AS at, detractors, promoters, responses, nps FROM \
             nps_trend(window_days = {window}, from_day = '2026-01-05', to_day = '2026-03-05') ORDER BY day"
        );
        let found = world.lines(&sql).await;
        let line = |at: i64| {
            let [d, p] = expected(window, at);
            let nps = if d + p == 0 { "-".to_owned() } else { (100 * (p - d)).to_string() };
            format!("{at} {d} {p} {} {nps}", d + p)
        };
        assert_eq!(found, (4..=63).map(line).collect::<Vec<_>>(), "W = {window}");
    }
}

#[tokio::test]
async fn a_past_day_shows_the_window_that_ended_on_it() {
    let world = World::new().await;
    let start = date("2026-01-01");
    one_customer_twice(&world, start).await;
    for at in [9, 10, 19, 20, 49, 50, 79] {
        let sql = format!(
            "SELECT detractors, promoters, previous_nps FROM nps_at(as_of = toDate({}), window_days = 30)",
            start + at
        );
        let score = |[d, p]: [i64; 2]| if d + p == 0 { "-".to_owned() } else { (100 * (p - d)).to_string() };
        let (now, before) = (expected(30, at), expected(30, at - 30));
        let row = format!("{} {} {}", now[0], now[1], score(before));
        // Nobody now and nobody before: no row.
        let rows = if now == [0, 0] && before == [0, 0] { Vec::new() } else { vec![row] };
        assert_eq!(world.lines(&sql).await, rows, "day {at}");
    }
}

#[tokio::test]
async fn responses_have_windows_of_any_length() {
    let world = World::new().await;
    let today = world.today().await;
    let mut cells = answers("all", today - 44, [1, 0, 0]);
    cells.extend(answers("all", today - 45, [0, 0, 1]));
    world.live(Rollup::NpsScores, cells).await;
    let sql = format!(
        "SELECT population, window_days, detractors, promoters, previous_nps \
         FROM nps_at(as_of = toDate({today}), window_days = 45)"
    );
    assert_eq!(world.lines(&sql).await, ["responses 45 1 0 100"]);
    let trend = format!(
        "SELECT detractors, promoters FROM nps_trend(window_days = 45, from_day = toDate({}), to_day = toDate({today}))",
        today - 1
    );
    assert_eq!(world.lines(&format!("{trend} ORDER BY day")).await, ["1 1", "1 0"]);
}

#[tokio::test]
async fn answers_without_a_score_are_counted_apart() {
    let world = World::new().await;
    let today = world.today().await;
    let mut cells = answers("all", today, [0, 0, 4]);
    cells.push(vec![("survey", text("s")), ("day", int(today)), ("score", int(-1)), ("responses", int(3))]);
    world.live(Rollup::NpsScores, cells).await;
    let sql = "SELECT responses, no_score, nps FROM nps WHERE window_days = 7";
    assert_eq!(world.lines(sql).await, ["4 3 100"]);
    assert_eq!(world.lines("SELECT score, responses FROM nps_scores").await, ["10 4"]);
}

#[tokio::test]
async fn a_survey_on_another_scale_has_scores_and_no_nps() {
    let world = World::new().await;
    let today = world.today().await;
    let cell = vec![("survey", text("stars")), ("day", int(today)), ("score", int(5)), ("responses", int(3))];
    world.live(Rollup::NpsScores, vec![cell]).await;
    assert_eq!(world.lines("SELECT survey, score, responses FROM nps_scores").await, ["stars 5 3"]);
    assert!(world.lines("SELECT * FROM nps").await.is_empty());
    let range = format!("from_day = toDate({}), to_day = toDate({today})", today - 1);
    assert!(world.lines(&format!("SELECT * FROM nps_between({range})")).await.is_empty());
    assert!(world.lines(&format!("SELECT * FROM nps_trend(window_days = 7, {range})")).await.is_empty());
}

#[tokio::test]
async fn invitations_younger_than_the_horizon_are_pending_and_in_no_rate() {
    let world = World::new().await;
    let today = world.today().await;
    world.live(Rollup::NpsScores, answers("all", today, [0, 0, 1])).await;
    let cell = |age: i64, [invited, delivered, answered]: [i64; 3]| -> Row<'_> {
        vec![
            ("survey", text("s")),
            ("day", int(today - age)),
            ("invited", int(invited)),
            ("delivered", int(delivered)),
            ("answered", int(answered)),
        ]
    };
    // The horizon is 14 days; the window of 30 days leaves out the last.
    let cells =
        vec![cell(13, [10, 9, 9]), cell(14, [10, 8, 2]), cell(29, [10, 8, 4]), cell(30, [10, 10, 10])];
    world.live(Rollup::NpsInvitations, cells).await;
    let sql = "SELECT window_days, delivered, answered, pending, response_rate FROM nps \
               WHERE population = 'responses' ORDER BY window_days";
    assert_eq!(world.lines(sql).await, ["7 0 0 0 -", "30 16 6 9 0.375"]);
}

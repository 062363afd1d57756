//! What people are shown beside the figures: `deployment`, `benchmarks`, and the target and band of `nps`.

use sarafan_core::definitions::{Band, Definitions};
use sarafan_core::rollup::Rollup;
use sarafan_core::rows;
use sarafan_store::{BenchmarkKind, BenchmarkMetric, BenchmarkSection, DeploymentSection, Presentation};

use crate::world::{Row, World, date, definitions, int, money, noon, text};

fn benchmark(name: &str, kind: BenchmarkKind, value: f64, from: &str) -> BenchmarkSection {
    BenchmarkSection {
        name: name.to_owned(),
        kind,
        survey: "s".to_owned(),
        dimension: "all".to_owned(),
        segment: "all".to_owned(),
        metric: BenchmarkMetric::Nps,
        value,
        from: from.to_owned(),
        to: None,
        source: String::new(),
    }
}

fn target(value: f64, from: &str, to: Option<&str>) -> BenchmarkSection {
    BenchmarkSection { to: to.map(str::to_owned), ..benchmark("ours", BenchmarkKind::Target, value, from) }
}

fn of_tier(tier: &str, benchmark: BenchmarkSection) -> BenchmarkSection {
    BenchmarkSection { dimension: "tier".to_owned(), segment: tier.to_owned(), ..benchmark }
}

async fn show(world: &World, benchmarks: Vec<BenchmarkSection>) {
    let presentation = Presentation::resolve(DeploymentSection::default(), benchmarks, &definitions());
    world.store.set_presentation(&presentation.unwrap()).await.unwrap();
}

/// Promoters, passives and detractors of the survey `s` on a day.
fn answers(dimension: &str, segment: &str, day: i64, counts: [(i64, i64); 3]) -> Vec<Row<'static>> {
    let cell = |(score, n): (i64, i64)| {
        vec![
            ("dimension", text(dimension)),
            ("segment", text(segment)),
            ("survey", text("s")),
            ("day", int(day)),
            ("score", int(score)),
            ("responses", int(n)),
        ]
    };
    counts.map(cell).into()
}

#[tokio::test]
async fn before_the_first_epoch_the_deployment_has_its_name_and_nothing_else() {
    let world = World::unborn().await;
    let sql = "SELECT name, notice, epoch, headline_survey, headline_kind, headline_population, window_days, windows, \
               surveys, timezone, currency, data_as_of FROM deployment";
    assert_eq!(world.lines(sql).await, ["Sarafan      0 [] [] UTC  -"]);
    assert!(world.lines("SELECT * FROM benchmarks").await.is_empty());
}

#[tokio::test]
async fn the_deployment_says_what_a_panel_must_know_before_it_asks() {
    let world = World::new().await;
    let deployment = DeploymentSection { name: "Shop".to_owned(), notice: "SYNTHETIC".to_owned() };
    let presentation = Presentation::resolve(deployment, Vec::new(), &definitions()).unwrap();
    world.store.set_presentation(&presentation).await.unwrap();
    let sold = |currency: &'static str, day: &str, revenue: i64| {
        vec![("currency", text(currency)), ("day", int(date(day))), ("revenue", money(revenue))]
    };
    let sales =
        vec![sold("EUR", "2026-01-01", 60), sold("EUR", "2026-01-02", 60), sold("USD", "2026-01-01", 100)];
    world.live(Rollup::SalesDaily, sales).await;
    let arrived =
        |source: &'static str, on: &str| vec![("source", text(source)), ("last_received_at", noon(on))];
    world.put(&rows::ARRIVALS, vec![arrived("a", "2026-02-01"), arrived("b", "2026-02-03")]).await;
    let sql = "SELECT name, notice, epoch, headline_survey, headline_kind, headline_population, window_days, windows, \
               surveys, timezone, currency, data_as_of FROM deployment";
    let expected = format!(
        "Shop SYNTHETIC {:016x} s relational customers 30 [7,30] [\"s\"] Europe/Moscow EUR 2026-02-03 12:00:00.000000",
        world.epoch
    );
    assert_eq!(world.lines(sql).await, [expected]);
    let today = world.numbers("SELECT toInt32(today) AS today FROM deployment").await;
    assert_eq!(today, [Some(world.today().await as f64)]);
}

#[tokio::test]
async fn every_migrate_replaces_all_benchmarks() {
    let world = World::new().await;
    let rival = BenchmarkSection {
        source: "their report".to_owned(),
        ..benchmark("rival", BenchmarkKind::Competitor, 41.5, "2025-01-01")
    };
    let gold = of_tier("gold", target(70.0, "2026-01-01", Some("2026-12-31")));
    show(&world, vec![rival.clone(), gold]).await;
    let all = "SELECT * FROM benchmarks ORDER BY name";
    let expected = [
        "ours target nps s tier gold 70 2026-01-01 2026-12-31 ",
        "rival competitor nps s all all 41.5 2025-01-01 - their report",
    ];
    assert_eq!(world.lines(all).await, expected);
    show(&world, vec![rival]).await;
    assert_eq!(world.lines(all).await, [expected[1]]);
    show(&world, Vec::new()).await;
    assert!(world.lines(all).await.is_empty());
}

#[tokio::test]
async fn the_target_is_the_one_valid_on_the_last_day_for_the_segment() {
    let world = World::new().await;
    let mut cells = answers("all", "all", date("2026-03-10"), [(10, 1), (8, 0), (0, 0)]);
    cells.extend(answers("tier", "gold", date("2026-03-10"), [(10, 1), (8, 0), (0, 0)]));
    cells.extend(answers("tier", "silver", date("2026-03-10"), [(10, 1), (8, 0), (0, 0)]));
    world.live(Rollup::NpsScores, cells).await;
    show(
        &world,
        vec![
            benchmark("industry", BenchmarkKind::Industry, 1.0, "2026-01-01"),
            target(60.0, "2026-01-01", Some("2026-03-14")),
            target(65.0, "2026-03-15", None),
            of_tier("gold", target(70.0, "2026-03-15", Some("2026-03-15"))),
        ],
    )
    .await;
    let on = async |day: &str| {
        let sql = format!(
            "SELECT dimension, segment, target FROM nps_at(as_of = '{day}', window_days = 7) ORDER BY ALL"
        );
        world.lines(&sql).await
    };
    assert_eq!(on("2026-03-14").await, ["all all 60", "tier gold -", "tier silver -"]);
    assert_eq!(on("2026-03-15").await, ["all all 65", "tier gold 70", "tier silver -"]);
    assert_eq!(on("2026-03-16").await, ["all all 65", "tier gold -", "tier silver -"]);
    let between = "SELECT dimension, segment, target FROM nps_between(from_day = '2026-03-01', to_day = '2026-03-15') \
                   ORDER BY ALL";
    assert_eq!(world.lines(between).await, ["all all 65", "tier gold 70", "tier silver -"]);
}

/// Scores of a hundred answers that make an NPS, and the words for it under the two presets.
const BANDS: [(i64, &str, &str); 9] = [
    (-1, "below 0", "very bad"),
    (0, "0 to 50", "bad"),
    (49, "0 to 50", "bad"),
    (50, "50 to 80", "bad"),
    (59, "50 to 80", "bad"),
    (60, "50 to 80", "between"),
    (79, "50 to 80", "between"),
    (80, "50 to 80", "good"),
    (81, "above 80", "good"),
];

#[tokio::test]
async fn a_band_is_the_word_of_the_surveys_preset_for_the_score() {
    let world = World::new().await;
    let today = world.today().await;
    let mut cells = Vec::new();
    for (nps, ..) in BANDS {
        let (promoters, detractors) = (nps.max(0), (-nps).max(0));
        let counts = [(10, promoters), (8, 100 - promoters - detractors), (0, detractors)];
        cells.extend(answers("tier", &format!("{nps}"), today, counts));
    }
    world.live(Rollup::NpsScores, cells).await;
    let words = async || {
        let sql = "SELECT nps, band FROM nps WHERE dimension = 'tier' AND population = 'responses' AND window_days = 7 \
                   ORDER BY nps";
        world.lines(sql).await
    };
    let expected = |word: fn(&(i64, &'static str, &'static str)) -> &'static str| {
        BANDS.iter().map(|row| format!("{} {}", row.0, word(row))).collect::<Vec<_>>()
    };
    // Nothing was configured yet: the preset is bain.
    assert_eq!(words().await, expected(|row| row.1));
    show(&world, Vec::new()).await;
    assert_eq!(words().await, expected(|row| row.1));
    let mut strict: Definitions = definitions();
    strict.surveys.iter_mut().for_each(|survey| survey.band = Band::Strict);
    let presentation = Presentation::resolve(DeploymentSection::default(), Vec::new(), &strict).unwrap();
    world.store.set_presentation(&presentation).await.unwrap();
    assert_eq!(words().await, expected(|row| row.2));
}

#[tokio::test]
async fn a_window_without_answers_has_no_band() {
    let world = World::new().await;
    let today = world.today().await;
    world.live(Rollup::NpsScores, answers("all", "all", today - 7, [(10, 1), (8, 0), (0, 0)])).await;
    let sql = "SELECT responses, nps, band, previous_nps FROM nps WHERE window_days = 7";
    assert_eq!(world.lines(sql).await, ["0 -  100"]);
}

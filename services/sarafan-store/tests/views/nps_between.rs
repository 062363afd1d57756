//! METRICS 2 from facts: `nps_between`.

use sarafan_core::rollup::Rollup;
use sarafan_core::rows;
use sarafan_core::table::Value;
use sarafan_core::vocabulary::Subject;

use crate::world::{Row, World, day, int, noon, text, texts};

/// An answer, in the facts and in the daily cells; what the shard derives for it is `more`.
async fn answer(world: &World, key: &str, id: &str, (on, score): (&str, Option<i64>), more: Row<'_>) {
    let mut row: Row<'_> = vec![
        ("key", text(key)),
        ("id", text(id)),
        ("survey", text("s")),
        ("answered_at", noon(on)),
        ("day", day(on)),
        ("score", Value::maybe(score)),
        ("counted", int(1)),
        ("dimensions", texts(&["touchpoint"])),
        ("segments", texts(&["web"])),
    ];
    row.extend(more);
    world.put(rows::entity_table(Subject::SurveyResponse).unwrap(), vec![row]).await;
    // Cells are absolute, so an answer of the same day and score would replace this one: the tests avoid it.
    let score = int(score.unwrap_or(-1));
    let cell = vec![("survey", text("s")), ("day", day(on)), ("score", score), ("responses", int(1))];
    world.live(Rollup::NpsScores, vec![cell]).await;
}

async fn customer(world: &World, key: &str, tier: &str) {
    let row = vec![("key", text(key)), ("dimensions", texts(&["tier"])), ("segments", texts(&[tier]))];
    world.put(&rows::CUSTOMER_FIGURES, vec![row]).await;
}

async fn march(world: &World) {
    let superseded = |on: &str| vec![("superseded_on", day(on))];
    let about = |order: &'static str| vec![("order_id", text(order))];
    let none = Vec::new;
    answer(world, "c:1", "a", ("2026-03-01", Some(3)), superseded("2026-03-05")).await;
    answer(world, "c:1", "b", ("2026-03-05", Some(9)), about("o1")).await;
    answer(world, "o:77", "g", ("2026-03-06", Some(10)), about("77")).await;
    answer(world, "e:h", "h", ("2026-03-07", Some(0)), none()).await;
    answer(world, "c:2", "n", ("2026-03-09", None), none()).await;
    answer(world, "c:2", "before", ("2026-02-15", Some(7)), none()).await;
    answer(world, "c:1", "year_ago", ("2025-03-09", Some(10)), superseded("2026-03-01")).await;
    answer(world, "c:1", "long_ago", ("2025-02-01", Some(1)), superseded("2025-03-09")).await;
    customer(world, "c:1", "gold").await;
    customer(world, "c:2", "silver").await;
}

const MARCH: &str = "nps_between(from_day = '2026-03-01', to_day = '2026-03-31')";

#[tokio::test]
async fn each_population_has_its_unit() {
    let world = World::new().await;
    march(&world).await;
    let sql = format!(
        "SELECT population, detractors, passives, promoters, no_score, round(nps, 3) AS nps, previous_nps, \
         nps_year_ago, round(yoy, 3) AS yoy FROM {MARCH} WHERE dimension = 'all' ORDER BY population"
    );
    // Of customer 1 the later answer counts; each guest's answer is its own customer.
    let expected = [
        "customers 1 0 2 1 33.333 0 100 -66.667",
        "orders 0 0 2 1 100 - - -",
        "responses 2 0 2 1 0 0 100 -100",
    ];
    assert_eq!(world.lines(&sql).await, expected);
}

#[tokio::test]
async fn guests_are_unknown_in_the_dimensions_of_customers() {
    let world = World::new().await;
    march(&world).await;
    let sql = format!(
        "SELECT dimension, segment, detractors, promoters FROM {MARCH} \
         WHERE population = 'customers' AND dimension != 'all' ORDER BY dimension, segment"
    );
    // Silver has a row for its answer of the period before.
    let expected = ["tier gold 0 1", "tier silver 0 0", "tier unknown 1 1", "touchpoint web 1 2"];
    assert_eq!(world.lines(&sql).await, expected);
}

#[tokio::test]
async fn an_answer_that_does_not_count_is_in_no_population() {
    let world = World::new().await;
    answer(&world, "c:1", "a", ("2026-03-01", Some(3)), vec![("order_id", text("o1"))]).await;
    let excluded = vec![
        ("key", text("c:1")),
        ("id", text("b")),
        ("survey", text("s")),
        ("answered_at", noon("2026-03-02")),
        ("day", day("2026-03-02")),
        ("score", int(10)),
        ("order_id", text("o1")),
        ("counted", int(0)),
    ];
    world.put(rows::entity_table(Subject::SurveyResponse).unwrap(), vec![excluded]).await;
    let sql = format!(
        "SELECT population, detractors, promoters FROM {MARCH} WHERE dimension = 'all' ORDER BY population"
    );
    assert_eq!(world.lines(&sql).await, ["customers 1 0", "orders 1 0", "responses 1 0"]);
}

#[tokio::test]
async fn of_several_answers_about_one_order_the_latest_counts() {
    let world = World::new().await;
    let about = |superseded: Option<&str>| {
        vec![("order_id", text("o1")), ("superseded_on", superseded.map_or(Value::Null, day))]
    };
    answer(&world, "c:1", "b", ("2026-03-01", Some(3)), about(Some("2026-03-02"))).await;
    // At one moment the greater id is the later.
    answer(&world, "c:1", "y", ("2026-03-02", Some(8)), about(Some("2026-03-02"))).await;
    answer(&world, "c:1", "z", ("2026-03-02", Some(10)), about(Some("2026-04-02"))).await;
    answer(&world, "c:1", "a", ("2026-04-02", Some(0)), about(None)).await;
    let sql = format!(
        "SELECT population, detractors, passives, promoters FROM {MARCH} WHERE dimension = 'all' ORDER BY population"
    );
    assert_eq!(world.lines(&sql).await, ["customers 0 0 1", "orders 0 0 1", "responses 1 1 1"]);
}

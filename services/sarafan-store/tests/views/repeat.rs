//! METRICS 3: gaps, the funnel with Kaplan-Meier's figures, flow and activity.

use sarafan_core::rollup::Rollup;
use sarafan_core::rows;
use sarafan_core::vocabulary::Subject;

use crate::world::{Row, World, assert_close, date, day, int, money, text, texts};

/// The toy of METRICS, 10, 20, 30+, 40, 50+, with the view's horizons in the place of its days.
async fn toy(world: &World) {
    let today = world.today().await;
    let closed =
        [30, 60, 180].map(|gap| vec![("step", int(1)), ("gap_days", int(gap)), ("customers", int(1))]);
    let open = [90, 365].map(|gap| vec![("step", int(1)), ("day", int(today - gap)), ("customers", int(1))]);
    world.live(Rollup::GapsClosed, closed.to_vec()).await;
    world.live(Rollup::GapsOpen, open.to_vec()).await;
}

#[tokio::test]
async fn kaplan_meier_is_that_of_the_toy() {
    let world = World::new().await;
    toy(&world).await;
    let found = world.numbers("SELECT p30, p60, p90, p180, p365, median_gap_days FROM repeat_funnel").await;
    for (found, expected) in found.iter().zip([0.2, 0.4, 0.4, 0.7, 0.7, 180.0]) {
        assert_close(*found, expected, 1e-9);
    }
    let sql = "SELECT customers, next_customers, conversion, at_risk[30], at_risk[60], at_risk[90], at_risk[180], at_risk[365] \
               FROM repeat_funnel";
    assert_eq!(world.lines(sql).await, ["5 3 0.6 5 4 3 2 1"]);
}

#[tokio::test]
async fn intervals_are_greenwoods() {
    let world = World::new().await;
    toy(&world).await;
    let found =
        world.numbers("SELECT p30_low, p30_high, p90_low, p90_high, p180_high FROM repeat_funnel").await;
    // 0.8 x sqrt(1 / (5 x 4)) and 0.6 x sqrt(1 / (5 x 4) + 1 / (4 x 3)), times 1.959964.
    let (first, second) = (1.959_964 * 0.8 * 0.05_f64.sqrt(), 1.959_964 * 0.6 * (2.0_f64 / 15.0).sqrt());
    for (found, expected) in found.iter().zip([0.0, 0.2 + first, 0.0, 0.4 + second, 1.0]) {
        assert_close(*found, expected, 1e-6);
    }
}

#[tokio::test]
async fn nothing_is_said_beyond_the_longest_follow_up() {
    let world = World::new().await;
    let closed = [20, 40].map(|gap| vec![("step", int(2)), ("gap_days", int(gap)), ("customers", int(1))]);
    world.live(Rollup::GapsClosed, closed.to_vec()).await;
    let sql = "SELECT step, p30, p30_low IS NULL, p60, p60_low, median_gap_days FROM repeat_funnel";
    assert_eq!(world.lines(sql).await, ["2 0.5 0 - - 20"]);
}

#[tokio::test]
async fn where_nobody_is_left_waiting_there_is_no_interval() {
    let world = World::new().await;
    let cell = vec![("step", int(1)), ("gap_days", int(30)), ("customers", int(4))];
    world.live(Rollup::GapsClosed, vec![cell]).await;
    assert_eq!(world.lines("SELECT p30, p30_low, p30_high FROM repeat_funnel").await, ["1 - -"]);
}

/// A counted order that is the customer's `nth` purchase.
fn order<'a>(key: &'a str, id: &'a str, on: &'a str, nth: i64) -> Row<'a> {
    vec![("key", text(key)), ("id", text(id)), ("day", day(on)), ("counted", int(1)), ("nth", int(nth))]
}

#[tokio::test]
async fn the_funnel_of_a_past_day_leaves_out_what_was_bought_after_it() {
    let world = World::new().await;
    let orders = vec![
        order("c:1", "a", "2026-01-01", 1),
        // Two orders of one purchase: it happened on the day of the first.
        order("c:1", "b", "2026-01-31", 2),
        order("c:1", "b2", "2026-02-03", 2),
        order("c:1", "c", "2026-03-01", 3),
        order("c:2", "d", "2026-01-11", 1),
        order("c:3", "e", "2026-03-01", 1),
        // A guest's order has no place in a life.
        vec![("key", text("o:g")), ("id", text("g")), ("day", day("2026-01-05")), ("counted", int(1))],
    ];
    world.put(rows::entity_table(Subject::Order).unwrap(), orders).await;
    let figures =
        vec![("key", text("c:1")), ("dimensions", texts(&["tier"])), ("segments", texts(&["gold"]))];
    world.put(&rows::CUSTOMER_FIGURES, vec![figures]).await;
    let sql = "SELECT dimension, segment, step, customers, next_customers, p30, at_risk[30] AS at_risk \
               FROM repeat_funnel_at(as_of = '2026-02-10') ORDER BY dimension, segment, step";
    let expected = ["all all 1 2 1 0.5 2", "all all 2 1 0 - 0", "tier gold 1 1 1 1 1", "tier gold 2 1 0 - 0"];
    assert_eq!(world.lines(sql).await, expected);
    // The rollups have nothing: as of now speaks of them alone.
    assert!(world.lines("SELECT * FROM repeat_funnel").await.is_empty());
}

#[tokio::test]
async fn gaps_are_closed_or_open_until_today() {
    let world = World::new().await;
    toy(&world).await;
    let sql = "SELECT step, gap_days, closed, open FROM repeat_gaps ORDER BY gap_days";
    assert_eq!(world.lines(sql).await, ["1 30 1 0", "1 60 1 0", "1 90 0 1", "1 180 1 0", "1 365 0 1"]);
}

#[tokio::test]
async fn the_flow_counts_purchases_by_their_place_in_a_life() {
    let world = World::new().await;
    let cell =
        |step: i64, n: i64| vec![("month", day("2026-01-01")), ("step", int(step)), ("purchases", int(n))];
    world.live(Rollup::RepeatFlow, vec![cell(1, 5), cell(2, 3), cell(3, 0)]).await;
    let sql = "SELECT month, step, purchases FROM repeat_flow ORDER BY step";
    assert_eq!(world.lines(sql).await, ["2026-01-01 1 5", "2026-01-01 2 3"]);
}

#[tokio::test]
async fn activity_knows_the_month_before_and_hides_the_future() {
    let world = World::new().await;
    let cell = |month: &str, [new, returning, reactivated, lapsed, repeat]: [i64; 5]| -> Row<'_> {
        vec![
            ("month", day(month)),
            ("new", int(new)),
            ("returning", int(returning)),
            ("reactivated", int(reactivated)),
            ("lapsed", int(lapsed)),
            ("repeat", int(repeat)),
        ]
    };
    let cells = vec![
        cell("2026-01-01", [30, 0, 0, 0, 0]),
        cell("2026-02-01", [10, 6, 0, 24, 8]),
        cell("2026-03-01", [0, 0, 0, 16, 0]),
        cell("2100-01-01", [0, 0, 0, 5, 0]),
    ];
    world.live(Rollup::Activity, cells).await;
    let cohort = |index: i64, currency: &'static str, orders: i64, revenue: i64| {
        vec![
            ("cohort_month", day("2026-01-01")),
            ("month_index", int(index)),
            ("currency", text(currency)),
            ("orders", int(orders)),
            ("revenue", money(revenue)),
        ]
    };
    let cohorts = vec![cohort(0, "RUB", 31, 1000), cohort(1, "RUB", 6, 200), cohort(1, "EUR", 1, 7)];
    world.live(Rollup::Cohorts, cohorts).await;
    let sql = "SELECT toMonth(month) AS m, active, lapsed, repeat_rate, retention, orders, revenue FROM activity ORDER BY month";
    let expected = [
        r#"1 30 0 0 - {"RUB":"31"} {"RUB":"1000"}"#,
        r#"2 16 24 0.5 0.2 {"EUR":"1","RUB":"6"} {"EUR":"7","RUB":"200"}"#,
        "3 0 16 - 0 {} {}",
    ];
    assert_eq!(world.lines(sql).await, expected);
    assert!(date("2100-01-01") > world.today().await);
}

//! METRICS 4: lifetime value, value at the same age, years, cohorts; METRICS 1: sales per day.

use sarafan_core::rollup::Rollup;

use crate::world::{World, assert_close, day, int, money, text};

#[tokio::test]
async fn lifetime_value_is_the_product_of_its_factors() {
    let world = World::new().await;
    // S 1200, C 1.5, P 30 %, t 24 for each of two customers: 36 purchases in 24 months.
    let cell = vec![
        ("currency", text("RUB")),
        ("customers", int(2)),
        ("orders", int(75)),
        ("purchases", int(72)),
        ("months_487", int(2 * 24 * 487)),
        ("gross", money(90_000)),
        ("refunded", money(3_600)),
        ("revenue", money(86_400)),
        ("margin", money(25_920)),
        ("refund_only", money(7)),
    ];
    world.live(Rollup::Ltv, vec![cell]).await;
    let sql = "SELECT average_check, orders_per_month, margin_rate, months, ltv, lifetime_months FROM ltv";
    let found = world.numbers(sql).await;
    for (found, expected) in found.iter().zip([1200.0, 1.5, 0.3, 24.0, 12_960.0, 48.0]) {
        assert_close(*found, expected, 1e-9);
    }
    assert_close(found[..4].iter().copied().product(), 12_960.0, 1e-6);
    let money = "SELECT customers, orders, purchases, gross, refunded, revenue, margin, refund_only FROM ltv";
    assert_eq!(world.lines(money).await, ["2 75 72 90000 3600 86400 25920 7"]);
}

#[tokio::test]
async fn without_revenue_the_value_is_the_margin_and_there_are_no_factors() {
    let world = World::new().await;
    let cell = vec![
        ("dimension", text("tier")),
        ("segment", text("gold")),
        ("currency", text("RUB")),
        ("customers", int(2)),
        ("orders", int(2)),
        ("purchases", int(2)),
        ("months_487", int(974)),
        ("gross", money(10)),
        ("refunded", money(14)),
        ("revenue", money(-4)),
        ("margin", money(-3)),
    ];
    let only = vec![("currency", text("EUR")), ("refund_only", money(5))];
    world.live(Rollup::Ltv, vec![cell, only]).await;
    let sql = "SELECT dimension, average_check, orders_per_month, margin_rate, months, ltv, refund_only, customers \
               FROM ltv ORDER BY dimension";
    assert_eq!(world.lines(sql).await, ["all - - - - - 5 0", "tier - - - - -1.5 - 2"]);
}

#[tokio::test]
async fn value_at_an_age_is_over_those_who_have_reached_it() {
    let world = World::new().await;
    let today = world.today().await;
    let cell = |born: i64, customers: i64, margin: i64| {
        vec![
            ("currency", text("RUB")),
            ("age_days", int(90)),
            ("first_day", int(today - born)),
            ("customers", int(customers)),
            ("revenue", money(margin * 2)),
            ("margin", money(margin)),
        ]
    };
    world.live(Rollup::ValueAtAge, vec![cell(89, 10, 500), cell(90, 3, 90), cell(400, 1, 30)]).await;
    let sql = "SELECT age_days, customers, revenue, margin, margin_per_customer FROM value_at_age";
    assert_eq!(world.lines(sql).await, ["90 4 240 120 30"]);
}

#[tokio::test]
async fn cohorts_add_up_their_margin_per_customer_of_the_first_month() {
    let world = World::new().await;
    let cell = |index: i64, customers: i64, margin: i64| {
        vec![
            ("cohort_month", day("2026-01-01")),
            ("month_index", int(index)),
            ("currency", text("RUB")),
            ("customers", int(customers)),
            ("orders", int(customers)),
            ("margin", money(margin)),
        ]
    };
    // The margins of the oracle of METRICS 4: 300, 400, 250 of 30 new customers. Month 2 has nothing, month 3 the last.
    world
        .live(Rollup::Cohorts, vec![cell(0, 30, 300), cell(1, 10, 400), cell(2, 0, 0), cell(3, 9, 250)])
        .await;
    let sql = "SELECT month_index, customers, cohort_size, cumulative_margin, round(cumulative_margin_per_customer, 4) AS each \
               FROM cohorts ORDER BY month_index";
    assert_eq!(world.lines(sql).await, ["0 30 30 300 10", "1 10 30 700 23.3333", "3 9 30 950 31.6667"]);
}

#[tokio::test]
async fn years_and_core_customers_come_from_their_cells() {
    let world = World::new().await;
    let year = vec![
        ("year", int(2026)),
        ("cohort_year", int(2024)),
        ("currency", text("RUB")),
        ("customers", int(3)),
        ("orders", int(5)),
        ("revenue", money(50)),
        ("margin", money(20)),
    ];
    world.live(Rollup::LtvYearly, vec![year]).await;
    let core = |years: i64, n: i64| vec![("years_bought", int(years)), ("customers", int(n))];
    world.live(Rollup::CoreCustomers, vec![core(1, 8), core(2, 3), core(3, 0)]).await;
    assert_eq!(world.lines("SELECT * FROM ltv_yearly").await, ["all all 2026 2024 RUB 3 5 50 20"]);
    let sql = "SELECT years_bought, customers FROM core_customers ORDER BY years_bought";
    assert_eq!(world.lines(sql).await, ["1 8", "2 3"]);
}

#[tokio::test]
async fn a_day_of_refunds_alone_is_a_day_of_sales() {
    let world = World::new().await;
    let cell = vec![
        ("day", day("2026-03-01")),
        ("currency", text("RUB")),
        ("orders", int(3)),
        ("purchases", int(2)),
        ("new_customers", int(1)),
        ("guests", int(1)),
        ("gross", money(30)),
        ("refunded", money(10)),
        ("revenue", money(20)),
        ("margin", money(8)),
    ];
    let refunds = vec![("day", day("2026-03-02")), ("currency", text("RUB")), ("refunds_booked", money(10))];
    world.live(Rollup::SalesDaily, vec![cell, refunds]).await;
    let sql = "SELECT toDayOfMonth(day) AS d, orders, purchases, new_customers, gross, refunded, revenue, margin, \
               refunds_booked, guests FROM sales_daily ORDER BY day";
    assert_eq!(world.lines(sql).await, ["1 3 2 1 30 10 20 8 0 1", "2 0 0 0 0 0 0 0 10 0"]);
}

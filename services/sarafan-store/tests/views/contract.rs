//! The contract itself: names, types, comments, definitions.

use crate::world::World;

/// The views that analysts rely on, with the columns that VIEWS names.
const CONTRACT: [(&str, &str); 22] = [
    (
        "orders",
        "order_id purchase_id customer_id ordered_at status kind counted amount tax shipping discount bonus_spent refunded \
         over_refunded revenue margin currency nth is_first days_since_previous channel store seller manager campaign \
         referred_by excluded_reason source updated_at",
    ),
    ("refunds", "refund_id customer_id order_id refunded_at amount margin currency store reason"),
    ("order_items", "order_id customer_id ordered_at counted sku category brand quantity price amount"),
    ("order_attributes", "order_id name value"),
    (
        "survey_responses",
        "response_id survey survey_kind wave language customer_id respondent_id order_id invitation_id answered_at score \
         nps_group superseded_on reasons channel touchpoint manager excluded_reason source updated_at",
    ),
    ("survey_answers", "response_id customer_id question answer"),
    (
        "survey_invitations",
        "invitation_id survey customer_id order_id channel invited_at status reminders response_id",
    ),
    (
        "customers",
        "customer_id first_order_at last_order_at tenure_months orders purchases nps_answers years_bought is_core \
         referred_customers latest_score latest_nps_group latest_answered_at segments excluded_reason currency gross refunded \
         revenue margin average_check orders_per_month margin_rate lifetime_months ltv",
    ),
    (
        "customer_money",
        "customer_id currency orders gross refunded revenue margin average_check orders_per_month margin_rate lifetime_months \
         ltv",
    ),
    ("identity_conflicts", "order_id response_id keys amounts"),
    (
        "nps",
        "dimension segment survey population window_days detractors passives promoters responses no_score nps nps_low nps_high \
         previous_nps change change_p significant delivered pending response_rate target band",
    ),
    ("nps_scores", "dimension segment survey day score responses"),
    (
        "repeat_funnel",
        "dimension segment step customers next_customers conversion at_risk p30 p30_low p30_high p60 p90 p180 p365 \
         median_gap_days",
    ),
    ("repeat_gaps", "dimension segment step gap_days closed open"),
    ("repeat_flow", "dimension segment month step purchases"),
    (
        "activity",
        "dimension segment month new returning reactivated active lapsed repeat_rate retention orders revenue",
    ),
    (
        "sales_daily",
        "dimension segment day currency orders purchases new_customers gross refunded revenue margin refunds_booked guests",
    ),
    (
        "ltv",
        "dimension segment currency customers orders gross refunded revenue margin lifetime_months average_check \
         orders_per_month margin_rate months ltv refund_only",
    ),
    ("value_at_age", "dimension segment currency age_days customers revenue margin margin_per_customer"),
    ("ltv_yearly", "dimension segment year cohort_year currency customers orders revenue margin"),
    ("core_customers", "dimension segment years_bought customers"),
    (
        "cohorts",
        "dimension segment cohort_month month_index currency customers orders revenue margin cumulative_margin_per_customer",
    ),
];

/// Views that speak of the deployment rather than of what happened: some have rows from the first migrate on.
const MORE: [(&str, &str); 4] = [
    (
        "deployment",
        "name notice epoch headline_survey headline_kind headline_population window_days windows surveys timezone today currency \
         data_as_of",
    ),
    ("benchmarks", "name kind metric survey dimension segment value valid_from valid_to source"),
    (
        "freshness",
        "source last_event_at last_received_at lag_seconds records dead_letters guests no_score_share",
    ),
    ("metric_definitions", "view metric title formula unit grain section version"),
];

/// Views with parameters, with arguments that fit them.
const PARAMETRIZED: [(&str, &str); 5] = [
    ("nps_at", "as_of = '2026-01-01', window_days = 30"),
    ("nps_change", "as_of = '2026-01-01', window_days = 30"),
    ("nps_between", "from_day = '2026-01-01', to_day = '2026-01-31'"),
    ("nps_trend", "window_days = 30, from_day = '2026-01-01', to_day = '2026-01-31'"),
    ("repeat_funnel_at", "as_of = '2026-01-01'"),
];

#[tokio::test]
async fn every_view_of_the_contract_has_its_columns() {
    let world = World::new().await;
    for (view, columns) in CONTRACT {
        let found = world.query(&format!("SELECT * FROM {view}")).await;
        for name in columns.split_whitespace() {
            assert!(found.index(name).is_some(), "{view} lacks {name}");
        }
    }
    for (view, arguments) in PARAMETRIZED {
        let found = world.query(&format!("SELECT * FROM {view}({arguments})")).await;
        assert!(found.index("dimension").is_some() && found.rows.is_empty(), "{view}");
    }
    for (view, columns) in MORE {
        let found = world.query(&format!("SELECT * FROM {view}")).await;
        for name in columns.split_whitespace() {
            assert!(found.index(name).is_some(), "{view} lacks {name}");
        }
    }
}

#[tokio::test]
async fn views_with_parameters_have_the_columns_and_types_of_their_plain_sisters() {
    let world = World::new().await;
    let columns = async |relation: &str| world.query(&format!("SELECT * FROM {relation}")).await.columns;
    let at = columns("nps_at(as_of = '2026-01-01', window_days = 30)").await;
    let now = columns("nps").await;
    assert_eq!(at, now);
    assert_eq!(columns("repeat_funnel_at(as_of = '2026-01-01')").await, columns("repeat_funnel").await);
    let between = columns(&format!("nps_between({})", PARAMETRIZED[2].1)).await;
    let shared: Vec<_> =
        now.iter().filter(|c| !["window_days", "as_of"].contains(&c.name.as_str())).cloned().collect();
    assert_eq!(between[..shared.len()], shared);
    let trend = columns(&format!("nps_trend({})", PARAMETRIZED[3].1)).await;
    let differing: Vec<_> = trend.iter().filter(|c| c.name != "day" && !now.contains(c)).collect();
    assert!(differing.is_empty(), "{differing:?}");
}

#[tokio::test]
async fn everything_runs_and_is_empty_before_the_first_epoch() {
    let world = World::unborn().await;
    for (view, _) in CONTRACT {
        assert!(world.lines(&format!("SELECT * FROM {view}")).await.is_empty(), "{view}");
    }
    for (view, arguments) in PARAMETRIZED {
        assert!(world.lines(&format!("SELECT * FROM {view}({arguments})")).await.is_empty(), "{view}");
    }
    assert!(world.lines("SELECT * FROM freshness").await.is_empty());
}

#[tokio::test]
async fn money_is_decimal_instants_have_microseconds_and_cuts_are_dictionaries() {
    let world = World::new().await;
    let of_views = |condition: &str| {
        format!(
            "SELECT table, name, type FROM system.columns WHERE database = '{}' AND ({condition})",
            world.store.views_database()
        )
    };
    let wrong = [
        "type LIKE '%Decimal%' AND position(type, 'Decimal(38, 4)') = 0",
        "type LIKE '%DateTime%' AND position(type, 'DateTime64(6, \\'UTC\\')') = 0",
        "type LIKE '%Float32%'",
        "name IN ('dimension', 'segment') AND type != 'LowCardinality(String)'",
    ];
    for condition in wrong {
        assert_eq!(world.lines(&of_views(condition)).await, Vec::<String>::new(), "{condition}");
    }
    // Money never stands without a currency, but per currency in a map.
    let alone = of_views(
        "type LIKE '%Decimal%' AND NOT startsWith(type, 'Map') AND table NOT IN \
         (SELECT table FROM system.columns WHERE database = currentDatabase() AND name IN ('currency', 'currencies'))",
    );
    assert_eq!(world.lines(&alone).await, Vec::<String>::new());
}

#[tokio::test]
async fn every_table_view_and_column_has_a_comment() {
    let world = World::new().await;
    let both = format!("('{}', '{}')", world.store.store_database(), world.store.views_database());
    let tables = format!("SELECT name FROM system.tables WHERE database IN {both} AND comment = ''");
    assert_eq!(world.lines(&tables).await, Vec::<String>::new());
    let columns = format!("SELECT table, name FROM system.columns WHERE database IN {both} AND comment = ''");
    assert_eq!(world.lines(&columns).await, Vec::<String>::new());
}

#[tokio::test]
async fn every_figure_has_a_definition_and_every_definition_a_figure() {
    let world = World::new().await;
    let figures = CONTRACT.iter().map(|(view, _)| *view).skip(10).chain(["customer_money"]);
    // What a row speaks of is no figure.
    let keys = "('dimension', 'segment', 'survey', 'population', 'window_days', 'as_of', 'day', 'month', 'step', 'score', \
                'gap_days', 'currency', 'age_days', 'year', 'cohort_year', 'years_bought', 'cohort_month', 'month_index', \
                'customer_id')";
    for view in figures {
        let sql = format!(
            "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '{view}' AND name NOT IN {keys} \
             AND name NOT IN (SELECT metric FROM metric_definitions WHERE view = '{view}')"
        );
        assert_eq!(world.lines(&sql).await, Vec::<String>::new(), "{view}");
    }
    let unknown = "SELECT view, metric FROM metric_definitions WHERE view NOT IN ('nps_between', 'nps_change') AND (view, metric) NOT IN \
                   (SELECT table, name FROM system.columns WHERE database = currentDatabase())";
    assert_eq!(world.lines(unknown).await, Vec::<String>::new());
    // Columns of a view with parameters are in no system table.
    let found = world.query(&format!("SELECT * FROM nps_change({})", PARAMETRIZED[1].1)).await;
    let figures: Vec<_> = found.columns.iter().map(|column| column.name.clone()).skip(4).collect();
    let defined = world.lines("SELECT metric FROM metric_definitions WHERE view = 'nps_change'").await;
    assert_eq!(figures, defined);
    let twice = "SELECT view, metric FROM metric_definitions GROUP BY view, metric HAVING count() > 1";
    assert_eq!(world.lines(twice).await, Vec::<String>::new());
    let lacking =
        "SELECT view, metric FROM metric_definitions WHERE '' IN (title, formula, unit, grain, section)";
    assert_eq!(world.lines(lacking).await, Vec::<String>::new());
}

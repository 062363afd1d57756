//! What panels make of figures: their queries with rows made up for it in the place of views.

use std::collections::BTreeMap;

use sarafan_store::Rows;
use serde_json::Value;

use crate::files::{Variables, dashboards, interpolate, list, text};
use crate::world::{World, deploy};

/// Rows in the place of a view: its name, and a query.
type Views = BTreeMap<&'static str, &'static str>;

/// A day that has begun in the zone of the panels, and not yet in UTC.
const DEPLOYMENT: &str = "SELECT toDate('2026-11-23') AS today, 'RUB' AS currency, CAST(NULL, \
    'Nullable(DateTime64(6, \\'UTC\\'))') AS data_as_of";
/// 2026-11-22 23:30 UTC.
const NOW: u32 = 1_795_390_200;
const ZONE: &str = "Pacific/Auckland";

/// Something that answers queries; it has no views.
fn world() -> World {
    let text = std::fs::read_to_string(deploy("config/minimal.toml")).unwrap();
    World::new("made_up", &text, &[("CLICKHOUSE__DATABASE", "default")])
}

/// What stands behind a name with its arguments.
fn after_arguments(text: &str) -> &str {
    let mut depth = 0;
    for (place, c) in text.char_indices() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 {
            return &text[place + 1..];
        }
    }
    panic!("an open bracket: {text}");
}

/// A query with rows in the place of its views.
fn with_rows(sql: &str, views: &Views) -> String {
    let (mut filled, mut left) = (String::new(), sql);
    while let Some((before, view)) = left.split_once("${database}.") {
        let end = view.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(view.len());
        let (name, rest) = view.split_at(end);
        let rows = views.get(name).unwrap_or_else(|| panic!("it reads {name}: {sql}"));
        left = if rest.starts_with('(') { after_arguments(rest) } else { rest };
        let alias = if left.starts_with(" AS ") { String::new() } else { format!(" AS {name}") };
        filled.push_str(&format!("{before}({rows}){alias}"));
    }
    filled + left
}

/// Runs a query with that value of one variable, and of the others what a dashboard is opened with.
fn run(sql: &str, views: &[(&'static str, &'static str)], variable: (&str, &[&str])) -> Rows {
    let mut all: Views = [("deployment", DEPLOYMENT)].into();
    all.extend(views.iter().copied());
    let mut variables: Variables = [
        ("survey", "s"),
        ("population", "responses"),
        ("window", "30"),
        ("dimension", "all"),
        ("segment", "all"),
        ("currency", "EUR"),
        ("zone", ZONE),
    ]
    .map(|(name, value)| (name.to_owned(), vec![value.to_owned()]))
    .into();
    let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    variables.insert("group".to_owned(), values(&["detractor", "passive", "promoter"]));
    variables.insert(variable.0.to_owned(), values(variable.1));
    let filled = interpolate(&with_rows(sql, &all), &variables);
    let filled = filled.replace("$__fromTime", &format!("toDateTime({})", NOW - 29 * 86_400));
    let filled = filled.replace("$__toTime", &format!("toDateTime({NOW})"));
    let world = world();
    world.block_on(world.store.query(&filled, &[])).unwrap_or_else(|error| panic!("{error}\n{filled}"))
}

/// The query of a panel, by the name of its dashboard, its id, and the place among its queries.
fn query(dashboard: &str, id: u64, place: usize) -> String {
    let all = dashboards();
    let dashboard = all.iter().find(|found| found.name == dashboard).unwrap();
    let panel = dashboard.panels().into_iter().find(|panel| panel["id"] == id).unwrap();
    text(&list(panel, "targets")[place], "rawSql").to_owned()
}

/// The first query of a panel on these views.
fn panel(dashboard: &str, id: u64, views: &[(&'static str, &'static str)]) -> Rows {
    run(&query(dashboard, id, 0), views, ("window", &["30"]))
}

fn column(rows: &Rows, name: &str) -> Vec<Value> {
    let place = rows.index(name).unwrap();
    rows.rows.iter().map(|row| row[place].clone()).collect()
}

fn numbers(rows: &Rows, name: &str) -> Vec<Option<f64>> {
    let number = |value: Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    column(rows, name).into_iter().map(number).collect()
}

fn texts(rows: &Rows, name: &str) -> Vec<String> {
    (0..rows.rows.len()).map(|row| rows.text(row, name).unwrap_or_else(|| "NULL".to_owned())).collect()
}

#[test]
fn the_part_of_a_segment_in_a_change_is_mix_and_rate() {
    let change = "SELECT 'all' AS dimension, 's' AS survey, 'responses' AS population, cell.1 AS segment, \
        toNullable(0.5) AS share_before, toNullable(0.5) AS share_now, 40 AS responses_before, \
        cell.4 AS responses_now, toNullable(10.) AS nps_before, toNullable(11.) AS nps_now, \
        toNullable(cell.2) AS mix, toNullable(cell.3) AS rate, toNullable(4.) AS total_change \
        FROM (SELECT arrayJoin([('north', 1.5, 0.5, 40), ('south', -1., 3., 20), ('east', -5., 5., \
        40)]) AS cell)";
    let rows = panel("analyst", 7, &[("nps_change", change)]);
    assert_eq!(numbers(&rows, "Part in the change"), [Some(2.0), Some(2.0), Some(0.0)]);
    assert_eq!(texts(&rows, "Segment")[2], "east", "the largest part first");
    assert_eq!(numbers(&rows, "n before"), [Some(40.0); 3]);
}

#[test]
fn the_interval_of_a_curve_ends_where_the_curve_does() {
    // The toy oracle of METRICS 3: the longest gap is 50 days.
    let gaps = "SELECT 'all' AS dimension, 'all' AS segment, toUInt16(1) AS step, cell.1 AS gap_days, \
        cell.2 AS closed, cell.3 AS open FROM (SELECT arrayJoin([(10, 1, 0), (20, 1, 0), (30, 0, 1), (40, \
        1, 0), (50, 0, 1)]) AS cell)";
    let rows = panel("analyst", 10, &[("repeat_gaps", gaps)]);
    let of = |name: &str| numbers(&rows, &format!("to the 2nd purchase{name}"));
    let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-9;
    let curve = of("");
    assert!(close(curve[10], 0.2) && close(curve[30], 0.4) && close(curve[50], 0.7), "{curve:?}");
    for end in ["", ": 95 % from", ": 95 % to"] {
        let curve = of(end);
        assert!(curve[50].is_some() && curve[51..].iter().all(Option::is_none), "{end}: {curve:?}");
    }
}

#[test]
fn what_has_no_data_is_not_fresh() {
    let rows = panel("executive", 5, &[]);
    assert_eq!(
        (texts(&rows, "name"), numbers(&rows, "value")),
        (vec!["nothing has arrived".to_owned()], vec![None])
    );
    let arrived = "SELECT toNullable(toDateTime64('2026-11-22 21:00:00', 6, 'UTC')) AS data_as_of";
    assert_eq!(texts(&panel("executive", 5, &[("deployment", arrived)]), "name"), ["22 Nov 21:00:00 UTC"]);
}

#[test]
fn retention_is_of_everybody_who_bought_the_month_before() {
    // Of the second segment nobody came back in October: its retention is 0, and its buyers of September count.
    let activity = "SELECT 'all' AS dimension, 'all' AS segment, cell.1 AS month, cell.2 AS returning, \
        cell.3 AS lapsed, 10 AS active, toNullable(0.5) AS repeat_rate, cell.4 AS retention \
        FROM (SELECT arrayJoin([ (toDate('2026-10-01'), 30, 10, toNullable(0.75)), (toDate('2026-10-01'), \
        0, 40, toNullable(0.)), (toDate('2026-09-01'), 20, 9, toNullable(20 / 29))]) AS cell)";
    let rows = panel("analyst", 14, &[("activity", activity)]);
    assert_eq!(texts(&rows, "time").len(), 1, "the chosen time begins in October: {:?}", rows.rows);
    assert_eq!(numbers(&rows, "retention"), [Some(0.375)]);
}

#[test]
fn a_month_that_is_not_over_has_no_whole_month_beside_it() {
    let sales = "SELECT 'all' AS dimension, 'EUR' AS currency, cell.1 AS day, toDecimal64(cell.2, \
        4) AS revenue FROM (SELECT arrayJoin([(toDate('2026-11-05'), 5), (toDate('2026-10-30'), 7), \
        (toDate('2025-11-09'), 3), (toDate('2025-10-09'), 2)]) AS cell)";
    let rows = panel("executive", 11, &[("sales_daily", sales)]);
    assert_eq!(texts(&rows, "Month"), ["Oct 26", "Nov 26"]);
    assert_eq!(numbers(&rows, "a year before"), [Some(2.0), None]);
    assert_eq!(numbers(&rows, "revenue"), [Some(7.0), Some(5.0)]);
}

/// Answers of a guest, on the first and the last of thirty days and on the day before them.
const ANSWERS: &str = "SELECT 's' AS survey, true AS counted, cell.2 AS nps_group, \
    toNullable(toUInt8(cell.3)) AS score, CAST(map(), 'Map(String, String)') AS segments, CAST(NULL, \
    'Nullable(String)') AS customer_id, toNullable(toDate(cell.1)) AS day, toDateTime64(cell.1, 6, \
    'UTC') AS answered_at, CAST([], 'Array(String)') AS reasons, NULL AS channel, NULL AS touchpoint, \
    NULL AS store, NULL AS manager, NULL AS order_id, cell.1 AS response_id \
    FROM (SELECT arrayJoin([('2026-11-23', 'promoter', 10), ('2026-10-25', 'detractor', 3), ('2026-10-24', \
    'detractor', 0)]) AS cell)";
const NOBODY: &str = "SELECT 'nobody' AS customer_id, CAST(map(), 'Map(String, String)') AS segments";

#[test]
fn the_score_of_answers_is_of_all_groups_or_there_is_none() {
    let views = [("survey_responses", ANSWERS), ("customers", NOBODY)];
    let rows = panel("responses", 1, &views);
    assert_eq!(
        (texts(&rows, "name"), numbers(&rows, "value")),
        (vec!["n = 2 answers".to_owned()], vec![Some(0.0)])
    );
    let rows = run(&query("responses", 1, 0), &views, ("group", &["promoter"]));
    assert_eq!(numbers(&rows, "value"), [None]);
    assert!(texts(&rows, "name")[0].starts_with("n = 1 answers"));
}

#[test]
fn an_axis_of_scores_has_all_of_them() {
    let scores = "SELECT 'all' AS dimension, 'all' AS segment, 's' AS survey, toDate('2026-11-23') AS day, \
        toUInt8(arrayJoin([3, 9, 9])) AS score, toInt64(2) AS responses";
    let all: Vec<String> = (0..=10).map(|score| score.to_string()).collect();
    let rows = panel("analyst", 6, &[("nps_scores", scores)]);
    assert_eq!(texts(&rows, "Score"), all);
    assert_eq!((numbers(&rows, "detractors")[3], numbers(&rows, "promoters")[9]), (Some(2.0), Some(4.0)));
    let rows = panel("responses", 2, &[("survey_responses", ANSWERS), ("customers", NOBODY)]);
    assert_eq!(texts(&rows, "Score"), all);
    assert_eq!((numbers(&rows, "detractors")[3], numbers(&rows, "detractors")[0]), (Some(1.0), Some(0.0)));
    // Nobody answered: the panel says so.
    let rows = run(&query("analyst", 6, 0), &[("nps_scores", scores)], ("survey", &["another"]));
    assert!(rows.rows.is_empty(), "{:?}", rows.rows);
}

#[test]
fn an_answer_of_a_guest_leads_to_no_customer() {
    let rows = panel("responses", 4, &[("survey_responses", ANSWERS), ("customers", NOBODY)]);
    assert_eq!(texts(&rows, "Customer"), ["guest", "guest"]);
}

#[test]
fn segments_are_compared_over_complete_days() {
    let segments = "SELECT cell.1 AS dimension, cell.2 AS segment, 's' AS survey, \
        'responses' AS population, cell.3 AS promoters, cell.4 AS detractors, if(dimension = 'all', 200, \
        100) AS responses, toNullable(toFloat64(cell.3 - cell.4)) AS nps, nps - 5 AS nps_low, \
        nps + 5 AS nps_high, toNullable(-12.) AS change, true AS significant \
        FROM (SELECT arrayJoin([('store', 'north', 90, 5), ('store', 'south', 20, 70)]) AS cell \
        UNION ALL SELECT ('all', 'all', 110, 75))";
    for (id, segment) in [(7, "store: south"), (8, "store: north")] {
        assert!(query("executive", id, 0).contains("as_of = (SELECT today - 1 FROM"), "panel {id}");
        let rows = panel("executive", id, &[("nps_at", segments)]);
        assert_eq!(
            (texts(&rows, "Segment"), texts(&rows, "Change")),
            (vec![segment.to_owned()], vec!["-12.0 ▼".to_owned()])
        );
    }
}

#[test]
fn two_reference_lines_of_a_kind_have_names_of_their_own_colour() {
    let lines = "SELECT cell.1 AS name, cell.2 AS kind, 'nps' AS metric, 's' AS survey, \
        'all' AS dimension, 60. AS value, toDate(cell.3) AS valid_from, CAST(NULL, \
        'Nullable(Date)') AS valid_to FROM (SELECT arrayJoin([('retail', 'industry', '2025-01-01'), \
        ('online', 'industry', '2025-01-01'), ('ours', 'target', '2025-01-01'), ('ours', 'target', \
        '2026-11-01')]) AS cell)";
    for (dashboard, id) in [("executive", 6), ("analyst", 5)] {
        let rows = run(&query(dashboard, id, 1), &[("benchmarks", lines)], ("window", &["30"]));
        let mut names = texts(&rows, "line");
        names.sort();
        names.dedup();
        assert_eq!(names, ["industry 2: retail", "industry: online", "target: ours"]);
    }
}

#[test]
fn a_significant_change_says_its_direction() {
    let segments = "SELECT 'all' AS dimension, 'all' AS segment, 's' AS survey, 'responses' AS population, \
        toUInt16(30) AS window_days, toNullable(toFloat64(cell.1)) AS nps, nps AS nps_low, \
        nps AS nps_high, 50 AS responses, toNullable(cell.2) AS change, toNullable(0.01) AS change_p, \
        cell.3 AS significant, CAST(NULL, 'Nullable(Float64)') AS target, target AS response_rate, \
        0 AS no_score FROM (SELECT arrayJoin([(1, 9., true), (2, -9., true), (3, 1., false)]) AS cell)";
    assert_eq!(texts(&panel("analyst", 2, &[("nps", segments)]), "Significant"), ["up ▲", "down ▼", "no"]);
}

#[test]
fn bars_of_groups_are_shares() {
    let segments = "SELECT 'all' AS dimension, 'all' AS segment, 's' AS survey, 'responses' AS population, \
        toUInt16(30) AS window_days, 10 AS detractors, 20 AS passives, 50 AS promoters, 80 AS responses, \
        toNullable(50.) AS nps";
    let rows = panel("analyst", 3, &[("nps", segments)]);
    let shares = ["detractors", "passives", "promoters"].map(|group| numbers(&rows, group)[0]);
    assert_eq!(shares, [Some(0.125), Some(0.25), Some(0.625)]);
}

#[test]
fn the_currency_with_most_revenue_is_offered_first() {
    let sales = "SELECT 'all' AS dimension, cell.1 AS currency, cell.2 AS orders \
        FROM (SELECT arrayJoin([('EUR', 10), ('RUB', 1), ('USD', 20)]) AS cell)";
    for dashboard in
        dashboards().iter().filter(|dashboard| ["analyst", "customers"].contains(&dashboard.name.as_str()))
    {
        let variable = dashboard.variables().iter().find(|variable| variable["name"] == "currency").unwrap();
        let rows = run(text(variable, "query"), &[("sales_daily", sales)], ("window", &["30"]));
        assert_eq!(texts(&rows, "currency"), ["RUB", "USD", "EUR"]);
    }
}

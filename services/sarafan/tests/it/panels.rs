//! Every query of every dashboard, on data: what comes back is what its panel can draw.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use sarafan_store::{ResultColumn, Rows};
use serde_json::{Value, json};

use crate::data;
use crate::files::{Dashboard, Variables, dashboards, interpolate, list, text};
use crate::world::{Service, World, deploy, succeeded};

/// Longest that a query may take on the little data here, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);

/// Panels that the real data has nothing for: one survey of one month without invitations, and sales of somebody else, in which
/// nothing is unreadable and no customer has answered.
const NOT_IN_THE_DEMO: [&str; 5] = [
    "NPS best segments",
    "NPS worst segments",
    "Dead letters by source and reason",
    "NPS change by mix and rate",
    "One customer: answers",
];
/// Panels that may have nothing to say of any data.
const GOOD_NEWS: [&str; 1] = ["Errors of the server"];

/// Characters of a name that a panel of a quarter of the screen shows.
const LONGEST_NAME: usize = 48;

/// One dashboard with its variables set, as it is when it is opened.
struct Opened<'a> {
    world: &'a World,
    dashboard: &'a Dashboard,
    variables: Variables,
    /// Start and end of the chosen time, in Unix seconds.
    time: (i64, i64),
}

impl<'a> Opened<'a> {
    /// Each variable takes the first value of its query, or all of them when it starts with all.
    fn new(world: &'a World, dashboard: &'a Dashboard) -> Self {
        let now = jiff::Timestamp::now().as_second();
        let time = (now - seconds(text(&dashboard.json["time"], "from")), now);
        let mut opened = Self { world, dashboard, variables: Variables::new(), time };
        for variable in dashboard.variables() {
            let (name, query) = (text(variable, "name"), text(variable, "query"));
            let values = match (name, text(variable, "type")) {
                ("database", _) => vec![opened.database(query)],
                (_, "query") => opened.values(name, query, variable["includeAll"] == true),
                _ => chosen(&variable["current"]["value"]),
            };
            opened.variables.insert(name.to_owned(), values);
        }
        opened
    }

    /// The database of this world's views, which has to be among those that are offered.
    fn database(&self, query: &str) -> String {
        let mine = self.world.deployment.clickhouse.database.clone();
        let rows = self.ask(query);
        assert!((0..rows.rows.len()).any(|row| rows.text(row, "database").as_ref() == Some(&mine)));
        mine
    }

    fn values(&self, name: &str, query: &str, all: bool) -> Vec<String> {
        let rows = self.ask(query);
        let place = format!("{}, variable {name}", self.dashboard.name);
        assert_eq!(rows.columns.len(), 1, "{place}: the plugin takes one column");
        assert_eq!(
            plain(&rows.columns[0].kind),
            "String",
            "{place}: numbers are shown as they are by some versions"
        );
        let found = (0..rows.rows.len()).filter_map(|row| rows.text(row, &rows.columns[0].name));
        let values: Vec<String> = if all { found.collect() } else { found.take(1).collect() };
        assert!(!values.is_empty(), "{place}: no value");
        values
    }

    /// Runs a query as the plugin does; fails when it fails or is slow three times.
    fn ask(&self, query: &str) -> Rows {
        let filled = interpolate(query, &self.variables);
        let filled = filled.replace("$__fromTime", &format!("toDateTime({})", self.time.0));
        let filled = filled.replace("$__toTime", &format!("toDateTime({})", self.time.1));
        assert!(!filled.contains('$'), "{}: what is left in {filled}?", self.dashboard.name);
        // The machine may have been busy with something else.
        let mut tries = 0;
        loop {
            tries += 1;
            let began = Instant::now();
            let answer = self.world.block_on(self.world.store.query(&filled, &[]));
            let in_time = began.elapsed() < PATIENCE;
            match answer {
                Ok(rows) if in_time => return rows,
                Err(error) if in_time => panic!("{}: {error}\n{filled}", self.dashboard.name),
                _ => assert!(tries < 3, "{}: {:?} for {filled}", self.dashboard.name, began.elapsed()),
            }
        }
    }
}

/// Values that stand in the file.
fn chosen(current: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    current.as_array().map_or_else(|| vec![text(current)], |values| values.iter().map(text).collect())
}

/// Seconds before now of `now-1y`.
fn seconds(from: &str) -> i64 {
    let length = from.strip_prefix("now-").unwrap();
    let (number, unit) = length.split_at(length.len() - 1);
    let of = [("h", 3_600), ("d", 86_400), ("y", 365 * 86_400)];
    number.parse::<i64>().unwrap() * of.iter().find(|(name, _)| *name == unit).unwrap().1
}

/// A type without what wraps it.
fn plain(kind: &str) -> &str {
    let inner =
        ["LowCardinality(", "Nullable("].iter().find_map(|outer| kind.strip_prefix(outer)?.strip_suffix(')'));
    inner.map_or(kind, plain)
}

fn is_number(kind: &str) -> bool {
    ["UInt", "Int", "Float", "Decimal"].iter().any(|start| plain(kind).starts_with(start))
}

fn is_time(kind: &str) -> bool {
    plain(kind).starts_with("Date")
}

/// Whether a matcher of an override means the column.
fn matches(matcher: &Value, column: &str) -> bool {
    let option = text(matcher, "options");
    match text(matcher, "id") {
        "byName" => option == column,
        "byRegexp" if option == "/.*/" => true,
        "byRegexp" if option == "/^[0-9]+$/" => column.chars().all(|c| c.is_ascii_digit()),
        "byRegexp" => column.starts_with(option.trim_start_matches("/^").trim_end_matches('/')),
        "byFrameRefID" => false,
        other => panic!("this test does not know the matcher {other}"),
    }
}

/// A property of a column: of the last override that sets it, else of the panel.
fn property<'a>(panel: &'a Value, column: &str, id: &str) -> &'a Value {
    let overrides = list(&panel["fieldConfig"], "overrides").iter().rev();
    let mut matching = overrides.filter(|found| matches(&found["matcher"], column));
    let set =
        matching.find_map(|found| list(found, "properties").iter().find(|property| property["id"] == id));
    set.map_or(&panel["fieldConfig"]["defaults"][id], |property| &property["value"])
}

/// Columns by name and type.
fn columns(rows: &Rows) -> Vec<(&str, &str)> {
    rows.columns.iter().map(|column| (column.name.as_str(), column.kind.as_str())).collect()
}

fn ascending(rows: &Rows, column: &str) -> bool {
    let place = rows.index(column).unwrap();
    let key = |row: &Vec<Value>| {
        row[place].as_f64().map_or_else(|| (row[place].to_string(), 0.0), |number| (String::new(), number))
    };
    rows.rows.windows(2).all(|pair| key(&pair[0]) <= key(&pair[1]))
}

/// A time column, then numbers, and at most one label.
fn check_time_series(place: &str, rows: &Rows) {
    let columns = columns(rows);
    assert!(columns[0].0 == "time" && is_time(columns[0].1), "{place}: {columns:?}");
    let labels: Vec<_> = columns[1..].iter().filter(|(_, kind)| !is_number(kind)).collect();
    assert!(
        labels.len() <= 1 && labels.iter().all(|(_, kind)| plain(kind) == "String"),
        "{place}: {labels:?}"
    );
    assert!(ascending(rows, "time"), "{place}: not in the order of time");
}

/// One value per row with its name, and its colour where there is one: the transformation of the panel makes fields of them.
fn check_stat(place: &str, panel: &Value, rows: &Rows) {
    let columns = columns(rows);
    assert_eq!(
        columns.iter().map(|(name, _)| *name).take(2).collect::<Vec<_>>(),
        ["name", "value"],
        "{place}"
    );
    let is_text = panel["fieldConfig"]["defaults"]["unit"] == "string";
    assert!(
        if is_text { plain(columns[1].1) == "String" } else { is_number(columns[1].1) },
        "{place}: {columns:?}"
    );
    let names: BTreeSet<_> = (0..rows.rows.len()).map(|row| rows.text(row, "name")).collect();
    let longest = names.iter().flatten().map(|name| name.chars().count()).max();
    assert!(longest <= Some(LONGEST_NAME), "{place}: it would be cut: {names:?}");
    assert!(names.len() == rows.rows.len() && !names.contains(&None), "{place}: {names:?}");
    for row in 0..rows.rows.len() {
        let colour = rows.text(row, "colour").unwrap_or_else(|| "text".to_owned());
        assert!(
            columns.len() == 2 || colour == "text" || colour.starts_with('#'),
            "{place}: colour {colour}"
        );
    }
}

/// Names or numbers along one axis, numbers along the other.
fn check_chart(place: &str, panel: &Value, rows: &Rows) {
    let columns = columns(rows);
    let axis = text(&panel["options"], "xField").trim_end_matches("\\series");
    let kind = columns
        .iter()
        .find(|(name, _)| *name == axis)
        .unwrap_or_else(|| panic!("{place}: no column {axis}"))
        .1;
    if panel["type"] == "barchart" {
        assert_eq!(plain(kind), "String", "{place}");
    } else {
        assert!(is_number(kind) && ascending(rows, axis), "{place}: {axis} does not ascend");
    }
    let is_label =
        |name: &str| name == axis || !list(panel, "transformations").is_empty() && name == "series";
    assert!(columns.iter().all(|(name, kind)| is_label(name) || is_number(kind)), "{place}: {columns:?}");
}

/// Columns with the units that their kinds have.
fn check_table(place: &str, panel: &Value, rows: &Rows) {
    for (name, kind) in columns(rows) {
        let unit = property(panel, name, "unit").as_str().unwrap_or_default();
        let hidden = property(panel, name, "custom.hideFrom")["viz"] == true;
        let right = match unit {
            "" => !is_number(kind) || hidden,
            "string" => plain(kind) == "String",
            "bool_yes_no" => plain(kind) == "Bool",
            "dateTimeAsIso" => is_time(kind),
            _ => is_number(kind),
        };
        assert!(right, "{place}: {name} is {kind} and has the unit \"{unit}\"");
    }
}

/// Nothing that the panel says of columns is of one that is not there.
fn check_names(place: &str, panel: &Value, rows: &Rows) {
    let columns: BTreeSet<&str> = rows.columns.iter().map(|column| column.name.as_str()).collect();
    let is_matrix = list(panel, "transformations").iter().any(|step| step["id"] == "groupingToMatrix");
    for found in list(&panel["fieldConfig"], "overrides") {
        let names_a_column =
            ["byName", "byRegexp"].contains(&text(&found["matcher"], "id")) && panel["type"] == "table";
        let known = columns.iter().any(|column| matches(&found["matcher"], column));
        assert!(
            !names_a_column || known || is_matrix,
            "{place}: nothing is called {}",
            found["matcher"]["options"]
        );
    }
    for reference in crate::files::all_texts(panel).into_iter().flat_map(crate::files::references) {
        let field = reference.strip_prefix("__data.fields.").and_then(|rest| rest.split(':').next());
        assert!(field.is_none_or(|field| columns.contains(field)), "{place}: no column for {reference}");
    }
    let style = text(&panel["fieldConfig"]["defaults"]["custom"], "styleField");
    assert!(style.is_empty() || columns.contains(style), "{place}: no column {style}");
}

/// Whether a row says why there is none.
fn says_why(panel: &Value, row: &[Value]) -> bool {
    let why = &panel["fieldConfig"]["defaults"]["noValue"];
    why.is_string() && row.contains(why)
}

/// Whether there is something to see: a value that is not NULL beside what names it.
fn shows_something(panel: &Value, rows: &Rows) -> bool {
    let values = |row: &Vec<Value>| row.iter().skip(1).any(|value| !value.is_null() && value != "{}");
    rows.rows.iter().any(|row| values(row) && !says_why(panel, row))
}

/// Runs all queries of all dashboards; titles of the panels that have nothing to show, up to the first variable in them.
fn run_all(world: &World) -> BTreeSet<String> {
    let mut empty = BTreeSet::new();
    let mut ran = 0;
    for dashboard in &dashboards() {
        let opened = Opened::new(world, dashboard);
        for panel in dashboard.panels() {
            let place = dashboard.place(panel);
            let queries: Vec<&Value> =
                list(panel, "targets").iter().filter(|target| target["rawSql"].is_string()).collect();
            let results: Vec<Rows> =
                queries.iter().map(|target| opened.ask(text(target, "rawSql"))).collect();
            for (target, rows) in queries.iter().zip(&results) {
                match text(panel, "type") {
                    "timeseries" => check_time_series(&place, rows),
                    "stat" => check_stat(&place, panel, rows),
                    "barchart" | "trend" => check_chart(&place, panel, rows),
                    "table" => {
                        check_table(&place, panel, rows);
                        assert!(!rows.rows.is_empty(), "{place}: a header alone");
                    }
                    other => panic!("{place}: this test does not know what {other} draws"),
                }
                assert_eq!(target["format"] == 0, panel["type"] == "timeseries", "{place}");
                check_names(&place, panel, rows);
            }
            ran += results.len();
            if !results.is_empty() && !results.iter().any(|rows| shows_something(panel, rows)) {
                empty.insert(
                    text(panel, "title")
                        .trim_start_matches("${notice}")
                        .split(['$', ','])
                        .next()
                        .unwrap()
                        .trim_end_matches([' ', ':'])
                        .to_owned(),
                );
            }
        }
    }
    assert!(ran >= 40, "only {ran} queries");
    empty
}

/// Asks all tables for what there is not: each has to say so.
fn ask_for_nothing(world: &World) {
    let mut asked = 0;
    for dashboard in &dashboards() {
        let mut opened = Opened::new(world, dashboard);
        for name in ["survey", "segment", "currency", "customer"] {
            opened.variables.insert(name.to_owned(), vec!["there is none".to_owned()]);
        }
        let tables = dashboard.panels().into_iter().filter(|panel| panel["type"] == "table");
        for (panel, target) in tables.flat_map(|panel| list(panel, "targets").iter().map(move |t| (panel, t)))
        {
            let sql = text(target, "rawSql");
            if ["survey", "segment", "currency"].iter().any(|name| sql.contains(&format!("${{{name}:"))) {
                asked += 1;
                let rows = opened.ask(sql);
                let place = dashboard.place(panel);
                check_table(&place, panel, &rows);
                assert!(rows.rows.len() == 1 && says_why(panel, &rows.rows[0]), "{place}: {:?}", rows.rows);
            }
        }
    }
    assert!(asked >= 10, "only {asked}");
}

/// The titles that begin with none of these.
fn others(titles: BTreeSet<String>, beginnings: &[&str]) -> Vec<String> {
    titles.into_iter().filter(|title| !beginnings.iter().any(|start| title.starts_with(start))).collect()
}

/// A world whose views show everything that its sources hold, with both services: ingest has stopped.
fn shown(world: World) -> (World, Service, Service) {
    let ingest = world.start("ingest", "ingest", &[]);
    let aggregate = world.start("aggregate", "aggregate", &[]);
    let topics: Vec<_> = world.deployment.mapping.topics().map(str::to_owned).collect();
    let all: usize = topics.iter().map(|topic| world.read(topic).len()).sum();
    assert!(all > 0);
    let read = || ingest.metric("sarafan_ingest_records_total", &[]) >= all as f64;
    world.wait_until("ingest has read everything", read);
    // It ends only when the brokers have what it made.
    ingest.stop();
    world.wait_for_views(1);
    (world, ingest, aggregate)
}

/// The simulated shop, small, with everything in its views.
pub(crate) fn simulated_shop(name: &str) -> (World, Service, Service) {
    let text = std::fs::read_to_string(deploy("demo/shop.toml")).unwrap();
    let world = World::migrated(name, &text, &[]);
    succeeded(&world.run(&["simulate", "--customers", "2500", "--days", "790"], b""));
    shown(world)
}

/// A result of one row.
fn result(columns: &[(&str, &str, Value)]) -> Rows {
    let column = |(name, kind, _): &(&str, &str, Value)| ResultColumn {
        name: (*name).to_owned(),
        kind: (*kind).to_owned(),
    };
    Rows {
        columns: columns.iter().map(column).collect(),
        rows: vec![columns.iter().map(|(.., value)| value.clone()).collect()],
    }
}

#[test]
fn what_a_panel_cannot_draw_is_refused() {
    let refused = |check: &(dyn Fn() + std::panic::RefUnwindSafe)| std::panic::catch_unwind(check).is_err();
    let table = json!({"type": "table", "fieldConfig": {"defaults": {}, "overrides": [
        {"matcher": {"id": "byName", "options": "n"}, "properties": [{"id": "unit", "value": "locale"}]}]}});
    let right = result(&[("Segment", "String", json!("a")), ("n", "UInt64", json!("3"))]);
    check_table("right", &table, &right);
    check_names("right", &table, &right);
    let without_unit = result(&[("n", "UInt64", json!("3")), ("NPS", "Nullable(Float64)", json!(1.5))]);
    assert!(refused(&|| check_table("without unit", &table, &without_unit)));
    let text = result(&[("n", "String", json!("3"))]);
    assert!(refused(&|| check_table("text with a unit of numbers", &table, &text)));
    let renamed = result(&[("Segment", "String", json!("a"))]);
    assert!(refused(&|| check_names("renamed", &table, &renamed)));
    let days = result(&[("time", "String", json!("2026-01-01")), ("nps", "Float64", json!(1))]);
    assert!(refused(&|| check_time_series("text for time", &days)));
    let chart = json!({"type": "barchart", "options": {"xField": "Score"}});
    let numbers = result(&[("Score", "UInt8", json!(3)), ("answers", "UInt64", json!("3"))]);
    assert!(refused(&|| check_chart("numbers for names", &chart, &numbers)));
    let null = [("Score", "String", json!("3")), ("answers", "Nullable(UInt64)", Value::Null)];
    assert!(!shows_something(&chart, &result(&null)));
    let said = json!({"fieldConfig": {"defaults": {"noValue": "nobody"}}});
    let nobody = [("Score", "Nullable(UInt8)", Value::Null), ("Group", "String", json!("nobody"))];
    assert!(!shows_something(&said, &result(&nobody)) && shows_something(&chart, &result(&nobody)));
}

#[test]
fn every_panel_draws_the_demo() {
    let shifts = data::shifts();
    let shifts: Vec<(&str, &str)> = shifts.iter().map(|(path, days)| (*path, days.as_str())).collect();
    let world = World::migrated("panels_demo", &data::configuration(), &shifts);
    world.produce(data::records(&world));
    let (world, _ingest, aggregate) = shown(world);
    let empty = others(run_all(&world), &GOOD_NEWS);
    aggregate.stop();
    let unexpected = others(empty.into_iter().collect(), &NOT_IN_THE_DEMO);
    assert!(unexpected.is_empty(), "nothing to see in {unexpected:?}");
}

#[test]
fn every_panel_draws_the_simulated_shop() {
    let (world, _ingest, aggregate) = simulated_shop("panels_shop");
    let empty = others(run_all(&world), &GOOD_NEWS);
    ask_for_nothing(&world);
    aggregate.stop();
    assert!(empty.is_empty(), "nothing to see in {empty:?}");
}

//! `sarafan audit` on real servers: clean where nothing was changed, and every planted corruption found and named.

use std::collections::BTreeSet;

use sarafan_core::Event;
use sarafan_core::vocabulary::{FieldValue, Subject};

use crate::random::{CONFIGURATION, canonical};
use crate::records::Records;
use crate::shop::Shop;
use crate::world::{Service, World};

/// What an audit said, and the checks in which something differs.
struct Audited {
    said: String,
    bad: BTreeSet<String>,
}

impl Audited {
    #[track_caller]
    fn assert_clean(&self) {
        assert!(self.bad.is_empty(), "{}", self.said);
    }
}

fn audit(world: &World, arguments: &[&str]) -> Audited {
    let all =
        ["audit", "--patience", "5", "--show", "1000"].iter().chain(arguments).copied().collect::<Vec<_>>();
    let output = world.run(&all, b"");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let name = |line: &str| {
        let check = line.trim_start().strip_prefix("BAD")?.trim();
        Some(check.split("  ").next().unwrap_or(check).to_owned())
    };
    let bad: BTreeSet<String> = said.lines().filter_map(name).collect();
    assert!(!said.contains(" look "), "nothing moves in a world at rest: {said}");
    assert_eq!(output.status.code(), Some(i32::from(!bad.is_empty())), "{said}");
    Audited { said, bad }
}

/// A world at rest that has read random records.
fn random_world(name: &str, configuration: &str, events: &[Event]) -> World {
    let world = World::migrated(name, configuration, &[]);
    let aggregator = world.start("aggregate", "aggregator", &[]);
    world.produce(events.iter().map(|event| canonical(&world, event)));
    world.wait_for_views(events.len() as u64);
    aggregator.stop();
    world
}

/// What the recount of the views does not follow: days that are merged, orders of zero that count, reminders of reminders,
/// circles of them, and answers to them.
fn harder(mut events: Vec<Event>) -> Vec<Event> {
    for (place, event) in events.iter_mut().enumerate() {
        let other = format!("{}{}", ["m", "i"][place % 2], place % 11);
        for (name, value) in &mut event.fields {
            let names_invitation = matches!(name.as_str(), "invitation_id" | "reminder_of");
            if names_invitation && place % 3 > 0 {
                *value = FieldValue::Text(other.clone());
            }
        }
        if event.subject == Subject::SurveyInvitation && place % 4 == 0 {
            event.fields.push(("reminder_of".to_owned(), FieldValue::Text(other)));
            event.fields.dedup_by(|(a, _), (b, _)| a == b);
        }
    }
    events
}

/// Random records give one id to several customers, which is what these two checks are for.
fn conflicts() -> BTreeSet<String> {
    ["identity of orders", "identity of answers"].map(str::to_owned).into()
}

#[test]
fn an_audit_of_random_records_finds_nothing_but_ids_under_two_keys() {
    let events = Records::new(1, jiff::Timestamp::now()).many(1_500);
    let world = random_world("audit_random", CONFIGURATION, &events);
    let found = audit(&world, &["--deep"]);
    assert_eq!(found.bad, conflicts(), "{}", found.said);
}

#[test]
fn an_audit_follows_every_definition_that_there_is() {
    let others = CONFIGURATION
        .replace("America/New_York", "Asia/Kolkata")
        .replace(
            "margin_rate = \"0.25\"",
            "margin_rate = \"0.3333\"\nmerge_same_day = true\ncount_zero_amount = true",
        )
        .replace("first_order.channel", "latest_order.store")
        .replace("field = \"attributes.tier\"", "field = [\"cohort_month\", \"attributes.tier\"]")
        .replace("[\"store\", \"channel\"]", "[\"attributes.gift\", \"status\"]");
    let events = harder(Records::new(2, jiff::Timestamp::now()).many(1_500));
    let world = random_world("audit_definitions", &others, &events);
    let found = audit(&world, &["--deep", "--entities-at-once", "1"]);
    assert_eq!(found.bad, conflicts(), "{}", found.said);
}

/// The simulated shop at rest, and statements that damage it.
struct Damaged {
    world: World,
}

impl Damaged {
    fn run(&self, statement: &str) {
        let statement = statement.replace("{store}", self.world.store.store_database());
        self.world.execute(&statement);
    }

    /// Damages tables, audits, and puts them back.
    fn plant(&self, tables: &[&str], statements: &[String], arguments: &[&str]) -> Audited {
        for table in tables {
            self.run(&format!("CREATE TABLE {{store}}.kept_{table} AS {{store}}.{table}"));
            self.run(&format!("INSERT INTO {{store}}.kept_{table} SELECT * FROM {{store}}.{table}"));
        }
        statements.iter().for_each(|statement| self.run(statement));
        let found = audit(&self.world, arguments);
        for table in tables {
            self.run(&format!("TRUNCATE TABLE {{store}}.{table}"));
            self.run(&format!("INSERT INTO {{store}}.{table} SELECT * FROM {{store}}.kept_{table}"));
            self.run(&format!("DROP TABLE {{store}}.kept_{table} SYNC"));
        }
        found
    }
}

const SYNC: &str = "SETTINGS mutations_sync = 2";
const CELL: &str = "NOT marker AND dimension = 'all' AND segment = 'all'";
const ORDER: &str = "id = (SELECT min(id) FROM {store}.orders FINAL WHERE counted)";

/// A row written again with another content, as one that is later or of the same version.
fn again(table: &str, change: &str, rest: &str) -> String {
    format!(
        "INSERT INTO {{store}}.{table} SELECT * REPLACE ({change}) FROM {{store}}.{table} FINAL WHERE {rest}"
    )
}

/// A row that is gone: the one in which `columns` are what they are in the first row of `condition`.
fn gone(table: &str, columns: &str, condition: &str) -> String {
    format!(
        "ALTER TABLE {{store}}.{table} DELETE WHERE {columns} = \
         (SELECT {columns} FROM {{store}}.{table} FINAL WHERE {condition} ORDER BY {columns} LIMIT 1) {SYNC}"
    )
}

/// A later row of the ledger of one partition that has read something.
fn ledger_row(change: &str) -> String {
    again(
        "ledger",
        &format!("sequence + 1 AS sequence, {change}"),
        "live AND position > 20 ORDER BY partition LIMIT 1",
    )
}

impl Audited {
    /// Every one of these checks differs, and says so in these words.
    #[track_caller]
    fn assert_names(&self, expected: &[(&str, &str)]) {
        for (check, text) in expected {
            assert!(self.bad.contains(*check), "`{check}` finds nothing\n{}", self.said);
            let mut lines = self.said.lines().map(str::trim_start);
            assert!(
                lines.any(|l| l.starts_with(check) && l.contains(text)),
                "no `{check} ... {text}`\n{}",
                self.said
            );
        }
    }
}

#[test]
fn every_planted_corruption_is_found_and_named() {
    let shop = Shop::of("audit_shop", &["--customers", "60", "--days", "400", "--seed", "5"]);
    let letters = format!("SELECT count() FROM {}.dead_letters", shop.world.store.store_database());
    shop.world.wait_until("dead letters are indexed", || shop.world.scalar(&letters) != "0");
    let Shop { world, services, .. } = shop;
    services.iter().for_each(Service::stop);
    let damaged = Damaged { world };
    audit(&damaged.world, &["--deep"]).assert_clean();
    damages_of_figures(&damaged);
    damages_of_entities(&damaged);
    damages_that_only_the_topics_tell(&damaged);
    a_source_record_without_a_trace(&damaged);
    a_range_of_records_that_was_skipped(&damaged);
    what_a_watch_shows(&damaged);
}

/// None of these touches an entity's own fields, so that nothing else is to be found.
fn damages_of_figures(damaged: &Damaged) {
    let tables = [
        "sales_daily",
        "nps_scores",
        "activity",
        "cohorts",
        "customer_figures",
        "orders",
        "dead_letters",
        "ledger",
    ];
    let wrong_term = format!(
        "INSERT INTO {{store}}.activity SELECT * REPLACE (term + 1000 AS term) FROM {{store}}.activity WHERE {CELL}"
    );
    let found = damaged.plant(
        &tables,
        &[
            again("sales_daily", "margin + 0.0001 AS margin", &format!("{CELL} LIMIT 1")),
            gone("nps_scores", "(partition, survey, day, score)", CELL),
            wrong_term,
            format!("ALTER TABLE {{store}}.activity DELETE WHERE {CELL} AND term < 1000 {SYNC}"),
            format!("ALTER TABLE {{store}}.cohorts DELETE WHERE marker AND partition = 0 {SYNC}"),
            again("customer_figures", "purchases - 1 AS purchases", "purchases > 1 LIMIT 1"),
            again("orders", "revenue + 1 AS revenue", ORDER),
            gone("dead_letters", "(dlq_partition, dlq_offset)", "true"),
            ledger_row("entities - 1 AS entities"),
        ],
        &[],
    );
    let expected = [
        ("sales_daily", "margin"),
        ("nps_scores", "no row"),
        ("activity", "no row"),
        ("terms of cells", "rows of activity under term 1001"),
        ("markers of terms", "cohorts shows no term"),
        ("customer_figures", "purchases"),
        ("orders", "revenue"),
        ("index of dead letters", "a dead letter"),
        ("ledger entities", "as the ledger says"),
    ];
    found.assert_names(&expected);
    assert_eq!(found.bad, expected.map(|(check, _)| check.to_owned()).into(), "{}", found.said);
}

/// Figures follow from entities, so that figures differ with them.
fn damages_of_entities(damaged: &Damaged) {
    let found = damaged.plant(
        &["orders", "ledger"],
        &[
            again("orders", "'c:somebody' AS key", ORDER),
            gone("orders", "id", "counted AND NOT is_first"),
            ledger_row("last_record + 1 AS last_record"),
        ],
        &[],
    );
    found.assert_names(&[
        ("identity of orders", "c:somebody"),
        ("ledger entities", "as the ledger says"),
        ("ledger positions", "stands before that offset"),
        ("sales_daily", "orders"),
        ("customer_money", "orders"),
    ]);
}

fn damages_that_only_the_topics_tell(damaged: &Damaged) {
    let found = damaged.plant(
        &["details", "survey_invitations", "refunds"],
        &[
            gone("details", "(subject, key, id, field)", "true"),
            gone("survey_invitations", "id", "true"),
            again("refunds", "'because' AS reason", "reason IS NOT NULL LIMIT 1"),
        ],
        &["--deep"],
    );
    found.assert_names(&[
        ("canonical topic and details", "a detail of the canonical topic"),
        ("canonical topic and survey_invitations", "an entity of the canonical"),
        ("canonical topic and refunds", "because"),
    ]);
    assert!(!found.bad.contains("canonical topic and orders"), "{}", found.said);
}

/// What a rule left out has no trace; without the rule that is a loss. The rules are no part of the epoch.
fn a_source_record_without_a_trace(damaged: &Damaged) {
    let file = damaged.world.folder().join("sarafan.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let rule = text.find("[[source.skip]]\nrule = \"heartbeat\"").unwrap();
    let end = rule + 1 + text[rule + 1..].find("[[source").unwrap();
    std::fs::write(&file, format!("{}{}", &text[..rule], &text[end..])).unwrap();
    let found = audit(&damaged.world, &["--deep"]);
    std::fs::write(&file, &text).unwrap();
    found.assert_names(&[("records of source orders", "no trace")]);
    assert_eq!(found.bad.len(), 1, "{}", found.said);
}

/// The topic holds records that nobody applied, and the ledger stands behind them.
fn a_range_of_records_that_was_skipped(damaged: &Damaged) {
    let events = Records::new(9, jiff::Timestamp::now()).many(200);
    damaged.world.produce(events.iter().map(|event| canonical(&damaged.world, event)));
    let found = damaged.plant(&["ledger"], &[ledger_row("position + 5 AS position")], &[]);
    found.assert_names(&[("ledger positions", "the records that were applied")]);
}

/// For ever, with metrics: what an alert is made of.
fn what_a_watch_shows(damaged: &Damaged) {
    let world = &damaged.world;
    let watch = world.start("audit --watch --every 1 --patience 5", "audit", &[]);
    let audits = |outcome| watch.metric("sarafan_audits_total", &[("outcome", outcome)]);
    let differences = || watch.metric("sarafan_audit_differences", &[]);
    world.wait_until("an audit is clean", || audits("clean") >= 1.0);
    assert_eq!((differences(), audits("failed")), (0.0, 0.0), "{}", world.logs());
    damaged.run(&again("sales_daily", "orders + 1 AS orders", &format!("{CELL} LIMIT 1")));
    world.wait_until("an audit finds it", || audits("different") >= 1.0);
    assert_eq!(
        watch.metric("sarafan_audit_differences", &[("check", "sales_daily")]),
        1.0,
        "{}",
        world.logs()
    );
    assert_eq!(differences(), 1.0);
    watch.stop();
}

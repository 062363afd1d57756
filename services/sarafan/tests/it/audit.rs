//! `sarafan audit` on real servers: clean where nothing was changed, and every planted corruption found and named.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use sarafan_core::Event;
use sarafan_core::vocabulary::{FieldValue, Subject};
use sarafan_localstack::testing::shared;

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
    let all = ["audit", "--patience", "5"].iter().chain(arguments).copied().collect::<Vec<_>>();
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
        // Reads are all that the store offers beside its own writes.
        let url = shared().clickhouse_url();
        let address = url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let length = statement.len();
        write!(stream, "POST / HTTP/1.0\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n{statement}")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.lines().next().unwrap_or_default().contains(" 200 "), "{statement}: {answer}");
    }

    /// Damages a table, audits, and puts the table back. What is found must name `check`, and say `text` of it.
    fn plant(&self, table: &str, statements: &[&str], arguments: &[&str], check: &str, text: &str) {
        self.run(&format!("CREATE TABLE {{store}}.kept AS {{store}}.{table}"));
        self.run(&format!("INSERT INTO {{store}}.kept SELECT * FROM {{store}}.{table}"));
        for statement in statements {
            self.run(statement);
        }
        let found = audit(&self.world, arguments);
        assert!(found.bad.contains(check), "{check} does not name {statements:?}\n{}", found.said);
        assert!(found.said.contains(text), "no `{text}` of {statements:?}\n{}", found.said);
        self.run(&format!("TRUNCATE TABLE {{store}}.{table}"));
        self.run(&format!("INSERT INTO {{store}}.{table} SELECT * FROM {{store}}.kept"));
        self.run("DROP TABLE {store}.kept SYNC");
    }
}

const SYNC: &str = "SETTINGS mutations_sync = 2";

#[test]
fn every_planted_corruption_is_found_and_named() {
    let shop = Shop::of("audit_shop", &["--customers", "60", "--days", "400", "--seed", "5"]);
    let letters =
        "SELECT count() FROM {store}.dead_letters".replace("{store}", shop.world.store.store_database());
    shop.world.wait_until("dead letters are indexed", || shop.world.scalar(&letters) != "0");
    let Shop { world, services, .. } = shop;
    services.iter().for_each(Service::stop);
    let damaged = Damaged { world };
    audit(&damaged.world, &["--deep"]).assert_clean();

    let order = "id = (SELECT min(id) FROM {store}.orders FINAL WHERE counted)";
    damaged.plant(
        "orders",
        &[&format!("ALTER TABLE {{store}}.orders DELETE WHERE {order} {SYNC}")],
        &[],
        "ledger entities",
        "as the ledger says",
    );
    damaged.plant(
        "orders",
        &[&format!("INSERT INTO {{store}}.orders SELECT * REPLACE (revenue + 1 AS revenue) FROM {{store}}.orders FINAL WHERE {order}")],
        &[],
        "orders",
        "revenue",
    );
    let cell = "NOT marker AND dimension = 'all' AND segment = 'all'";
    damaged.plant(
        "sales_daily",
        &[&format!(
            "INSERT INTO {{store}}.sales_daily SELECT * REPLACE (margin + 0.0001 AS margin) FROM {{store}}.sales_daily FINAL WHERE {cell} LIMIT 1"
        )],
        &[],
        "sales_daily",
        "margin",
    );
    damaged.plant(
        "nps_scores",
        &[&format!(
            "ALTER TABLE {{store}}.nps_scores DELETE WHERE {cell} AND (survey, day, score) = \
             (SELECT (survey, day, score) FROM {{store}}.nps_scores FINAL WHERE {cell} LIMIT 1) {SYNC}"
        )],
        &[],
        "nps_scores",
        "no row",
    );
    damaged.plant(
        "activity",
        &[
            &format!("INSERT INTO {{store}}.activity SELECT * REPLACE (term + 1000 AS term) FROM {{store}}.activity WHERE {cell}"),
            &format!("ALTER TABLE {{store}}.activity DELETE WHERE {cell} AND term < 1000 {SYNC}"),
        ],
        &[],
        "terms of cells",
        "rows of activity under term 1001",
    );
    let row_of_ledger = |change: &str| {
        format!(
            "INSERT INTO {{store}}.ledger SELECT * REPLACE (sequence + 1 AS sequence, {change}) FROM {{store}}.ledger FINAL \
             WHERE live AND position > 20 ORDER BY partition LIMIT 1"
        )
    };
    // Beyond the end, as nobody would write it; and within the topic, as one that forgot ten records would.
    damaged.plant(
        "ledger",
        &[&row_of_ledger("position + 100000 AS position")],
        &[],
        "ledger positions",
        "where the topic ends",
    );
    damaged.plant(
        "ledger",
        &[&row_of_ledger("position - 10 AS position")],
        &[],
        "ledger positions",
        "stands before that offset",
    );
    damaged.plant(
        "ledger",
        &[&row_of_ledger("entities - 1 AS entities")],
        &[],
        "ledger entities",
        "as the ledger says",
    );
    damaged.plant(
        "cohorts",
        &[&format!("ALTER TABLE {{store}}.cohorts DELETE WHERE marker AND partition = 0 {SYNC}")],
        &[],
        "markers of terms",
        "cohorts shows no term",
    );
    damaged.plant(
        "customer_figures",
        &["INSERT INTO {store}.customer_figures SELECT * REPLACE (purchases - 1 AS purchases) FROM {store}.customer_figures FINAL WHERE purchases > 1 LIMIT 1"],
        &[],
        "customer_figures",
        "purchases",
    );
    damaged.plant(
        "orders",
        &[&format!("INSERT INTO {{store}}.orders SELECT * REPLACE ('c:somebody' AS key) FROM {{store}}.orders FINAL WHERE {order}")],
        &[],
        "identity of orders",
        "c:somebody",
    );
    damaged.plant(
        "dead_letters",
        &[&format!("ALTER TABLE {{store}}.dead_letters DELETE WHERE dlq_partition = (SELECT min(dlq_partition) FROM {{store}}.dead_letters) AND dlq_offset = 0 {SYNC}")],
        &[],
        "index of dead letters",
        "offset 0",
    );
    damaged.plant(
        "details",
        &[&format!(
            "ALTER TABLE {{store}}.details DELETE WHERE (subject, key, id, field) = \
             (SELECT (subject, key, id, field) FROM {{store}}.details FINAL LIMIT 1) {SYNC}"
        )],
        &["--deep"],
        "canonical topic and details",
        "a detail of the canonical topic",
    );
    damaged.plant(
        "survey_invitations",
        &[
            &format!(
                "ALTER TABLE {{store}}.survey_invitations DELETE WHERE id = (SELECT min(id) FROM {{store}}.survey_invitations FINAL) {SYNC}"
            ),
        ],
        &["--deep"],
        "canonical topic and survey_invitations",
        "an entity of the canonical topic",
    );
    audit(&damaged.world, &["--deep"]).assert_clean();
}

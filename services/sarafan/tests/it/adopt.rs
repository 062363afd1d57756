//! `sarafan adopt`, and the ways out that the runbook describes: followed to the letter, they heal.

use crate::world::{World, assert_same, deploy, record, succeeded};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// So many orders of as many customers, an answer to each.
fn send(world: &World, count: u32) {
    let now = jiff::Timestamp::now();
    let order = |n| {
        format!(
            r#"{{"number": "o{n}", "customer": {{"id": {n}}}, "created_at": "{now}", "changed_at": "{now}", "state": "paid", "total": "12.50", "currency": "EUR", "channel": "web"}}"#
        )
    };
    let answer = |n| {
        format!(
            r#"{{"answer_id": "a{n}", "customer_id": "{n}", "order": "o{n}", "answered_at": "{now}", "score": 9, "comment": "Quick."}}"#
        )
    };
    let lines = |of: &dyn Fn(u32) -> String| (0..count).map(of).collect::<Vec<_>>().join("\n");
    succeeded(&world.run(&["replay", "--source", "shop"], lines(&order).as_bytes()));
    succeeded(&world.run(&["replay", "--source", "surveys"], lines(&answer).as_bytes()));
}

#[test]
fn new_databases_are_filled_from_the_topic_and_everything_is_made_anew_from_the_sources() {
    let minimal = std::fs::read_to_string(deploy("config/minimal.toml")).unwrap();
    let world = World::migrated("adopt", &minimal, &[]);
    let (ingest, aggregator) =
        (world.start("ingest", "ingest", &[]), world.start("aggregate", "aggregator", &[]));
    send(&world, 20);
    world.wait_for_views(40);
    let shown = world.dump();
    aggregator.stop();
    ingest.stop();

    // RUNBOOK, filling new databases.
    let database = |suffix: &str| format!("{}{suffix}", world.deployment.clickhouse.database);
    let (filled, filled_store) = (database("_filled"), database("_filled_store"));
    let new = world.with(&[("CLICKHOUSE__DATABASE", &filled), ("CLICKHOUSE__STORE_DATABASE", &filled_store)]);
    succeeded(&new.run(&["migrate"], b""));
    let before = new.block_on(new.store.incarnation()).unwrap();
    let looked = new.run(&["adopt"], b"");
    succeeded(&looked);
    let said = text(&looked.stdout);
    assert!(said.contains("read again from") && said.contains("Nothing was changed"), "{said}");
    assert_eq!(new.block_on(new.store.incarnation()).unwrap(), before);
    let adopted = new.run(&["adopt", "--yes"], b"");
    succeeded(&adopted);
    assert!(text(&adopted.stdout).contains("The store has incarnation"), "{}", text(&adopted.stdout));
    assert_ne!(new.block_on(new.store.incarnation()).unwrap(), before);
    let aggregator = new.start("aggregate", "aggregator", &[]);
    new.wait_for_views(40);
    assert_same(&shown, &new.dump());
    aggregator.stop();

    // RUNBOOK, starting over from the sources.
    let (over, over_store) = (database("_over"), database("_over_store"));
    let named = |what: &str| format!("{over}.{what}");
    let new = world.with(&[
        ("CLICKHOUSE__DATABASE", &over),
        ("CLICKHOUSE__STORE_DATABASE", &over_store),
        ("TOPICS__EVENTS", &named("events")),
        ("TOPICS__DEAD_LETTERS", &named("dlq")),
        ("INGEST__GROUP", &named("ingest")),
        ("AGGREGATOR__GROUP", &named("aggregator")),
    ]);
    succeeded(&new.run(&["migrate"], b""));
    let (ingest, aggregator) =
        (new.start("ingest", "ingest", &[]), new.start("aggregate", "aggregator", &[]));
    new.wait_for_views(40);
    assert_same(&shown, &new.dump());
    aggregator.stop();
    ingest.stop();
}

#[test]
fn a_store_of_other_definitions_is_not_adopted() {
    let minimal = std::fs::read_to_string(deploy("config/minimal.toml")).unwrap();
    let world = World::migrated("adoptother", &minimal, &[]);
    let other = minimal.replace("after_delivery", "after_purchase");
    std::fs::write(world.folder().join("sarafan.toml"), other).unwrap();
    let refused = world.run(&["adopt", "--yes"], b"");
    assert_eq!(refused.status.code(), Some(3));
    let said = text(&refused.stderr);
    assert!(said.contains("the live epoch is") && said.trim_end().lines().count() == 1, "{said}");
    assert_eq!(world.block_on(world.store.incarnation()).unwrap(), 0);
}

/// The index goes on where its group has committed, so nobody else would write what was set back.
#[test]
fn dead_letters_that_were_indexed_after_the_backup_are_in_the_index_again_once_the_store_is_adopted() {
    let minimal = std::fs::read_to_string(deploy("config/minimal.toml")).unwrap();
    let world = World::migrated("adoptletters", &minimal, &[]);
    let (ingest, aggregator) =
        (world.start("ingest", "ingest", &[]), world.start("aggregate", "aggregator", &[]));
    let source = world.source_topic(0);
    world.produce((0..3).map(|number| record(&source, format!("no json {number}"))));
    let indexed = || {
        world.scalar(&format!(
            "SELECT toString(count()) FROM {}.dead_letters FINAL",
            world.store.store_database()
        ))
    };
    world.wait_until("the letters are in the index", || indexed() == "3");
    aggregator.stop();
    ingest.stop();
    world.change("ALTER TABLE {store}.dead_letters DELETE WHERE dlq_offset >= 0 SETTINGS mutations_sync = 2");
    assert_eq!(indexed(), "0");
    let adopted = world.run(&["adopt", "--yes"], b"");
    succeeded(&adopted);
    assert!(text(&adopted.stdout).contains("3 dead letters are in the index"), "{}", text(&adopted.stdout));
    assert_eq!(indexed(), "3");
}

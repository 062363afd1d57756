//! Another canonical topic, with more partitions: figures are the same before, meanwhile and after, and go on.

use sarafan_cli::Deployment;

use crate::data::{configuration, records, shifts};
use crate::world::{World, assert_same, succeeded};

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn refused(world: &World, arguments: &[&str], why: &str) {
    let output = world.run(arguments, b"");
    assert!(!output.status.success());
    assert!(said(&output).contains(why), "{}", said(&output));
}

fn topic(deployment: &Deployment) -> &str {
    &deployment.topics.events
}

#[test]
fn the_canonical_topic_moves_from_4_to_12_partitions_and_figures_stay_and_go_on() {
    let shifts = shifts();
    let mut overrides: Vec<_> = shifts.iter().map(|(path, days)| (*path, days.as_str())).collect();
    overrides.push(("TOPICS__PARTITIONS", "4"));
    let old = World::migrated("generations", &configuration(), &overrides);
    let name = format!("{}.v2", topic(&old.deployment));
    let new = old.with(&[("TOPICS__EVENTS", &name), ("TOPICS__PARTITIONS", "12")]);
    let mut sent: Vec<_> = records(&old).into_iter().step_by(5).collect();
    let rest = sent.split_off(sent.len() / 2);
    let first = sent.len() as u64;
    old.produce(sent);
    let (ingest, aggregator) =
        (old.start("ingest", "ingest", &[]), old.start("aggregate", "aggregator", &[]));
    old.wait_for_views(first);
    let before = old.dump();
    // Not by accident, and not while somebody runs.
    refused(&new, &["migrate"], "run `sarafan migrate --new-generation`");
    refused(&new, &["migrate", "--new-generation"], "stop them first");
    ingest.stop();
    aggregator.stop();
    assert_same(&before, &old.dump());
    new.wait_until("the move succeeds", || new.run(&["migrate", "--new-generation"], b"").status.success());
    assert_same(&before, &new.dump());
    succeeded(&new.run(&["migrate", "--new-generation"], b""));
    // A late one of the old generation changes nothing.
    refused(&old, &["aggregate"], "the ledger is of generation 1");
    let (ingest, aggregator) =
        (new.start("ingest", "later", &[]), new.start("aggregate", "later_aggregator", &[]));
    let count = rest.len() as u64;
    new.produce(rest);
    new.wait_for_views(count);
    aggregator.stop();
    ingest.stop();
    succeeded(&new.run(&["audit"], b""));
    // A topic that nothing was moved of yields what all records together do.
    let whole = World::migrated("generations_whole", &configuration(), &overrides);
    let all: Vec<_> = records(&whole).into_iter().step_by(5).collect();
    let count = all.len() as u64;
    whole.produce(all);
    let (ingest, aggregator) =
        (whole.start("ingest", "ingest", &[]), whole.start("aggregate", "aggregator", &[]));
    whole.wait_for_views(count);
    let strip = |mut dump: sarafan_cli::oracle::Dump| {
        // They speak of arrival.
        dump.retain(|view, _| !matches!(view.as_ref(), "freshness" | "kpi_daily"));
        dump
    };
    assert_same(&strip(whole.dump()), &strip(new.dump()));
    aggregator.stop();
    ingest.stop();
}

//! Another canonical topic, with more partitions: figures are the same before, meanwhile and after, and go on.

use sarafan_aggregator::group_of;
use sarafan_cli::oracle::Dump;
use sarafan_cli::{Deployment, Groups};
use sarafan_stream::ProducerRecord;

use crate::data::{configuration, records, shifts};
use crate::world::{Service, World, assert_same, succeeded};

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn refused(world: &World, arguments: &[&str], why: &str) {
    let output = world.run(arguments, b"");
    assert!(!output.status.success());
    assert!(said(&output).contains(why), "{}", said(&output));
}

fn topic(deployment: &Deployment) -> &str {
    &deployment.topics.events
}

/// A deployment over a topic of 4 partitions, the same over one of 12, and what is still to be sent.
struct Move {
    old: World,
    new: World,
    ingest: Service,
    aggregator: Service,
    rest: Vec<ProducerRecord>,
}

impl Move {
    /// Half of every `step`th record is shown.
    fn of(name: &str, text: &str, step: usize) -> Self {
        let shifts = shifts();
        let mut overrides: Vec<_> = shifts.iter().map(|(path, days)| (*path, days.as_str())).collect();
        overrides.push(("TOPICS__PARTITIONS", "4"));
        let old = World::migrated(name, text, &overrides);
        let name = format!("{}.v2", topic(&old.deployment));
        let new = old.with(&[("TOPICS__EVENTS", &name), ("TOPICS__PARTITIONS", "12")]);
        // Of every source one half before, one after.
        let all: Vec<_> = records(&old).into_iter().step_by(step).collect();
        let every_other = |odd: usize| all.iter().skip(odd).step_by(2).cloned().collect::<Vec<_>>();
        let (first, rest) = (every_other(0), every_other(1));
        let sent = first.len() as u64;
        old.produce(first);
        let (ingest, aggregator) =
            (old.start("ingest", "ingest", &[]), old.start("aggregate", "aggregator", &[]));
        old.wait_for_views(sent);
        Self { old, new, ingest, aggregator, rest }
    }

    /// Those that have stopped, or died, count until their session ends.
    fn wait_until_nobody_is_a_member(&self, worlds: &[&World]) {
        let Groups { ingest, aggregator, .. } = &self.old.deployment.groups;
        let epochs = worlds.iter().map(|world| group_of(aggregator, world.deployment.definitions.epoch));
        for group in epochs.chain([ingest.clone()]) {
            self.old.wait_until("nobody is a member", || {
                self.old.block_on(self.old.admin.members(&group)).unwrap() == 0
            });
        }
    }
}

/// Ingest has taken all of `records` to the canonical topic.
fn read_by(ingest: &Service, world: &World, records: &[ProducerRecord]) {
    let read = || ingest.metric(sarafan_ingest::RECORDS, &[]) as usize;
    let before = read();
    world.produce(records.to_vec());
    world.wait_until("ingest has read it", || read() == before + records.len());
}

/// What the same definitions make of the same source topics, where nothing was ever moved.
fn from_the_sources(world: &World) -> World {
    let named = |what: &str| format!("{}_{what}", world.deployment.clickhouse.database);
    let topics = [named("again.events"), named("again.dlq")];
    let groups = [named("again.ingest"), named("again.aggregator")];
    let whole = world.with(&[
        ("CLICKHOUSE__DATABASE", &named("again")),
        ("CLICKHOUSE__STORE_DATABASE", &named("again_store")),
        ("TOPICS__EVENTS", &topics[0]),
        ("TOPICS__DEAD_LETTERS", &topics[1]),
        ("INGEST__GROUP", &groups[0]),
        ("AGGREGATOR__GROUP", &groups[1]),
    ]);
    succeeded(&whole.run(&["migrate"], b""));
    let (ingest, aggregator) =
        (whole.start("ingest", "again", &[]), whole.start("aggregate", "again_aggregator", &[]));
    let ends = |topic: &str| {
        let info = whole.block_on(whole.admin.describe(topic)).unwrap().unwrap();
        info.partitions.iter().map(|ends| ends.high).sum::<i64>() as f64
    };
    let sent: f64 = whole.deployment.mapping.topics().map(ends).sum();
    whole.wait_until("ingest has read all", || ingest.metric(sarafan_ingest::RECORDS, &[]) == sent);
    whole.wait_for_views(1);
    aggregator.stop();
    ingest.stop();
    whole
}

/// Without what speaks of arrival.
fn law(mut dump: Dump) -> Dump {
    dump.retain(|view, _| !matches!(view.as_ref(), "freshness" | "kpi_daily"));
    dump
}

const MOVE: [&str; 2] = ["migrate", "--new-generation"];

#[test]
fn a_lost_topic_is_followed_by_another_and_what_is_sent_again_is_whole() {
    let moving = Move::of("generations_lost", &configuration(), 25);
    let Move { old, new, ingest, aggregator, rest } = &moving;
    aggregator.stop();
    let shown = old.dump();
    let (unread, last) = rest.split_at(rest.len() / 2);
    read_by(ingest, old, unread);
    ingest.stop();
    moving.wait_until_nobody_is_a_member(&[old]);
    refused(new, &MOVE, "are not in the tables yet");
    old.block_on(old.admin.delete_topic(topic(&old.deployment))).unwrap();
    old.wait_until("the topic is gone", || {
        old.block_on(old.admin.describe(topic(&old.deployment))).unwrap().is_none()
    });
    refused(new, &MOVE, "is gone: run it with --lost");
    let lost = ["migrate", "--new-generation", "--lost"];
    succeeded(&new.run(&lost, b""));
    succeeded(&new.run(&lost, b""));
    assert_same(&shown, &new.dump());
    let (ingest, aggregator) =
        (new.start("ingest", "later", &[]), new.start("aggregate", "later_aggregator", &[]));
    // What nobody has read is sent again, with some that was read.
    let again: Vec<_> = unread.iter().chain(last).cloned().collect();
    let count = again.len() as u64;
    new.produce(again);
    new.wait_for_views(count);
    aggregator.stop();
    ingest.stop();
    assert_same(&law(from_the_sources(old).dump()), &law(new.dump()));
    let audited = new.run(&["audit", "--deep"], b"");
    succeeded(&audited);
    let said = String::from_utf8_lossy(&audited.stdout).into_owned();
    assert!(said.contains("of an earlier generation, is gone"), "{said}");
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
    assert_same(&law(whole.dump()), &law(new.dump()));
    aggregator.stop();
    ingest.stop();
}

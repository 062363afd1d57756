//! Another canonical topic, with more partitions: figures are the same before, meanwhile and after, and go on.

use sarafan_aggregator::group_of;
use sarafan_cli::oracle::Dump;
use sarafan_cli::{Deployment, Groups};
use sarafan_stream::ProducerRecord;

use crate::data::{configuration, records, shifts};
use crate::readers::Readers;
use crate::rebuild::without;
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

    /// What freshness says of arrivals, however they are parted.
    fn arrived(&self) -> String {
        self.new.scalar(
            "SELECT toString(groupArray((source, records, last_event_at, last_received_at))) FROM \
             (SELECT * FROM freshness ORDER BY source)",
        )
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
fn readers_see_all_figures_while_the_topic_moves_and_a_move_that_broke_off_anywhere_goes_on() {
    let moving = Move::of("generations_broken", &configuration(), 12);
    let Move { old, new, ingest, aggregator, rest } = &moving;
    ingest.stop();
    aggregator.stop();
    let (before, arrived) = (old.dump(), moving.arrived());
    let readers = Readers::of(old);
    moving.wait_until_nobody_is_a_member(&[old]);
    // Closed, and given up: it goes on.
    new.run_until(&MOVE, "generation.earlier_closed");
    refused(old, &["ingest"], "takes no record any more");
    let reopened = old.run(&["migrate"], b"");
    succeeded(&reopened);
    assert!(String::from_utf8_lossy(&reopened.stdout).contains("open again"));
    for point in [
        "generation.topic_made",
        "generation.partition_moved=5*off->return",
        "generation.moved",
        "generation.registered",
        "generation.arrivals_carried",
    ] {
        new.run_until(&MOVE, point);
        assert_same(&before, &old.dump());
        assert_eq!(moving.arrived(), arrived, "{point}");
    }
    // Registered, and not yet shown: nobody of either generation may write.
    refused(old, &["aggregate"], "name the topic of the later one");
    refused(new, &["aggregate"], "run `sarafan migrate --new-generation` to its end");
    refused(old, &["ingest"], "takes no record any more");
    refused(old, &["migrate"], "(generation 1)");
    // Whoever refuses has left its group when it ends: it is not in the way.
    succeeded(&new.run(&MOVE, b""));
    let again = new.run(&MOVE, b"");
    succeeded(&again);
    assert!(String::from_utf8_lossy(&again.stdout).contains("there is nothing to move"));
    assert_same(&before, &new.dump());
    assert_eq!(moving.arrived(), arrived);

    // It goes on, and an audit knows both topics.
    let (ingest, aggregator) =
        (new.start("ingest", "later", &[]), new.start("aggregate", "later_aggregator", &[]));
    let (most, last) = rest.split_at(rest.len() - 200);
    new.produce(most.to_vec());
    new.wait_for_views(most.len() as u64);
    readers.saw_nothing_wrong();
    aggregator.stop();
    succeeded(&new.run(&["audit", "--deep"], b""));
    // Records of the new topic that nobody applied, behind a ledger that says so.
    read_by(&ingest, new, last);
    ingest.stop();
    new.change(
        "INSERT INTO {store}.ledger SELECT * REPLACE (sequence + 1 AS sequence, position + 2 AS position, 0 AS last_record) \
         FROM {store}.ledger FINAL WHERE live AND generation = 1 AND position > 20 \
         ORDER BY partition, term DESC LIMIT 1 BY partition",
    );
    let audited = new.run(&["audit", "--patience", "2"], b"");
    let found = String::from_utf8_lossy(&audited.stdout).into_owned();
    assert_eq!(audited.status.code(), Some(1), "{found}");
    assert!(found.contains("the records that were applied"), "{found}");
}

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
fn a_candidate_that_was_begun_before_a_move_is_finished_after_it() {
    let moving = Move::of("generations_candidate", &without("language"), 25);
    let Move { old, new, ingest, aggregator, rest } = &moving;
    let (begun, finished) = (old.configured(&configuration()), new.configured(&configuration()));
    ingest.stop();
    aggregator.stop();
    moving.wait_until_nobody_is_a_member(&[old]);
    begun.run_until(&["rebuild"], "flush.block_inserted=4*off->return");
    // Whoever builds a candidate from the earlier topic is in the way too, here until its session ends.
    refused(new, &MOVE, "stop them first");
    moving.wait_until_nobody_is_a_member(&[&begun]);
    succeeded(&new.run(&MOVE, b""));
    refused(&begun, &["rebuild"], "(generation 1)");
    refused(&begun, &["aggregate"], "name the topic of the later one");
    succeeded(&finished.run(&["rebuild"], b""));
    let (ingest, aggregator) =
        (finished.start("ingest", "later", &[]), finished.start("aggregate", "later_aggregator", &[]));
    finished.produce(rest.clone());
    finished.wait_for_views(rest.len() as u64);
    aggregator.stop();
    ingest.stop();
    assert_same(&law(from_the_sources(&begun).dump()), &law(finished.dump()));
    succeeded(&finished.run(&["audit", "--deep"], b""));

    // What would have to read an earlier topic again is refused, and changes nothing.
    let shown = finished.dump();
    refused(
        &new.configured(&without("airline")),
        &["rebuild", "--from", "topic"],
        "holds only what came after an earlier topic",
    );
    let from_start = finished.run(&["adopt", "--from-start", "--yes"], b"");
    assert_eq!(from_start.status.code(), Some(1));
    let text = String::from_utf8_lossy(&from_start.stdout).into_owned();
    assert!(text.contains("what came before is in an earlier topic"), "{text}");
    assert_same(&shown, &finished.dump());
    // The ledger is borne out, and so believed: nothing has to be read again.
    let adopted = finished.run(&["adopt", "--yes"], b"");
    succeeded(&adopted);
    let aggregator = finished.start("aggregate", "adopted", &[]);
    finished.wait_for_views(rest.len() as u64);
    assert_same(&shown, &finished.dump());
    aggregator.stop();
    succeeded(&finished.run(&["audit"], b""));
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

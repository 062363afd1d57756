//! Other definitions while data flows: what was built of them is shown all at once, and is what it should be.

use std::process::Output;
use std::thread;

use sarafan_core::Epoch;
use sarafan_stream::ProducerRecord;

use crate::data::{configuration, records, shifts};
use crate::readers::{Readers, shown};
use crate::world::{PATIENCE, Service, World, assert_same, succeeded};

/// The configuration without one of its dimensions.
pub(crate) fn without(dimension: &str) -> String {
    let text = configuration();
    let begin = text.find(&format!("[[dimension]]\nname = \"{dimension}\"")).unwrap();
    let end = begin + 1 + text[begin + 1..].find("[[").unwrap();
    format!("{}{}", &text[..begin], &text[end..])
}

fn epoch(world: &World) -> Epoch {
    world.deployment.definitions.epoch
}

/// An old deployment that works, with half of the records; the other half; and the deployment with one more dimension.
struct Change {
    old: World,
    new: World,
    ingest: Service,
    aggregator: Service,
    rest: Vec<ProducerRecord>,
    sent: u64,
}

impl Change {
    fn adding(dimension: &str) -> Self {
        let shifts = shifts();
        let overrides: Vec<_> = shifts.iter().map(|(path, days)| (*path, days.as_str())).collect();
        let old = World::new("rebuild", &without(dimension), &overrides);
        // As the chart's job does it, which finds no store at the first installation.
        succeeded(&old.run(&["rebuild", "--create-source-topics"], b""));
        let new = old.configured(&configuration());
        assert_ne!(epoch(&old), epoch(&new));
        let ingest = old.start("ingest", "ingest", &[]);
        let aggregator = old.start("aggregate", "aggregator", &[]);
        // Of every source one half before, one after.
        let (sent, rest): (Vec<_>, Vec<_>) =
            (0..).zip(records(&old).into_iter().step_by(5)).partition(|(place, _)| place % 2 == 0);
        let of = |numbered: Vec<(usize, ProducerRecord)>| numbered.into_iter().map(|(_, record)| record);
        let (sent, rest) = (of(sent).collect::<Vec<_>>(), of(rest).collect::<Vec<_>>());
        let first = sent.len() as u64;
        old.produce(sent);
        old.wait_for_views(first);
        Self { old, new, ingest, aggregator, sent: first + rest.len() as u64, rest }
    }

    /// Views say what the recount says by the new definitions, from the aggregator that follows the rebuild.
    fn ends_well(self) {
        let follower = self.new.start("aggregate", "follower", &[]);
        self.new.wait_for_views(self.sent);
        self.new.assert_views_equal_recount();
        follower.stop();
        self.ingest.stop();
    }
}

#[test]
fn a_dimension_is_added_while_data_flows_and_nobody_sees_half_of_it() {
    // A plain field: the entities that are there hold it.
    let mut change = Change::adding("language");
    let rest = std::mem::take(&mut change.rest);
    let readers = Readers::of(&change.old);
    let rebuild = change.new.launch("rebuild --stay", "rebuild", &[]);
    rebuild.process.start(PATIENCE, || true).unwrap();
    for piece in rest.chunks(rest.len() / 10) {
        change.old.produce(piece.to_vec());
    }
    change
        .new
        .wait_until("views show the new epoch", || shown(&change.new) == epoch(&change.new).to_string());
    change.new.wait_for_views(change.sent);
    change.aggregator.stop();
    rebuild.stop();
    readers.saw_nothing_wrong();
    change.ends_well();
}

#[test]
fn a_candidate_may_be_built_from_the_topic_and_given_up_without_a_trace() {
    let mut change = Change::adding("airline");
    let before = change.old.dump();
    // Given up once: nothing of it is left, and nothing changed.
    let rebuild = change.new.launch("rebuild --from topic", "given_up", &[]);
    rebuild.process.start(PATIENCE, || true).unwrap();
    let registered = || change.new.block_on(change.new.store.epoch(epoch(&change.new))).unwrap().is_some();
    change.new.wait_until("the candidate is registered", registered);
    rebuild.process.kill().unwrap();
    let refused = change.new.run(&["rebuild", "--abort"], b"");
    // The group forgets the one that was killed when its session ends.
    if !refused.status.success() {
        change
            .new
            .wait_until("it is given up", || change.new.run(&["rebuild", "--abort"], b"").status.success());
    }
    let held = change.new.block_on(change.new.store.held_epochs()).unwrap();
    assert_eq!(held.iter().map(|held| held.epoch).collect::<Vec<_>>(), [epoch(&change.old).0]);
    assert_same(&before, &change.old.dump());
    // An unregistered epoch is refused.
    let output = change.new.run(&["aggregate"], b"");
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("run `sarafan rebuild`"), "{text}");

    let rest = std::mem::take(&mut change.rest);
    change.old.produce(rest);
    let rebuilt = change.new.run(&["rebuild", "--from", "topic"], b"");
    succeeded(&rebuilt);
    assert!(begins_with(&rebuilt).contains("the topic"));
    assert_eq!(shown(&change.new), epoch(&change.new).to_string());
    // The old ones may run on; what they write nobody sees, and it goes when nobody writes it any more.
    let kept = change.new.run(&["gc", "--hours", "0"], b"");
    succeeded(&kept);
    let text = String::from_utf8(kept.stdout).unwrap();
    assert!(text.contains("stays: its group has members") && text.contains("0 epochs dropped"), "{text}");
    change.aggregator.stop();
    succeeded(&change.new.run(&["gc", "--hours", "0"], b""));
    assert_eq!(change.new.block_on(change.new.store.held_epochs()).unwrap().len(), 1);
    change.ends_well();
}

#[test]
fn a_dimension_that_entities_do_not_hold_is_filled_in_from_the_details_while_data_flows() {
    // An attribute: nothing had read it, so that only the details hold it.
    let mut change = Change::adding("airline");
    let rest = std::mem::take(&mut change.rest);
    let rebuilder = change.new.configured(&configuration());
    let rebuilt = thread::scope(|scope| {
        let rebuild = scope.spawn(|| {
            let rebuilder = rebuilder;
            rebuilder.run(&["rebuild"], b"")
        });
        rest.chunks(rest.len() / 5).for_each(|piece| change.old.produce(piece.to_vec()));
        rebuild.join().unwrap()
    });
    succeeded(&rebuilt);
    assert!(begins_with(&rebuilt).contains("attributes.airline"));
    assert_eq!(shown(&change.new), epoch(&change.new).to_string());
    change.aggregator.stop();
    change.ends_well();
}

/// What a rebuild said that it began with.
fn begins_with(rebuilt: &Output) -> String {
    let text = String::from_utf8_lossy(&rebuilt.stderr);
    text.lines().find(|line| line.contains("a candidate epoch is built")).unwrap_or_default().to_owned()
}

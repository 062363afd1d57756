//! Where reading begins, and that it begins again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sarafan_localstack::testing::unique_name;
use sarafan_stream::{AssignedPartition, FlushOutcome, FlushReason, Revoked, TopicPartition};

use crate::support::{Event, Habit, member, member_with, settings, topic, until, write};

/// Starts where the test says, whatever was committed.
struct From(i64);

impl Habit for From {
    fn start(&mut self, _part: &AssignedPartition) -> i64 {
        self.0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_that_the_handler_decides_wins_over_the_committed_one() {
    let (topic, group) = (topic("starts", 2).await, unique_name("starts"));
    write(&topic, 0..200).await;
    let (first, running) = member(&topic, settings(&group));
    until("everything is applied", || first.applied().len() == 200).await;
    running.stop().await.unwrap();

    let (second, running) = member_with(&topic, settings(&group), From(20));
    until("everything above the start is applied again", || second.applied().len() == 200 - 2 * 20).await;
    running.stop().await.unwrap();
    second.assert_terms_are_gapless();
    let Event::Asked(parts) = second.events()[0].clone() else { panic!("asked first") };
    assert!(parts.iter().all(|part| part.low == 0 && part.committed == Some(part.high)), "{parts:?}");
    assert_eq!(parts.iter().map(|part| part.high).sum::<i64>(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_flushes_and_commits_so_that_nothing_is_read_twice() {
    let (topic, group) = (topic("stop", 3).await, unique_name("stop"));
    write(&topic, 0..100).await;
    let (first, running) = member(&topic, settings(&group));
    until("everything is applied", || first.applied().len() == 100).await;
    running.stop().await.unwrap();
    assert_eq!(first.revoked(sarafan_stream::Revoked::Orderly).len(), 3);

    write(&topic, 100..150).await;
    let (second, running) = member(&topic, settings(&group));
    until("the rest is applied", || second.applied().len() == 50).await;
    running.stop().await.unwrap();
    assert!(second.applied().iter().all(|(_, _, value)| *value >= 100));
}

/// Gives its second flush up and asks for the partition again, from the beginning.
struct Retake {
    topic: String,
    asked: Arc<AtomicBool>,
}

impl Habit for Retake {
    fn start(&mut self, part: &AssignedPartition) -> i64 {
        part.low
    }

    async fn flush(&mut self, _reason: FlushReason, mut outcome: FlushOutcome) -> FlushOutcome {
        outcome.commit.clear();
        if self.asked.swap(false, Ordering::AcqRel) {
            outcome.retake.push(TopicPartition::new(self.topic.as_str(), 0));
        }
        outcome
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_retaken_begins_where_the_handler_says_and_leaks_nothing_from_before() {
    let (topic, group) = (topic("retake", 2).await, unique_name("retake"));
    write(&topic, 0..20_000).await;
    let asked = Arc::new(AtomicBool::new(false));
    let (log, running) =
        member_with(&topic, settings(&group), Retake { topic: topic.clone(), asked: asked.clone() });
    for round in 1..=3 {
        // In full flow, so that records of the term before still wait in every queue.
        until("records flow", || log.applied().len() > round * 3_000).await;
        asked.store(true, Ordering::Release);
        until("it is asked again", || log.started().len() == 2 + round).await;
    }
    let last = |partition| {
        let events = log.events();
        events.iter().rev().find_map(|event| match event {
            Event::Applied(p, offset, _) if *p == partition => Some(*offset),
            _ => None,
        })
    };
    let Event::Asked(parts) = log.events()[0].clone() else { panic!("asked first") };
    let ends =
        |number: i32| parts.iter().find(|part| part.partition.partition == number).map(|part| part.high - 1);
    until("both are read to the end", || (0..2).all(|number| last(number) == ends(number))).await;
    running.stop().await.unwrap();
    log.assert_terms_are_gapless();
    assert_eq!(log.started().iter().filter(|(partition, offset)| (*partition, *offset) == (0, 0)).count(), 4);
    assert_eq!(
        log.started().iter().filter(|(partition, _)| *partition == 1).count(),
        1,
        "the other one goes on"
    );
}

/// Declines partition 0 until it is told otherwise.
struct Declining(Arc<AtomicBool>);

impl Habit for Declining {
    fn declines(&self, partition: i32) -> bool {
        partition == 0 && self.0.load(Ordering::Acquire)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_declined_is_asked_for_again_while_the_others_go_on() {
    let (topic, group) = (topic("declined", 2).await, unique_name("declined"));
    write(&topic, 0..1_000).await;
    let often = sarafan_stream::ConsumerSettings { declined_retry_ms: 50, ..settings(&group) };
    let declines = Arc::new(AtomicBool::new(true));
    let (log, running) = member_with(&topic, often, Declining(Arc::clone(&declines)));
    let ends = |partition: i32| {
        let asked = log.events().iter().find_map(|event| match event {
            Event::Asked(parts) => parts.iter().find(|p| p.partition.partition == partition).map(|p| p.high),
            _ => None,
        });
        asked.unwrap_or(i64::MAX) as usize
    };
    let applied = |partition: i32| log.applied().iter().filter(|(p, ..)| *p == partition).count();
    until("the other one is read", || applied(1) == ends(1)).await;
    let asked_alone = || {
        let alone = |event: &&Event| matches!(event, Event::Asked(parts) if parts.len() == 1 && parts[0].partition.partition == 0);
        log.events().iter().filter(alone).count()
    };
    until("it is asked for again and again", || asked_alone() >= 3).await;
    assert_eq!(applied(0), 0);
    declines.store(false, Ordering::Release);
    until("it is read too", || applied(0) == ends(0)).await;
    running.stop().await.unwrap();
    log.assert_terms_are_gapless();
    assert_eq!(log.started().len(), 2, "the other one was not disturbed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_declined_goes_to_another_member_as_any_other() {
    let (topic, group) = (topic("declinedgone", 1).await, unique_name("declinedgone"));
    write(&topic, 0..100).await;
    let (declining, running) =
        member_with(&topic, settings(&group), Declining(Arc::new(AtomicBool::new(true))));
    until("it is asked", || !declining.events().is_empty()).await;
    running.stop().await.unwrap();
    assert_eq!(declining.revoked(Revoked::Orderly), [0], "the handler is told that it is gone");
    let (log, running) = member_with(&topic, settings(&group), crate::support::Plain);
    until("the next one reads it", || log.applied().len() == 100).await;
    running.stop().await.unwrap();
}

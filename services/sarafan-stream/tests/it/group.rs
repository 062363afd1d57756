//! Members that come, go, and are slow.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sarafan_localstack::testing::unique_name;
use sarafan_stream::{
    AssignedPartition, BulkWriter, Consumer, FlushOutcome, FlushReason, ProducerSettings, Revoked,
};
use tokio::sync::{Semaphore, oneshot};

use crate::support::{
    Event, Habit, Log, Logging, Plain, Running, kafka, member, member_with, metrics, numbered, settings,
    topic, until, write,
};

#[tokio::test(flavor = "multi_thread")]
async fn members_that_join_and_leave_in_order_apply_every_record_exactly_once() {
    let (topic, group) = (topic("members", 6).await, unique_name("members"));
    let (enough, mut stop) = oneshot::channel::<()>();
    let writing = tokio::spawn({
        let topic = topic.clone();
        async move {
            let mut writer = BulkWriter::open(&kafka(), &ProducerSettings::default(), metrics()).unwrap();
            let mut pace = tokio::time::interval(Duration::from_millis(1));
            while stop.try_recv().is_err() {
                pace.tick().await;
                writer.write(&numbered(&topic, writer.written())).await.unwrap();
            }
            writer.finish().await.unwrap() as usize
        }
    });
    let (first, first_running) = member(&topic, settings(&group));
    until("the first has all", || first.started().len() == 6).await;
    let (second, second_running) = member(&topic, settings(&group));
    until("the second has its share", || second.started().len() == 3).await;
    let (third, third_running) = member(&topic, settings(&group));
    until("the third has its share", || third.started().len() == 2).await;
    first_running.stop().await.unwrap();
    enough.send(()).unwrap();
    let total = writing.await.unwrap();
    let logs = [&first, &second, &third];
    until("all is applied", || logs.iter().map(|log| log.applied().len()).sum::<usize>() >= total).await;
    second_running.stop().await.unwrap();
    third_running.stop().await.unwrap();

    let mut seen = BTreeSet::new();
    for log in logs {
        log.assert_terms_are_gapless();
        assert_eq!(log.revoked(Revoked::Lost), [0; 0]);
        for (partition, offset, _) in log.applied() {
            assert!(seen.insert((partition, offset)), "{partition}/{offset} was applied twice");
        }
    }
    assert_eq!(seen.len(), total);
    assert!(!first.revoked(Revoked::Orderly).is_empty());
}

/// Takes its time over the first full flush.
struct Slow {
    pause: Option<Duration>,
}

impl Habit for Slow {
    async fn flush(&mut self, reason: FlushReason, outcome: FlushOutcome) -> FlushOutcome {
        if reason == FlushReason::Full
            && let Some(pause) = self.pause.take()
        {
            // Real time must pass: the group's clock is what is tested.
            tokio::time::sleep(pause).await;
        }
        outcome
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_slower_than_the_poll_interval_pauses_and_stays_a_member() {
    let (topic, group) = (topic("slow", 2).await, unique_name("slow"));
    write(&topic, 0..20_000).await;
    let registry = prometheus::Registry::new();
    let shared = sarafan_stream::StreamMetrics::register(&registry).unwrap();
    let value = |name: &str| -> f64 {
        let families = registry.gather();
        // A gauge by partition is not there before its first value.
        let family = families.iter().find(|family| family.name() == name);
        family
            .map_or_else(Default::default, |family| family.get_metric())
            .iter()
            .map(|metric| metric.get_gauge().get_value() + metric.get_counter().get_value())
            .sum()
    };
    let slow = sarafan_stream::ConsumerSettings {
        max_poll_interval_ms: 6_000,
        channel_batches: 1,
        pause_after_ms: 50,
        ..settings(&group)
    };
    let log = Log::default();
    let consumer = Consumer::open(&kafka(), slow, &[&topic], shared).unwrap();
    let habit = Slow { pause: Some(Duration::from_millis(7_500)) };
    let running = Running::start(Logging::new(&log, habit), consumer);
    until("partitions are paused", || value("sarafan_kafka_paused_partitions") == 2.0).await;
    // What waits behind the slow flush, and goes on arriving, is told while it lasts.
    write(&topic, 20_000..20_100).await;
    let waiting = 20_100 - log.applied().len();
    until("the lag is told", || value("sarafan_kafka_consumer_lag_records") == waiting as f64).await;
    let is_over = log.events().contains(&Event::Flushed(FlushReason::Full));
    assert!(!is_over, "the slow flush was over before the lag was told");
    until("everything is applied", || log.applied().len() == 20_100).await;
    until("nothing is paused any more", || value("sarafan_kafka_paused_partitions") == 0.0).await;
    until("the lag is zero", || value("sarafan_kafka_consumer_lag_records") == 0.0).await;
    assert_eq!(value("sarafan_kafka_rebalances_total"), 1.0, "assigned once, never revoked, never lost");
    running.stop().await.unwrap();
    log.assert_terms_are_gapless();
}

/// Loads only as often as it is allowed to.
struct Gated(Arc<Semaphore>);

impl Habit for Gated {
    async fn load(&mut self, _parts: &[AssignedPartition]) {
        self.0.acquire().await.unwrap().forget();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_interrupts_loading_and_the_partitions_that_stay_are_asked_for_again() {
    let (topic, group) = (topic("loading", 4).await, unique_name("loading"));
    write(&topic, 0..400).await;
    let gate = Arc::new(Semaphore::new(0));
    let (first, first_running) = member_with(&topic, settings(&group), Gated(gate.clone()));
    let asked = |log: &Log| -> Vec<usize> {
        let count = |event: &Event| match event {
            Event::Asked(parts) => Some(parts.len()),
            _ => None,
        };
        log.events().iter().filter_map(count).collect()
    };
    until("the first is loading all", || asked(&first) == [4]).await;
    let (second, second_running) = member(&topic, settings(&group));
    until("the second got its share although the first still loads", || second.started().len() == 2).await;
    until("the first is loading the rest", || asked(&first) == [4, 2]).await;
    assert!(first.started().is_empty());
    assert_eq!(first.revoked(Revoked::Orderly).len(), 2);
    gate.add_permits(1);
    until("all is applied", || first.applied().len() + second.applied().len() == 400).await;
    first_running.stop().await.unwrap();
    second_running.stop().await.unwrap();
}

/// Never ends the flush before a revoke.
struct Stuck;

impl Habit for Stuck {
    async fn flush(&mut self, reason: FlushReason, outcome: FlushOutcome) -> FlushOutcome {
        if reason == FlushReason::Revoke {
            std::future::pending::<()>().await;
        }
        outcome
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_flush_that_does_not_end_loses_its_partitions_and_the_others_are_loaded_anew() {
    let (topic, group) = (topic("stuck", 4).await, unique_name("stuck"));
    write(&topic, 0..400).await;
    let brief = sarafan_stream::ConsumerSettings { revoke_flush_ms: 500, ..settings(&group) };
    let (first, first_running) = member_with(&topic, brief, Stuck);
    until("the first applied all", || first.applied().len() == 400).await;
    let (second, second_running) = member(&topic, settings(&group));
    until("the second got its share", || second.started().len() == 2).await;
    until("the first loaded the rest again", || first.started().len() == 6).await;
    assert_eq!(first.revoked(Revoked::Lost).len(), 2);
    first_running.stop().await.unwrap();
    second_running.stop().await.unwrap();
    first.assert_terms_are_gapless();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_instance_id_is_taken_by_another_stops() {
    let (topic, group) = (topic("fenced", 2).await, unique_name("fenced"));
    let named =
        || sarafan_stream::ConsumerSettings { instance_id: Some("one".to_owned()), ..settings(&group) };
    let (first, first_running) = member(&topic, named());
    until("the first owns all", || first.started().len() == 2).await;
    let (second, second_running) = member(&topic, named());
    let error = first_running.ended().await.unwrap_err();
    assert_eq!(error.kind(), "consumer");
    assert!(error.to_string().contains("instance id"), "{error}");
    until("the second owns all", || second.started().len() == 2).await;
    second_running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_member_that_restarts_gets_its_partitions_back_without_a_rebalance() {
    let (topic, group) = (topic("static", 4).await, unique_name("static"));
    let named = |name: &str| sarafan_stream::ConsumerSettings {
        instance_id: Some(name.to_owned()),
        ..settings(&group)
    };
    let (first, first_running) = member(&topic, named("one"));
    let (second, second_running) = member(&topic, named("two"));
    until("each has its share", || first.held().len() == 2 && second.held().len() == 2).await;
    second_running.stop().await.unwrap();
    let before = first.started().len();
    let (third, third_running) = member(&topic, named("two"));
    until("it has its partitions back", || third.started().len() == 2).await;
    assert_eq!(first.started().len(), before, "nothing moved to the one that stayed");
    first_running.stop().await.unwrap();
    third_running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_does_not_exist_stops_the_member_with_advice() {
    let group = unique_name("missing");
    let settings = settings(&group);
    let consumer = tokio::task::spawn_blocking(move || {
        Consumer::open(&kafka(), settings, &["no-such-topic"], metrics()).unwrap()
    });
    let running = Running::start(Logging::new(&Log::default(), Plain), consumer.await.unwrap());
    let error = running.ended().await.unwrap_err();
    assert!(error.to_string().contains("create it"), "{error}");
}

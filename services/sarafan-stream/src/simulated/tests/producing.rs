//! The relay over simulated producers.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use tokio::sync::oneshot;

use super::world::{PARTITIONS, Start, Weather, World, partition, paused};
use super::*;
use crate::dead_letter::DeadLetters;
use crate::frontier::Receipt;
use crate::producer::{Producer, ProducerRecord, Sent};
use crate::record::Record;
use crate::relay::{Outbox, Relay, Transform};
use crate::start::FirstStart;

/// Passes every record on.
struct Copier;

impl Transform for Copier {
    type Error = Infallible;

    fn transform(&mut self, record: &Record<'_>, out: &mut Outbox<'_>) -> Result<(), Infallible> {
        out.send(ProducerRecord {
            topic: "out".into(),
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            ..ProducerRecord::default()
        });
        Ok(())
    }
}

/// Processes that run a relay each.
fn relays() -> Start {
    Box::new(|cluster, process, settings| {
        let metrics = StreamMetrics::register(&Registry::new()).unwrap();
        let (consumer, member) =
            cluster.consumer(Process(process), settings, &["t"], metrics.clone()).unwrap();
        let producer = cluster.producer(Process(process), 20, metrics).unwrap();
        let dead_letters = DeadLetters::new("dlq", None);
        let relay = Relay::new(Copier, &consumer, producer, dead_letters, FirstStart::Earliest);
        let (stop, stopped) = oneshot::channel();
        let run = crate::run(relay, consumer, async move { _ = stopped.await });
        let engine = Polled::new(async move { run.await.map_err(|error| error.to_string()) });
        Running { member, engine, stop: Some(stop) }
    })
}

fn start(cluster: &Cluster) -> Running {
    relays()(cluster, 0, settings())
}

impl Running {
    fn turn(&mut self, cluster: &Cluster) -> Option<Result<(), String>> {
        cluster.step(self.member, 10);
        self.engine.poll()
    }
}

fn cluster() -> Cluster {
    let cluster = Cluster::new();
    cluster.create_topic("t", 2);
    cluster.create_topic("out", 3);
    cluster
}

fn write_values(cluster: &Cluster, values: std::ops::Range<u32>) {
    for value in values {
        let bytes = Some(value.to_string().into_bytes());
        let written = Written { key: bytes.clone(), value: bytes, ..Written::default() };
        cluster.append(&TopicPartition::new("t", (value % 2).cast_signed()), written).unwrap();
    }
}

/// What arrived, sorted.
fn arrived(cluster: &Cluster) -> Vec<u32> {
    let of = |partition| cluster.records(&TopicPartition::new("out", partition));
    let mut values: Vec<u32> = (0..3).flat_map(of).map(|record| number(&record)).collect();
    values.sort_unstable();
    values
}

fn produced(cluster: &Cluster) -> Vec<Pending> {
    cluster.pending().into_iter().filter(|pending| pending.what == What::Produce).collect()
}

async fn tick(cluster: &Cluster, except: What) {
    for pending in cluster.pending().into_iter().filter(|pending| pending.what != except) {
        cluster.answer(pending.id, How::Done);
    }
    tokio::time::advance(Duration::from_millis(10)).await;
}

fn committed(cluster: &Cluster) -> i64 {
    (0..2).filter_map(|p| cluster.committed("g", &TopicPartition::new("t", p))).sum()
}

#[tokio::test(start_paused = true)]
async fn a_source_offset_is_committed_when_all_before_it_is_acknowledged_and_no_sooner() {
    let cluster = cluster();
    let mut ingest = start(&cluster);
    write_values(&cluster, 0..10);
    for _ in 0..40 {
        assert!(ingest.turn(&cluster).is_none());
        tick(&cluster, What::Produce).await;
    }
    assert_eq!(committed(&cluster), 0, "nothing is acknowledged");
    // The brokers have all of it, but do not say so.
    for _ in 0..10 {
        for pending in produced(&cluster) {
            cluster.answer(pending.id, How::Unanswered);
        }
        assert!(ingest.turn(&cluster).is_none());
        tick(&cluster, What::Produce).await;
    }
    assert_eq!(arrived(&cluster), (0..10).collect::<Vec<_>>());
    assert_eq!(committed(&cluster), 0);
    // The next flush is an idle one.
    for _ in 0..settings().idle_ms / 10 + 10 {
        assert!(ingest.turn(&cluster).is_none());
        tick(&cluster, What::Ends).await;
    }
    assert_eq!(committed(&cluster), 10);
    assert_eq!(arrived(&cluster).len(), 10, "an acknowledgement appends nothing");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_delivered_stops_the_relay_and_the_next_one_produces_it_again() {
    for how in [How::Refused, How::AnswerLost, How::Late] {
        let cluster = cluster();
        let mut ingest = start(&cluster);
        write_values(&cluster, 0..4);
        while produced(&cluster).is_empty() {
            assert!(ingest.turn(&cluster).is_none());
            tick(&cluster, What::Produce).await;
        }
        cluster.answer(produced(&cluster)[0].id, how);
        let ended = loop {
            if let Some(ended) = ingest.turn(&cluster) {
                break ended;
            }
            tick(&cluster, What::Produce).await;
        };
        let ended = ended.unwrap_err();
        assert!(ended.contains("was not delivered"), "{how:?}: {ended}");
        assert_eq!(committed(&cluster), 0);
        // Nobody hears of it any more, and all of it arrives.
        assert!(produced(&cluster).iter().all(|pending| pending.abandoned));
        while let Some(pending) = produced(&cluster).first() {
            cluster.answer(pending.id, How::Done);
        }
        let mut again = start(&cluster);
        for _ in 0..40 {
            cluster.step(ingest.member, 10);
            assert!(again.turn(&cluster).is_none());
            tick(&cluster, What::Ends).await;
        }
        assert_eq!(committed(&cluster), 4);
        let mut values = arrived(&cluster);
        assert!(values.len() > 4, "at least once is not once: {how:?}");
        values.dedup();
        assert_eq!(values, [0, 1, 2, 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_is_told_to_stop_waits_for_what_is_on_its_way() {
    let cluster = cluster();
    let mut ingest = start(&cluster);
    write_values(&cluster, 0..50);
    while produced(&cluster).is_empty() {
        assert!(ingest.turn(&cluster).is_none());
        tick(&cluster, What::Produce).await;
    }
    ingest.stop.take().unwrap().send(()).unwrap();
    let mut ended = None;
    for _ in 0..100 {
        ended = ended.or(ingest.turn(&cluster));
        tick(&cluster, What::Ends).await;
    }
    ended.unwrap().unwrap();
    assert_eq!(cluster.step(ingest.member, 10), Stepped::Ended);
    assert_eq!(arrived(&cluster).len() as i64, committed(&cluster), "each once");
}

#[tokio::test(start_paused = true)]
async fn records_of_a_killed_producer_arrive_in_order_or_not_at_all() {
    let cluster = cluster();
    let metrics = StreamMetrics::register(&Registry::new()).unwrap();
    let producer: Producer = cluster.producer(Process(0), 5, metrics).unwrap();
    let receipt = Receipt::default();
    let record = |value: &str| ProducerRecord {
        topic: Arc::from("out"),
        key: Some(b"k".to_vec()),
        value: Some(value.into()),
        ..ProducerRecord::default()
    };
    for value in ["0", "1", "2", "3", "4"] {
        assert_eq!(producer.try_send(&record(value), &receipt).unwrap(), Sent::Queued);
    }
    assert_eq!(producer.try_send(&record("5"), &receipt).unwrap(), Sent::Full);
    assert_eq!(produced(&cluster).len(), 1, "one partition: only the first can be spoken of");
    cluster.answer(produced(&cluster)[0].id, How::Unanswered);
    let [first, second] = produced(&cluster)[..] else { panic!("the unanswered one and the next") };
    cluster.answer(second.id, How::Done);
    assert_eq!(producer.in_flight(), 3, "an acknowledgement speaks for what is before it");
    assert!(!cluster.answer(first.id, How::Done));
    cluster.kill(Process(0));
    cluster.answer(produced(&cluster)[0].id, How::Done);
    cluster.answer(produced(&cluster)[0].id, How::Refused);
    assert!(produced(&cluster).is_empty(), "nothing arrives after one that did not");
    assert_eq!(arrived(&cluster), [0, 1, 2]);
}

fn number(record: &crate::OwnedRecord) -> u32 {
    std::str::from_utf8(record.value.as_deref().unwrap()).unwrap().parse().unwrap()
}

/// Everything below what is committed has arrived.
fn check(world: &World) -> Result<(), String> {
    let arrived: BTreeSet<u32> = arrived(&world.cluster).into_iter().collect();
    for partition in (0..PARTITIONS).map(partition) {
        let committed = world.cluster.committed("g", &partition).unwrap_or(0);
        let records = world.cluster.records(&partition);
        let mut done = records.iter().filter(|record| record.offset < committed);
        if let Some(lost) = done.find(|record| !arrived.contains(&number(record))) {
            return Err(format!("{partition}: {committed} is committed, {} has not arrived", lost.offset));
        }
    }
    Ok(())
}

fn run(seed: u64, weather: Weather, loses: Option<u32>) -> Result<(), String> {
    paused()
        .block_on(async {
            let mut world = World::new(seed, weather, relays());
            world.loses = loses;
            for _ in 0..20 {
                world.happen(20).await;
                check(&world)?;
            }
            world.heal().await?;
            check(&world)?;
            let arrived = arrived(&world.cluster);
            let distinct: BTreeSet<u32> = arrived.iter().copied().collect();
            match weather {
                Weather::Calm if arrived.len() > distinct.len() => Err("something arrived twice".to_owned()),
                // Retention takes only what is committed, and that has arrived.
                _ if distinct.len() < world.written as usize => Err("something never arrived".to_owned()),
                _ => Ok(()),
            }
        })
        .map_err(|wrong: String| format!("seed {seed}: {wrong}"))
}

#[test]
fn whatever_happens_a_relay_produces_every_record_and_commits_none_before_it_has_arrived() {
    (0..300).for_each(|seed| run(seed, Weather::Rough, None).unwrap());
}

#[test]
fn without_faults_a_relay_produces_every_record_exactly_once_however_partitions_move() {
    (0..100).for_each(|seed| run(seed, Weather::Calm, None).unwrap());
}

#[test]
fn a_broker_that_acknowledges_what_it_does_not_have_is_found() {
    let found = (0..100).filter(|seed| run(*seed, Weather::Calm, Some(5)).is_err()).count();
    assert!(found > 90, "{found} of 100 seeds");
}

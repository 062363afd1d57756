//! The stateless user: nothing is lost, nothing is changed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sarafan_localstack::testing::unique_name;
use sarafan_stream::{
    AssignedPartition, BulkWriter, Consumer, ConsumerSettings, DeadLetters, FirstStart, Outbox, OwnedHeader,
    Producer, ProducerRecord, ProducerSettings, Record, Rejection, Relay, RelayError, Stage, Transform,
};

use crate::support::{
    Event, Habit, Refused, Running, kafka, member_with, metrics, number, read, settings, topic, topic_with,
    until, write,
};

/// Doubles every number into two records; what is no number is a dead letter.
struct Doubling {
    target: Arc<str>,
    seen: Arc<AtomicU64>,
}

impl Transform for Doubling {
    type Error = Refused;

    fn transform(&mut self, record: &Record<'_>, out: &mut Outbox<'_>) -> Result<(), Refused> {
        self.seen.fetch_add(1, Ordering::AcqRel);
        let parsed = record
            .value
            .and_then(|value| str::from_utf8(value).ok())
            .and_then(|text| text.parse::<u64>().ok());
        let Some(value) = parsed else {
            let rejection = Rejection {
                connector: "doubling",
                reason: "not_a_number",
                stage: Stage::ValueConverter,
                class: "Parse",
                message: "no digits",
            };
            out.dead_letter(record, &rejection);
            return Ok(());
        };
        for copy in [2 * value, 2 * value + 1] {
            let bytes = copy.to_string().into_bytes();
            let (key, value) = (Some(bytes.clone()), Some(bytes));
            out.send(ProducerRecord { topic: self.target.clone(), key, value, ..ProducerRecord::default() });
        }
        Ok(())
    }
}

struct Topics {
    source: String,
    /// A second source topic, if the test has one.
    other: Option<String>,
    target: String,
    dead: String,
}

fn relay(
    topics: &Topics,
    settings: ConsumerSettings,
    producer: &ProducerSettings,
    first: FirstStart,
) -> (Arc<AtomicU64>, Running<RelayError<Refused>>) {
    let sources: Vec<&str> =
        [Some(&topics.source), topics.other.as_ref()].into_iter().flatten().map(String::as_str).collect();
    let consumer = Consumer::open(&kafka(), settings, &sources, metrics()).unwrap();
    let producer = Producer::open(&kafka(), producer, metrics()).unwrap();
    let seen = Arc::new(AtomicU64::new(0));
    let doubling = Doubling { target: topics.target.as_str().into(), seen: seen.clone() };
    let dead_letters = DeadLetters::new(topics.dead.as_str(), None);
    let relay = Relay::new(doubling, &consumer, producer, dead_letters, first);
    (seen, Running::start(relay, consumer))
}

async fn topics(name: &str) -> Topics {
    Topics {
        source: topic(name, 3).await,
        other: None,
        target: topic(name, 2).await,
        dead: topic(name, 1).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_killed_again_and_again_loses_nothing() {
    let (topics, group) = (topics("killed").await, unique_name("killed"));
    write(&topics.source, 0..30_000).await;
    // A short queue, so that records wait for room and many are in flight whenever it dies.
    let producer = ProducerSettings { max_in_flight_records: 500, ..ProducerSettings::default() };
    for kill_after in [1, 3_000, 9_000] {
        let (seen, running) = relay(&topics, settings(&group), &producer, FirstStart::Earliest);
        until("it has produced some", || seen.load(Ordering::Acquire) >= kill_after).await;
        running.kill().await;
    }
    let (seen, running) = relay(&topics, settings(&group), &producer, FirstStart::Refuse);
    write(&topics.source, 30_000..30_100).await;
    let done = || async {
        let numbers: BTreeSet<u64> =
            read(&topics.target).await.iter().map(|r| number(r.value.as_deref())).collect();
        numbers.len()
    };
    until("it is at work", || seen.load(Ordering::Acquire) > 100).await;
    let mut last = 0;
    while last < 60_200 {
        let now = done().await;
        assert!(now >= last);
        last = now;
    }
    running.stop().await.unwrap();

    // What was committed at the stop is the end: a successor finds nothing to do but what comes next.
    let (seen, running) = relay(&topics, settings(&group), &producer, FirstStart::Refuse);
    write(&topics.source, [30_100]).await;
    until("the next one arrives", || seen.load(Ordering::Acquire) >= 1).await;
    running.stop().await.unwrap();
    assert_eq!(seen.load(Ordering::Acquire), 1);
    let numbers: BTreeSet<u64> =
        read(&topics.target).await.iter().map(|r| number(r.value.as_deref())).collect();
    assert_eq!(numbers, (0..60_202).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_delivered_stops_the_relay_and_is_not_passed_over() {
    let group = unique_name("refused");
    let topics = Topics {
        source: topic("refused", 1).await,
        other: None,
        target: topic_with("refused", 1, &[("max.message.bytes", "1000")]).await,
        dead: topic_with("refused", 1, &[("max.message.bytes", "1000")]).await,
    };
    write(&topics.source, 0..10).await;
    let mut writer = BulkWriter::open(&kafka(), &ProducerSettings::default(), metrics()).unwrap();
    // Not compressible, so that it stays too large.
    let noise: Vec<u8> = (0u32..5_000).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let large = ProducerRecord {
        topic: topics.source.as_str().into(),
        value: Some(noise),
        ..ProducerRecord::default()
    };
    writer.write(&large).await.unwrap();
    writer.finish().await.unwrap();
    for _ in 0..2 {
        let (_, running) =
            relay(&topics, settings(&group), &ProducerSettings::default(), FirstStart::Earliest);
        let error = running.ended().await.unwrap_err();
        assert!(error.to_string().contains("was not delivered"), "{error}");
    }
    let (log, running) = member_with(&topics.source, settings(&group), AtEnd);
    until("somebody else is asked", || !log.started().is_empty()).await;
    running.stop().await.unwrap();
    let Event::Asked(parts) = log.events()[0].clone() else { panic!("asked first") };
    assert!(parts[0].committed.is_none_or(|committed| committed <= 10), "passed over: {parts:?}");
}

/// Reads nothing.
struct AtEnd;

impl Habit for AtEnd {
    fn start(&mut self, part: &AssignedPartition) -> i64 {
        part.high
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_keeps_every_byte_of_the_record() {
    let (topics, group) = (topics("dead").await, unique_name("dead"));
    let header = |name: &str, value: Option<&[u8]>| OwnedHeader {
        name: name.to_owned(),
        value: value.map(<[u8]>::to_vec),
    };
    let odd = [
        (
            Some(vec![0, 159, 146, 150]),
            Some(vec![255, 0, 1]),
            vec![header("a", Some(&[0, 255])), header("a", None)],
        ),
        (None, Some(vec![]), vec![header("", Some(b""))]),
        (Some(vec![]), None, vec![]),
    ];
    let mut writer = BulkWriter::open(&kafka(), &ProducerSettings::default(), metrics()).unwrap();
    for (at, (key, value, headers)) in odd.iter().cloned().enumerate() {
        let timestamp_ms = Some(1_300_000_000_000 + at as i64);
        writer
            .write(&ProducerRecord {
                topic: topics.source.as_str().into(),
                key,
                value,
                headers,
                timestamp_ms,
            })
            .await
            .unwrap();
    }
    writer.finish().await.unwrap();
    let (seen, running) =
        relay(&topics, settings(&group), &ProducerSettings::default(), FirstStart::Earliest);
    until("all are seen", || seen.load(Ordering::Acquire) == 3).await;
    running.stop().await.unwrap();

    let mut letters = read(&topics.dead).await;
    letters.sort_by_key(|letter| letter.timestamp_ms);
    assert_eq!(letters.len(), 3);
    let sources = read(&topics.source).await;
    for (letter, (key, value, headers)) in letters.iter().zip(&odd) {
        assert_eq!((&letter.key, &letter.value), (key, value));
        assert_eq!(&letter.headers[..headers.len()], &headers[..]);
        let named =
            |name: &str| str::from_utf8(letter.as_record().headers.last(name).unwrap()).unwrap().to_owned();
        let source = sources.iter().find(|source| source.timestamp_ms == letter.timestamp_ms).unwrap();
        assert_eq!(named("__connect.errors.topic"), topics.source);
        assert_eq!(named("__connect.errors.partition"), source.partition.to_string());
        assert_eq!(named("__connect.errors.offset"), source.offset.to_string());
        assert_eq!(named("sarafan.reason"), "not_a_number");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_new_may_be_refused_a_start() {
    let (topics, group) = (topics("first").await, unique_name("first"));
    let (_, running) = relay(&topics, settings(&group), &ProducerSettings::default(), FirstStart::Refuse);
    assert!(running.ended().await.unwrap_err().to_string().contains("no committed offset"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_relay_reads_several_topics_and_commits_each_of_their_partitions() {
    let group = unique_name("several");
    let topics = Topics { other: Some(topic("several", 5).await), ..topics("several").await };
    write(&topics.source, 0..300).await;
    write(topics.other.as_deref().unwrap(), 300..600).await;
    let (seen, running) =
        relay(&topics, settings(&group), &ProducerSettings::default(), FirstStart::Earliest);
    until("all are seen", || seen.load(Ordering::Acquire) == 600).await;
    running.stop().await.unwrap();
    assert_eq!(read(&topics.target).await.len(), 1_200);

    write(topics.other.as_deref().unwrap(), [600]).await;
    let (seen, running) = relay(&topics, settings(&group), &ProducerSettings::default(), FirstStart::Refuse);
    until("the new one is seen", || seen.load(Ordering::Acquire) == 1).await;
    running.stop().await.unwrap();
    assert_eq!(read(&topics.target).await.len(), 1_202);
}

//! Ingest against a real broker: good records and bad records of every reason, and nothing stops the stream.

#![allow(clippy::unwrap_used, clippy::panic)] // In helpers of tests too, where the lint does not see a test.

mod alive;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use prometheus::Registry;
use sarafan_ingest::Config;
use sarafan_localstack::testing::{shared, unique_name};
use sarafan_runtime::config::{ConfigErrors, Document};
use sarafan_runtime::service::ServiceConfig;
use sarafan_runtime::shutdown::Shutdown;
use sarafan_stream::{
    Admin, BulkWriter, CreateTopic, KafkaConfig, OwnedHeader, OwnedRecord, ProducerRecord, ProducerSettings,
    ReadFrom, StreamMetrics, TopicReader, dead_letter,
};
use sarafan_wire::{Reason, decode};
use tokio::task::spawn_blocking;

/// Longer than anything here takes unless it hangs.
const PATIENCE: Duration = Duration::from_secs(40);
/// What the broker says of every record: 2026-03-01T00:00:00Z.
const BROKER_MS: i64 = 1_772_323_200_000;
/// Canonical partitions.
const PARTITIONS: u32 = 6;

fn rejected() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/examples/rejected")
}

async fn topic(kafka: &KafkaConfig, name: &str, partitions: u32) -> String {
    let name = unique_name(name);
    let topic = CreateTopic {
        name: name.clone(),
        partitions: partitions.try_into().unwrap(),
        replication: Some(1),
        configs: BTreeMap::new(),
    };
    Admin::open(kafka).unwrap().create_topic(&topic).await.unwrap();
    name
}

async fn read(kafka: &KafkaConfig, topic: &str) -> Vec<OwnedRecord> {
    let (kafka, topic) = (kafka.clone(), topic.to_owned());
    let read = move || {
        TopicReader::open(&kafka, &topic, &ReadFrom::Beginning).unwrap().map(Result::unwrap).collect()
    };
    spawn_blocking(read).await.unwrap()
}

/// Reads a topic again and again until it holds `count` records.
async fn read_until(kafka: &KafkaConfig, topic: &str, count: usize) -> Vec<OwnedRecord> {
    let began = Instant::now();
    loop {
        let records = read(kafka, topic).await;
        if records.len() >= count {
            return records;
        }
        assert!(began.elapsed() < PATIENCE, "{topic} holds {} of {count} records", records.len());
    }
}

/// An order that the mapping of the rejected examples accepts.
fn good(number: usize) -> Vec<u8> {
    format!(
        r#"{{"type": "order", "id": "o{number}", "customer": "c{}", "at": "2026-02-28T10:00:00Z", "changed_at": "2026-02-28T10:00:00Z",
           "state": "PAID", "amount": "10.50", "currency": "EUR", "channel": "web"}}"#,
        number % 7
    )
    .into_bytes()
}

/// A record of every reason, each between two good ones, with the reason that it must get.
fn records(source: &str) -> Vec<(Option<&'static str>, ProducerRecord)> {
    let mut values = Vec::new();
    for (i, reason) in Reason::ALL.into_iter().enumerate() {
        let bytes = std::fs::read(rejected().join(format!("{}.json", reason.code())));
        let bytes = if reason == Reason::NoValue { None } else { Some(bytes.unwrap()) };
        values.extend([(None, Some(good(i))), (Some(reason.code()), bytes)]);
    }
    values.push((None, Some(good(values.len()))));
    let header = |name: &str, value: Option<&[u8]>| OwnedHeader {
        name: name.to_owned(),
        value: value.map(<[u8]>::to_vec),
    };
    let record = |(i, (reason, value))| {
        let headers = vec![header("trace", Some(&[0, 255, i as u8])), header("trace", None)];
        let key = Some(vec![0xff, i as u8]);
        (reason, ProducerRecord { topic: source.into(), key, value, headers, timestamp_ms: Some(BROKER_MS) })
    };
    values.into_iter().enumerate().map(record).collect()
}

async fn produce(kafka: &KafkaConfig, records: impl Iterator<Item = &ProducerRecord>) {
    let metrics = StreamMetrics::register(&Registry::new()).unwrap();
    let mut writer = BulkWriter::open(kafka, &ProducerSettings::default(), metrics).unwrap();
    for record in records {
        writer.write(record).await.unwrap();
    }
    writer.finish().await.unwrap();
}

fn config(kafka: &KafkaConfig, source: &str, events: &str, dead: &str, listen: SocketAddr) -> Config {
    let examples = std::fs::read_to_string(rejected().join("examples.toml")).unwrap();
    let examples = examples.replace("topic = \"mixed\"", &format!("topic = \"{source}\""));
    let text = format!(
        "kafka.brokers = '{}'\ntopics.events = '{events}'\ntopics.dead_letters = '{dead}'\ningest.group = '{source}'\n\
         service.listen = '{listen}'\n{examples}\n[[source.skip]]\nrule = 'test_orders'\nwhen = {{ path = 'test', equals = true }}\n",
        kafka.brokers
    );
    let mut errors = ConfigErrors::default();
    let document = Document::from_text("test.toml", &text).unwrap();
    Config::read(&document, &mut errors).unwrap_or_else(|| panic!("{:?}", errors.iter().collect::<Vec<_>>()))
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The whole answer to a GET. Blocks.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// The service's metrics, by name and labels as they stand.
async fn metrics(address: SocketAddr) -> BTreeMap<String, u64> {
    let text = spawn_blocking(move || get(address, "/metrics")).await.unwrap();
    let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
    lines.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
}

/// Every bad record is there with its bytes as they were, and says why and where it came from.
fn assert_untouched(letters: &[OwnedRecord], bad: &[(&str, &ProducerRecord)], source: &str) {
    for (reason, record) in bad {
        let letter = letters.iter().find(|letter| letter.key == record.key).unwrap();
        assert_eq!((&letter.value, letter.timestamp_ms), (&record.value, record.timestamp_ms), "{reason}");
        assert_eq!(letter.headers[..record.headers.len()], record.headers[..]);
        let headers = letter.as_record().headers;
        assert_eq!(headers.last(dead_letter::REASON), Some(reason.as_bytes()));
        assert_eq!(headers.last(dead_letter::TOPIC), Some(source.as_bytes()));
    }
}

/// Waits until the service says that it is behind by nothing; the ends are asked for every few seconds.
async fn until_caught_up(address: SocketAddr) {
    let began = Instant::now();
    loop {
        let found = metrics(address).await;
        let lag = |unit: &str| found.get(&format!("sarafan_source_lag_{unit}{{source=\"mixed\"}}")).copied();
        if (lag("records"), lag("seconds")) == (Some(0), Some(0)) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{found:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until the service says of everything that can happen that it has not happened yet.
async fn until_it_counts_from_zero(address: SocketAddr, [source, events, dead]: [&str; 3]) {
    let mut expected = vec![
        "sarafan_ingest_filtered_total{rule=\"test_orders\",source=\"mixed\"}".to_owned(),
        "sarafan_ingest_records_total{outcome=\"mapped\",source=\"mixed\"}".to_owned(),
        "sarafan_ingest_events_total{source=\"mixed\",subject=\"order\"}".to_owned(),
        format!("sarafan_kafka_records_consumed_total{{topic=\"{source}\"}}"),
        format!("sarafan_kafka_records_produced_total{{topic=\"{events}\"}}"),
        format!("sarafan_kafka_records_produced_total{{topic=\"{dead}\"}}"),
    ];
    let reasons = Reason::ALL.map(Reason::code);
    expected.extend(
        reasons.map(|code| format!("sarafan_dead_letters_total{{reason=\"{code}\",topic=\"{source}\"}}")),
    );
    let began = Instant::now();
    let found = loop {
        // Nobody listens at first.
        let found =
            if TcpStream::connect(address).is_ok() { metrics(address).await } else { BTreeMap::new() };
        if expected.iter().all(|series| found.contains_key(series)) {
            break found;
        }
        assert!(began.elapsed() < PATIENCE, "{found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    for series in expected {
        assert_eq!(found[&series], 0, "{series}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_record_is_a_dead_letter_with_its_reason_and_never_stops_the_stream() {
    let brokers = spawn_blocking(|| shared().kafka_brokers()).await.unwrap();
    let kafka = KafkaConfig::new(brokers);
    let source = topic(&kafka, "source", 2).await;
    let (events, dead) = (topic(&kafka, "events", PARTITIONS).await, topic(&kafka, "dead", 1).await);
    let records = records(&source);
    produce(&kafka, records.iter().map(|(_, record)| record)).await;
    let filtered = br#"{"type": "order", "test": true}"#.to_vec();
    let filtered = ProducerRecord { value: Some(filtered), ..records[0].1.clone() };
    produce(&kafka, [&filtered].into_iter()).await;

    let address = free_address();
    let (stop, config) = (Shutdown::new(), config(&kafka, &source, &events, &dead, address));
    let service = tokio::spawn(sarafan_ingest::run(config.clone(), stop.clone()));
    let bad: Vec<_> = records.iter().filter_map(|(reason, record)| reason.map(|r| (r, record))).collect();
    let mapped = records.len() - bad.len();

    let letters = read_until(&kafka, &dead, bad.len()).await;
    assert_eq!(letters.len(), bad.len());
    assert_untouched(&letters, &bad, &source);
    let canonical = read_until(&kafka, &events, mapped).await;
    assert_eq!(canonical.len(), mapped);
    for record in &canonical {
        let event = decode(record.value.as_deref().unwrap()).unwrap();
        assert_eq!(record.key.as_deref(), Some(event.key().as_str().as_bytes()));
        assert_eq!(record.partition, i32::try_from(event.key().partition(PARTITIONS)).unwrap());
        assert_eq!(event.origin.topic, source);
        assert_eq!(event.origin.received_at, None, "what the topic keeps is the producer's time");
    }

    // The filtered record was the last of its partition at most: wait until it is counted too.
    let counted = |metrics: &BTreeMap<String, u64>, outcome: &str| {
        let name = format!("sarafan_ingest_records_total{{outcome=\"{outcome}\",source=\"mixed\"}}");
        metrics.get(&name).copied().unwrap_or(0)
    };
    let began = Instant::now();
    let found = loop {
        let found = metrics(address).await;
        if counted(&found, "filtered") == 1 {
            break found;
        }
        assert!(began.elapsed() < PATIENCE, "{found:?}");
    };
    assert_eq!(
        (counted(&found, "mapped"), counted(&found, "dead_letter")),
        (mapped as u64, bad.len() as u64)
    );
    for (reason, _) in &bad {
        let name = format!("sarafan_dead_letters_total{{reason=\"{reason}\",topic=\"{source}\"}}");
        assert_eq!(found.get(&name), Some(&1), "{name}");
    }
    until_caught_up(address).await;
    stop.request("the test is over");
    service.await.unwrap().unwrap();

    // Everything was committed: a successor produces what comes next and nothing again.
    let stop = Shutdown::new();
    let address = free_address();
    let service = ServiceConfig { listen: address, ..config.service };
    let config = Config { service, ..config };
    let mut service = tokio::spawn(sarafan_ingest::run(config, stop.clone()));
    until_it_counts_from_zero(address, [&source, &events, &dead]).await;
    let next = ProducerRecord { value: Some(good(1_000)), ..records[0].1.clone() };
    produce(&kafka, [&next].into_iter()).await;
    let canonical = tokio::select! {
        canonical = read_until(&kafka, &events, mapped + 1) => canonical,
        ended = &mut service => panic!("{ended:?}"),
    };
    stop.request("the test is over");
    service.await.unwrap().unwrap();
    assert_eq!(canonical.len(), mapped + 1);
    assert_eq!(read(&kafka, &dead).await.len(), bad.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_there_is_refused_by_name() {
    let brokers = spawn_blocking(|| shared().kafka_brokers()).await.unwrap();
    let kafka = KafkaConfig::new(brokers);
    let (source, events) = (unique_name("missing"), topic(&kafka, "events", 1).await);
    let start = |events: &str| {
        let config = config(&kafka, &source, events, events, free_address());
        sarafan_ingest::run(config, Shutdown::new())
    };
    let error = start("no_such_topic").await.unwrap_err().to_string();
    assert!(error.contains("`no_such_topic` does not exist") && error.contains("sarafan migrate"), "{error}");
    let error = start(&events).await.unwrap_err().to_string();
    assert!(error.contains(&source) && error.contains("of source `mixed`"), "{error}");
}

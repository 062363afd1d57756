//! A handler that keeps a log of all that happens to it, and what the tests need around it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use prometheus::Registry;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use sarafan_localstack::testing;
use sarafan_stream::{
    Admin, AssignedPartition, BatchBounds, BulkWriter, Consumer, ConsumerSettings, CreateTopic, EngineError,
    FlushOutcome, FlushReason, Handler, KafkaConfig, OwnedRecord, Position, ProducerRecord, ProducerSettings,
    ReadFrom, Record, Revoked, StreamMetrics, TopicPartition, TopicReader, run,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longer than anything here takes unless it hangs.
const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) fn kafka() -> KafkaConfig {
    static TRACING: std::sync::Once = std::sync::Once::new();
    TRACING.call_once(|| {
        let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "off".into());
        tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().init();
    });
    KafkaConfig::new(testing::shared().kafka_brokers())
}

pub(crate) fn metrics() -> StreamMetrics {
    StreamMetrics::register(&Registry::new()).unwrap()
}

/// A topic of its own for each test.
pub(crate) async fn topic(name: &str, partitions: i32) -> String {
    topic_with(name, partitions, &[]).await
}

pub(crate) async fn topic_with(name: &str, partitions: i32, configs: &[(&str, &str)]) -> String {
    let kafka = tokio::task::spawn_blocking(kafka).await.unwrap();
    let name = testing::unique_name(name);
    let configs = configs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let spec = CreateTopic { name: name.clone(), partitions, replication: Some(1), configs };
    Admin::open(&kafka).unwrap().create_topic(&spec).await.unwrap();
    name
}

/// Settings under which a rebalance takes a second rather than a minute.
pub(crate) fn settings(group: &str) -> ConsumerSettings {
    ConsumerSettings {
        session_timeout_ms: 6_000,
        idle_ms: 200,
        lag_interval_ms: 200,
        batch: BatchBounds { max_records: 100, max_bytes: 1 << 20, max_age_ms: 20 },
        ..ConsumerSettings::new(group)
    }
}

/// Writes records with the given values, keyed by themselves.
pub(crate) async fn write(topic: &str, values: impl IntoIterator<Item = u64>) {
    let mut writer = BulkWriter::open(&kafka(), &ProducerSettings::default(), metrics()).unwrap();
    for value in values {
        writer.write(&numbered(topic, value)).await.unwrap();
    }
    writer.finish().await.unwrap();
}

/// Writes each value in a transaction of its own, which is committed or else aborted. Each leaves a marker.
pub(crate) async fn transact<const N: usize>(topic: &str, values: [(&'static str, bool); N]) {
    let (topic, kafka) = (topic.to_owned(), kafka());
    let send = move || {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &kafka.brokers)
            .set("transactional.id", &topic)
            .create()
            .unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        for (value, keep) in values {
            producer.begin_transaction().unwrap();
            producer.send(BaseRecord::<(), str>::to(&topic).payload(value)).unwrap();
            producer.flush(PATIENCE).unwrap();
            let ended = if keep {
                producer.commit_transaction(PATIENCE)
            } else {
                producer.abort_transaction(PATIENCE)
            };
            ended.unwrap();
        }
    };
    tokio::task::spawn_blocking(send).await.unwrap();
}

pub(crate) fn numbered(topic: &str, value: u64) -> ProducerRecord {
    let value = value.to_string().into_bytes();
    ProducerRecord {
        topic: topic.into(),
        key: Some(value.clone()),
        value: Some(value),
        ..ProducerRecord::default()
    }
}

/// All records of a topic, by partition and offset.
pub(crate) async fn read(topic: &str) -> Vec<OwnedRecord> {
    let topic = topic.to_owned();
    let read = move || {
        TopicReader::open(&kafka(), &topic, &ReadFrom::Beginning).unwrap().map(Result::unwrap).collect()
    };
    let mut records: Vec<OwnedRecord> = tokio::task::spawn_blocking(read).await.unwrap();
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

/// The number that [`write`] put into a record.
pub(crate) fn number(value: Option<&[u8]>) -> u64 {
    str::from_utf8(value.unwrap()).unwrap().parse().unwrap()
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What happened to a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Asked(Vec<AssignedPartition>),
    Started(i32, i64),
    Applied(i32, i64, u64),
    Flushed(FlushReason),
    Revoked(Vec<i32>, Revoked),
}

/// The log of a handler, shared with its test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Event>>>);

impl Log {
    pub(crate) fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.0.lock().unwrap()
    }

    pub(crate) fn push(&self, event: Event) {
        self.events().push(event);
    }

    pub(crate) fn applied(&self) -> Vec<(i32, i64, u64)> {
        let applied = |event: &Event| match event {
            Event::Applied(partition, offset, value) => Some((*partition, *offset, *value)),
            _ => None,
        };
        self.events().iter().filter_map(applied).collect()
    }

    pub(crate) fn started(&self) -> Vec<(i32, i64)> {
        let started = |event: &Event| match event {
            Event::Started(partition, offset) => Some((*partition, *offset)),
            _ => None,
        };
        self.events().iter().filter_map(started).collect()
    }

    pub(crate) fn revoked(&self, wanted: Revoked) -> Vec<i32> {
        let revoked = |event: &Event| match event {
            Event::Revoked(partitions, how) if *how == wanted => partitions.clone(),
            _ => Vec::new(),
        };
        self.events().iter().flat_map(revoked).collect()
    }

    /// The partitions that it has now, however often it was given them.
    pub(crate) fn held(&self) -> BTreeSet<i32> {
        let mut held = BTreeSet::new();
        for event in self.events().iter() {
            match event {
                Event::Started(partition, _) => _ = held.insert(*partition),
                Event::Revoked(partitions, _) => held.retain(|partition| !partitions.contains(partition)),
                _ => {}
            }
        }
        held
    }

    /// Every term of every partition is a gapless run from where it was started, and nothing is fed outside a term.
    pub(crate) fn assert_terms_are_gapless(&self) {
        let mut next: BTreeMap<i32, i64> = BTreeMap::new();
        for event in self.events().iter() {
            match event {
                Event::Started(partition, offset) => {
                    next.insert(*partition, *offset);
                }
                Event::Applied(partition, offset, _) => {
                    let expected =
                        next.get_mut(partition).expect("a record of a partition that is not owned");
                    assert_eq!(offset, expected, "partition {partition}");
                    *expected += 1;
                }
                Event::Revoked(partitions, _) => partitions.iter().for_each(|partition| {
                    next.remove(partition);
                }),
                Event::Asked(_) | Event::Flushed(_) => {}
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

/// What a test makes a handler do differently from the plain one.
pub(crate) trait Habit: Send + 'static {
    fn start(&mut self, part: &AssignedPartition) -> i64 {
        part.committed.unwrap_or(part.low)
    }

    fn declines(&self, _partition: i32) -> bool {
        false
    }

    fn load(&mut self, _parts: &[AssignedPartition]) -> impl Future<Output = ()> + Send {
        async {}
    }

    fn flush(
        &mut self,
        _reason: FlushReason,
        outcome: FlushOutcome,
    ) -> impl Future<Output = FlushOutcome> + Send {
        async { outcome }
    }
}

/// Starts at the committed offset and commits all that was applied.
pub(crate) struct Plain;

impl Habit for Plain {}

pub(crate) struct Logging<H> {
    pub(crate) log: Log,
    pub(crate) habit: H,
    positions: BTreeMap<TopicPartition, i64>,
}

impl<H> Logging<H> {
    pub(crate) fn new(log: &Log, habit: H) -> Self {
        Self { log: log.clone(), habit, positions: BTreeMap::new() }
    }
}

impl<H: Habit> Handler for Logging<H> {
    type Error = Refused;

    async fn assigned(&mut self, parts: &[AssignedPartition]) -> Result<Vec<Position>, Refused> {
        self.log.push(Event::Asked(parts.to_vec()));
        self.habit.load(parts).await;
        let mut starts = Vec::new();
        for part in parts {
            if self.habit.declines(part.partition.partition) {
                continue;
            }
            let offset = self.habit.start(part);
            self.log.push(Event::Started(part.partition.partition, offset));
            self.positions.insert(part.partition.clone(), offset);
            starts.push(Position::new(part.partition.clone(), offset));
        }
        Ok(starts)
    }

    fn declines(&self, partition: &TopicPartition) -> bool {
        self.habit.declines(partition.partition)
    }

    fn apply(&mut self, record: &Record<'_>) -> Result<(), Refused> {
        self.log.push(Event::Applied(record.partition, record.offset, number(record.value)));
        let partition = TopicPartition::new(record.topic, record.partition);
        match self.positions.get_mut(&partition) {
            Some(position) => *position = record.offset + 1,
            None => return Err(Refused(format!("{partition} is not ours"))),
        }
        Ok(())
    }

    async fn flush(&mut self, reason: FlushReason) -> Result<FlushOutcome, Refused> {
        let commit = self.positions.iter().map(|(p, offset)| Position::new(p.clone(), *offset)).collect();
        let outcome = self.habit.flush(reason, FlushOutcome { commit, retake: Vec::new() }).await;
        self.log.push(Event::Flushed(reason));
        Ok(outcome)
    }

    async fn revoked(&mut self, parts: &[TopicPartition], how: Revoked) -> Result<(), Refused> {
        self.log.push(Event::Revoked(parts.iter().map(|part| part.partition).collect(), how));
        for part in parts {
            self.positions.remove(part);
        }
        Ok(())
    }
}

/// A member that runs until it is stopped.
pub(crate) struct Running<E: std::error::Error + 'static> {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), EngineError<E>>>,
}

impl<E: std::error::Error + Send + Sync + 'static> Running<E> {
    pub(crate) fn start<H: Handler<Error = E> + 'static>(handler: H, consumer: Consumer) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            stopped.await.ok();
        };
        Self { stop, task: tokio::spawn(run(handler, consumer, shutdown)) }
    }

    pub(crate) async fn stop(self) -> Result<(), EngineError<E>> {
        self.stop.send(()).ok();
        tokio::time::timeout(PATIENCE, self.task).await.expect("it should have ended").unwrap()
    }

    /// Waits for it to end by itself.
    pub(crate) async fn ended(self) -> Result<(), EngineError<E>> {
        let _keep = self.stop;
        tokio::time::timeout(PATIENCE, self.task).await.expect("it should have ended").unwrap()
    }

    /// Ends it without any goodbye: whatever was not committed is not committed.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.is_err_and(|error| error.is_cancelled()), "it had ended before");
    }
}

/// A plain member, with its log.
pub(crate) fn member(topic: &str, settings: ConsumerSettings) -> (Log, Running<Refused>) {
    member_with(topic, settings, Plain)
}

pub(crate) fn member_with<H: Habit>(
    topic: &str,
    settings: ConsumerSettings,
    habit: H,
) -> (Log, Running<Refused>) {
    let log = Log::default();
    let consumer = Consumer::open(&kafka(), settings, &[topic], metrics()).unwrap();
    (log.clone(), Running::start(Logging::new(&log, habit), consumer))
}

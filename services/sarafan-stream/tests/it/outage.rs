//! Brokers that stop answering, and records that are gone.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use sarafan_localstack::testing::unique_name;
use sarafan_localstack::{Kafka, KafkaOptions, silent};
use sarafan_stream::{
    Admin, AssignedPartition, BatchBounds, BulkWriter, Consumer, ConsumerSettings, CreateTopic, DeadLetters,
    FirstStart, KafkaConfig, Outbox, Producer, ProducerSettings, Record, Relay, Revoked, Transform,
};

use crate::support::{
    Habit, Log, Logging, Plain, Refused, Running, kafka, member, metrics, numbered, settings, topic, until,
    write,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_the_group_has_given_up_drops_all_and_takes_its_partitions_again() {
    // A broker of its own, because it is frozen.
    let broker = tokio::task::spawn_blocking(|| Kafka::start(&KafkaOptions::default(), &silent).unwrap())
        .await
        .unwrap();
    let config = KafkaConfig::new(broker.brokers());
    let topic = "frozen";
    let spec = CreateTopic { name: topic.to_owned(), partitions: 2, replication: None, configs: [].into() };
    Admin::open(&config).unwrap().create_topic(&spec).await.unwrap();
    let mut writer = BulkWriter::open(&config, &ProducerSettings::default(), metrics()).unwrap();
    for value in 0..100 {
        writer.write(&numbered(topic, value)).await.unwrap();
    }

    let log = Log::default();
    let brief = ConsumerSettings { session_timeout_ms: 1_500, ..settings("frozen") };
    let consumer = Consumer::open(&config, brief, &[topic], metrics()).unwrap();
    let running = Running::start(Logging::new(&log, Plain), consumer);
    until("all is applied", || log.applied().len() == 100).await;
    broker.freeze().unwrap();
    until("its partitions are lost", || log.revoked(Revoked::Lost).len() == 2).await;
    broker.thaw().unwrap();
    until("it has them again", || log.started().len() == 4).await;
    for value in 100..150 {
        writer.write(&numbered(topic, value)).await.unwrap();
    }
    writer.finish().await.unwrap();
    until("the rest is applied", || log.applied().iter().filter(|(_, _, value)| *value >= 100).count() == 50)
        .await;
    running.stop().await.unwrap();
    log.assert_terms_are_gapless();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_waits_while_brokers_are_away_and_delivers_each_record_once() {
    let broker = tokio::task::spawn_blocking(|| Kafka::start(&KafkaOptions::default(), &silent).unwrap())
        .await
        .unwrap();
    let config = KafkaConfig::new(broker.brokers());
    let topic = "away";
    let spec = CreateTopic { name: topic.to_owned(), partitions: 1, replication: None, configs: [].into() };
    Admin::open(&config).unwrap().create_topic(&spec).await.unwrap();
    let mut writer = BulkWriter::open(&config, &ProducerSettings::default(), metrics()).unwrap();
    for value in 0..2_000 {
        if value == 1_000 {
            broker.freeze().unwrap();
        }
        writer.write(&numbered(topic, value)).await.unwrap();
    }
    // Some are on the way to a broker that does not answer; the client sends again what it is not sure of.
    assert!(writer.acknowledged() < 2_000);
    broker.thaw().unwrap();
    assert_eq!(writer.finish().await.unwrap(), 2_000);
    let info = Admin::open(&config).unwrap().describe(topic).await.unwrap().unwrap();
    assert_eq!(info.partitions[0].high, 2_000);
}

/// Takes longer to say where to start than the client waits before it repeats a question, while nobody answers.
struct LoadsWhileFrozen(Arc<Kafka>);

impl Habit for LoadsWhileFrozen {
    async fn load(&mut self, _parts: &[AssignedPartition]) {
        self.0.freeze().unwrap();
        tokio::time::sleep(Duration::from_millis(800)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_after_the_start_moves_no_partition() {
    let broker = tokio::task::spawn_blocking(|| Kafka::start(&KafkaOptions::default(), &silent).unwrap());
    let broker = Arc::new(broker.await.unwrap());
    let config = KafkaConfig::new(broker.brokers());
    let topic = "late";
    let spec = CreateTopic { name: topic.to_owned(), partitions: 1, replication: None, configs: [].into() };
    Admin::open(&config).unwrap().create_topic(&spec).await.unwrap();
    let mut writer = BulkWriter::open(&config, &ProducerSettings::default(), metrics()).unwrap();
    writer.write(&numbered(topic, 0)).await.unwrap();
    until("the writer knows the broker", || writer.acknowledged() == 1).await;

    let log = Log::default();
    let consumer = Consumer::open(&config, settings("late"), &[topic], metrics()).unwrap();
    let running = Running::start(Logging::new(&log, LoadsWhileFrozen(Arc::clone(&broker))), consumer);
    until("it starts", || !log.started().is_empty()).await;
    broker.thaw().unwrap();
    for value in 1..300 {
        writer.write(&numbered(topic, value)).await.unwrap();
    }
    writer.finish().await.unwrap();
    until("all is applied", || log.applied().len() == 300).await;
    running.stop().await.unwrap();
    log.assert_terms_are_gapless();
}

struct Nothing;

impl Transform for Nothing {
    type Error = Refused;

    fn transform(&mut self, _record: &Record<'_>, _out: &mut Outbox<'_>) -> Result<(), Refused> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_were_deleted_before_they_were_read_stop_the_relay() {
    let (topic, group) = (topic("deleted", 1).await, unique_name("deleted"));
    write(&topic, 0..10).await;
    let (log, running) = member(&topic, settings(&group));
    until("all is applied", || log.applied().len() == 10).await;
    running.stop().await.unwrap();
    write(&topic, 10..100).await;
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", kafka().brokers).create().unwrap();
    let mut before = TopicPartitionList::new();
    before.add_partition_offset(&topic, 0, Offset::Offset(50)).unwrap();
    admin.delete_records(&before, &AdminOptions::new()).await.unwrap();

    let consumer = Consumer::open(&kafka(), settings(&group), &[&topic], metrics()).unwrap();
    let producer = Producer::open(&kafka(), &ProducerSettings::default(), metrics()).unwrap();
    let dead_letters = DeadLetters::new("unused", None);
    let relay = Relay::new(Nothing, &consumer, producer, dead_letters, FirstStart::Earliest);
    let error = Running::start(relay, consumer).ended().await.unwrap_err().to_string();
    assert!(error.contains("is to go on at offset 10, but the topic holds 50..100"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_whose_first_records_were_deleted_is_read_from_its_first_record_by_every_new_group() {
    let topic = topic("expired", 3).await;
    write(&topic, 0..300).await;
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", kafka().brokers).create().unwrap();
    let mut before = TopicPartitionList::new();
    for partition in 0..3 {
        before.add_partition_offset(&topic, partition, Offset::Offset(20)).unwrap();
    }
    admin.delete_records(&before, &AdminOptions::new()).await.unwrap();
    // The client may fetch at once what it was just given, before it is paused: not always, hence again and again.
    for _ in 0..12 {
        let (log, running) = member(&topic, settings(&unique_name("expired")));
        until("all that is left is applied", || log.applied().len() == 240).await;
        running.stop().await.unwrap();
        assert!(log.started().iter().all(|(_, offset)| *offset == 20));
        log.assert_terms_are_gapless();
    }
}

/// Nothing is committed before the end, so that the last commit meets a broker that does not answer.
#[test]
fn a_runtime_ends_though_no_broker_answers_the_last_commit() {
    let broker = Kafka::start(&KafkaOptions::default(), &silent).unwrap();
    let config = KafkaConfig::new(broker.brokers());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let stopped = runtime.block_on(async {
        let topic = "unanswered";
        let spec =
            CreateTopic { name: topic.to_owned(), partitions: 1, replication: None, configs: [].into() };
        Admin::open(&config).unwrap().create_topic(&spec).await.unwrap();
        let mut writer = BulkWriter::open(&config, &ProducerSettings::default(), metrics()).unwrap();
        for value in 0..10 {
            writer.write(&numbered(topic, value)).await.unwrap();
        }
        writer.finish().await.unwrap();
        let log = Log::default();
        let batch = BatchBounds { max_records: 1_000_000, max_bytes: 1 << 30, max_age_ms: 600_000 };
        let patient = ConsumerSettings { batch, idle_ms: 600_000, drain_ms: 1_000, ..settings("unanswered") };
        let consumer = Consumer::open(&config, patient, &[topic], metrics()).unwrap();
        let running = Running::start(Logging::new(&log, Plain), consumer);
        until("all is applied", || log.applied().len() == 10).await;
        broker.freeze().unwrap();
        running.stop().await
    });
    assert!(stopped.is_err(), "the commit was not answered, and nobody was told: {stopped:?}");
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(runtime);
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(10)).expect("the runtime waits for a broker that is away");
}

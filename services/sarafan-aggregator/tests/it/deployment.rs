//! Topics, databases and canonical records of one test.

use std::net::SocketAddr;

use futures_util::TryFutureExt as _;
use sarafan_aggregator::{AggregatorSection, Config, ExportedFigures};
use sarafan_core::vocabulary::{FieldValue, Instant, Money, Score, Stamp, Subject};
use sarafan_core::{Definitions, Event, Origin};
use sarafan_localstack::testing::{shared, unique_name};
use sarafan_runtime::config::{ConfigErrors, Document};
use sarafan_runtime::service::ServiceConfig;
use sarafan_runtime::shutdown::Shutdown;
use sarafan_store::{ClickHouseSection, Generation, Store};
use sarafan_stream::{
    Admin, BulkWriter, CreateTopic, KafkaConfig, ProducerRecord, ProducerSettings, StreamMetrics,
};
use sarafan_wire::TopicsSection;

/// One survey, no dimension, half of every amount is margin.
const DEFINITIONS: &str = "
metrics.margin_rate = '0.5'
survey = [{ id = 'relation', kind = 'relational' }]
";

/// Everything that one test has to itself.
pub(crate) struct Deployment {
    pub(crate) config: Config,
    pub(crate) store: Store,
}

/// An aggregator that runs in this process.
pub(crate) struct Running {
    /// Where its metrics are served.
    pub(crate) address: SocketAddr,
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Deployment {
    pub(crate) async fn new(name: &str, partitions: u32) -> Self {
        Self::with(name, partitions, DEFINITIONS).await
    }

    /// One whose figures mean what these sections say.
    pub(crate) async fn with(name: &str, partitions: u32, definitions: &str) -> Self {
        let (brokers, url) =
            tokio::task::spawn_blocking(|| (shared().kafka_brokers(), shared().clickhouse_url()))
                .await
                .unwrap();
        let mine = unique_name(name);
        let mut aggregator =
            AggregatorSection { group: format!("{mine}-aggregator"), ..AggregatorSection::default() };
        aggregator.batch.max_age_ms = 50;
        aggregator.idle_ms = 200;
        aggregator.collect_after_ms = 500;
        aggregator.refused_retry_ms = 300;
        let config = Config {
            kafka: KafkaConfig::new(brokers),
            topics: TopicsSection {
                events: format!("{mine}.events"),
                dead_letters: format!("{mine}.dlq"),
                partitions,
                replication: 1,
            },
            clickhouse: ClickHouseSection {
                url,
                database: mine.clone(),
                store_database: format!("{mine}_store"),
                ..ClickHouseSection::default()
            },
            definitions: read(definitions),
            aggregator,
            prometheus: ExportedFigures { segments: 50, segment_window_days: 30 },
            sources: vec!["test".to_owned()],
            // A machine that is busy with other tests is no fault.
            service: ServiceConfig { drain_seconds: 60, ..ServiceConfig::default() },
            beginning: Default::default(),
        };
        let store = Store::new(&config.clickhouse).unwrap();
        let deployment = Self { config, store };
        deployment.prepare().await;
        deployment
    }

    /// The same topic and group, with databases of its own in which nothing is.
    pub(crate) async fn with_new_databases(&self) -> Self {
        let mut config = self.config.clone();
        config.clickhouse.database.push_str("_new");
        config.clickhouse.store_database.push_str("_new");
        let store = Store::new(&config.clickhouse).unwrap();
        let deployment = Self { config, store };
        deployment.prepare().await;
        deployment
    }

    async fn prepare(&self) {
        let Config { topics, definitions, .. } = &self.config;
        self.create_topic(&topics.events, topics.partitions).await;
        self.create_topic(&topics.dead_letters, 1).await;
        self.store.migrate().await.unwrap();
        self.store.register_epoch(definitions).await.unwrap();
        self.store.set_live_epoch(definitions.epoch).await.unwrap();
        let generation = Generation {
            topic: topics.events.clone(),
            generation: 0,
            partitions: topics.partitions,
            topic_id: String::new(),
        };
        self.store.register_generation(&generation).await.unwrap();
    }

    async fn create_topic(&self, name: &str, partitions: u32) {
        let topic = CreateTopic {
            name: name.to_owned(),
            partitions: partitions as i32,
            replication: Some(1),
            configs: std::collections::BTreeMap::new(),
        };
        Admin::open(&self.config.kafka).unwrap().create_topic(&topic).await.unwrap();
    }

    /// Deletes the canonical topic and creates it again, under the same name.
    pub(crate) async fn recreate_topic(&self) {
        let topics = &self.config.topics;
        Admin::open(&self.config.kafka).unwrap().delete_topic(&topics.events).await.unwrap();
        self.create_topic(&topics.events, topics.partitions).await;
    }

    /// Empties a table of the store.
    pub(crate) async fn lose(&self, table: &str) {
        self.execute(&format!("TRUNCATE TABLE {{store}}.{table} SYNC")).await;
    }

    /// Lets no insert into a table of the store pass, as if it had too many parts already.
    pub(crate) async fn refuse_inserts(&self, table: &str) {
        self.execute(&format!("ALTER TABLE {{store}}.{table} MODIFY SETTING parts_to_throw_insert = 1"))
            .await;
    }

    /// Lets inserts pass again.
    pub(crate) async fn take_inserts(&self, table: &str) {
        self.execute(&format!("ALTER TABLE {{store}}.{table} RESET SETTING parts_to_throw_insert")).await;
    }

    /// Runs a statement that nothing in the project has a function for.
    pub(crate) async fn execute(&self, statement: &str) {
        let clickhouse = &self.config.clickhouse;
        let statement = statement.replace("{store}", &clickhouse.store_database);
        let client = clickhouse::Client::default().with_url(&clickhouse.url);
        client.query_raw(&statement).execute().await.unwrap();
    }

    /// Copies the tables that are wanted, each as of a moment of its own; their names.
    pub(crate) async fn back_up(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let store = &self.config.clickhouse.store_database;
        let sql = format!(
            "SELECT name FROM system.tables WHERE database = '{store}' AND engine LIKE '%MergeTree' \
             AND name NOT LIKE 'copy_of_%' ORDER BY name"
        );
        let names = self.store.query(&sql, &[]).await.unwrap();
        let names = (0..names.rows.len()).filter_map(|row| names.text(row, "name"));
        let names: Vec<String> = names.filter(|name| wanted(name)).collect();
        for name in &names {
            self.execute(&format!("CREATE TABLE {{store}}.copy_of_{name} AS {{store}}.{name}")).await;
            let copy = format!("INSERT INTO {{store}}.copy_of_{name} SELECT * FROM {{store}}.{name}");
            self.execute(&copy).await;
        }
        names
    }

    /// Puts copies in the place of their tables.
    pub(crate) async fn restore(&self, names: &[String]) {
        let pairs = names.iter().map(|name| format!("{{store}}.{name} AND {{store}}.copy_of_{name}"));
        for pair in pairs {
            self.execute(&format!("EXCHANGE TABLES {pair}")).await;
        }
    }

    /// As retention does: what lies before `offset` is gone.
    pub(crate) async fn delete_records(&self, partition: i32, offset: i64) {
        use rdkafka::admin::{AdminClient, AdminOptions};
        use rdkafka::client::DefaultClientContext;
        let mut client = rdkafka::ClientConfig::new();
        client.set("bootstrap.servers", &self.config.kafka.brokers);
        let admin: AdminClient<DefaultClientContext> = client.create().unwrap();
        let mut offsets = rdkafka::TopicPartitionList::new();
        let events = &self.config.topics.events;
        offsets.add_partition_offset(events, partition, rdkafka::Offset::Offset(offset)).unwrap();
        admin.delete_records(&offsets, &AdminOptions::new()).await.unwrap();
    }

    /// Writes canonical records to the topic, in order.
    pub(crate) async fn produce(&self, events: &[Event]) {
        let metrics = StreamMetrics::register(&prometheus::Registry::new()).unwrap();
        let mut writer = BulkWriter::open(&self.config.kafka, &ProducerSettings::default(), metrics).unwrap();
        for event in events {
            let record = ProducerRecord {
                topic: self.config.topics.events.as_str().into(),
                key: Some(event.key().as_str().as_bytes().to_vec()),
                value: Some(sarafan_wire::encode(event).unwrap()),
                ..ProducerRecord::default()
            };
            writer.write(&record).await.unwrap();
        }
        writer.finish().await.unwrap();
    }

    pub(crate) fn start(&self) -> Running {
        let shutdown = Shutdown::new();
        let mut config = self.config.clone();
        let address = free_address();
        config.service.listen = address;
        let run = sarafan_aggregator::run(config, shutdown.clone());
        // A test that waits for something else is to say why it waited in vain.
        let task = tokio::spawn(run.inspect_err(|error| eprintln!("the aggregator has ended: {error:#}")));
        Running { address, shutdown, task }
    }

    /// The first value of a query on views or tables, which it calls `found`.
    pub(crate) async fn value(&self, sql: &str) -> String {
        let databases = &self.config.clickhouse;
        let sql = sql.replace("{views}", &databases.database).replace("{store}", &databases.store_database);
        self.store.query(&sql, &[]).await.unwrap().text(0, "found").unwrap_or_default()
    }

    /// The first value of a query on the views, once it is `expected`; the latest one after two minutes, for machines
    /// are busy.
    pub(crate) async fn eventually(&self, sql: &str, expected: &str) -> String {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(120);
        loop {
            let found = self.value(sql).await;
            if found == expected || std::time::Instant::now() > deadline {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

impl Running {
    /// Stops as SIGTERM does.
    pub(crate) async fn stop(self) {
        self.shutdown.request("the test is done with it");
        self.task.await.unwrap().unwrap();
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// What it fails with.
    pub(crate) async fn fail(self) -> String {
        format!("{:#}", self.task.await.unwrap().unwrap_err())
    }

    /// Dies where it stands: nothing is flushed.
    pub(crate) async fn die(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// The definitions of a configuration that says nothing else.
fn read(sections: &str) -> Definitions {
    let text = format!("kafka.brokers = 'nowhere:1'\n{sections}");
    let document = Document::from_text("test.toml", &text).unwrap();
    let mut errors = ConfigErrors::default();
    let config = Config::read(&document, &mut errors);
    config
        .unwrap_or_else(|| panic!("{:?}", errors.iter().map(ToString::to_string).collect::<Vec<_>>()))
        .definitions
}

/// An address on which nobody listens yet, below the ports that outgoing connections take.
fn free_address() -> SocketAddr {
    let random = || 20_000 + (getrandom::u64().unwrap() % 12_000) as u16;
    let mut free = (0..200).filter_map(|_| std::net::TcpListener::bind(("127.0.0.1", random())).ok());
    free.next().unwrap().local_addr().unwrap()
}

pub(crate) fn instant(text: &str) -> Instant {
    Instant::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

pub(crate) fn event(
    subject: Subject,
    id: &str,
    customer: &str,
    at: &str,
    fields: Vec<(&str, FieldValue)>,
) -> Event {
    let mut event = Event {
        subject,
        id: id.to_owned(),
        customer_id: Some(customer.to_owned()),
        order_id: None,
        stamp: Stamp::new(instant(at), 1, 0),
        erased: false,
        fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        origin: Origin { source: "test".to_owned(), ..Origin::default() },
    };
    sarafan_wire::sort_fields(&mut event);
    event.stamp = Stamp::new(instant(at), 1, sarafan_wire::record_hash(&event));
    event
}

/// A paid order.
pub(crate) fn order(id: &str, customer: &str, at: &str, amount: &str) -> Event {
    let fields = vec![
        ("ordered_at", FieldValue::Instant(instant(at))),
        ("status", FieldValue::Text("paid".to_owned())),
        ("amount", FieldValue::Money(amount.parse::<Money>().unwrap())),
        ("currency", FieldValue::Text("GBP".to_owned())),
    ];
    event(Subject::Order, id, customer, at, fields)
}

/// A cancellation of an order that was sent before.
pub(crate) fn cancel(id: &str, customer: &str, at: &str) -> Event {
    event(Subject::Order, id, customer, at, vec![("status", FieldValue::Text("cancelled".to_owned()))])
}

/// A scored answer.
pub(crate) fn answer(id: &str, customer: &str, at: &str, score: i64) -> Event {
    let fields = vec![
        ("survey", FieldValue::Text("relation".to_owned())),
        ("answered_at", FieldValue::Instant(instant(at))),
        ("score", FieldValue::Score(Score::new(score).unwrap())),
    ];
    event(Subject::SurveyResponse, id, customer, at, fields)
}

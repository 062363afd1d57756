//! One stack for all the tests of a test binary.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{ClickHouse, ClickHouseOptions, Kafka, KafkaOptions, settings, silent};

/// Addresses of the servers that tests share. Each server is started by the first test that asks for it.
#[derive(Debug, Default)]
pub struct Shared {
    kafka: OnceLock<Server<Kafka>>,
    clickhouse: OnceLock<Server<ClickHouse>>,
}

#[derive(Debug)]
enum Server<S> {
    Given(String),
    Started(S),
}

/// The servers of this test process.
///
/// They live until the process ends; do not stop, kill or freeze them, because other tests use them.
pub fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(Shared::default)
}

impl Shared {
    /// Kafka's address, `host:port`: that of `SARAFAN_TEST_KAFKA`, or of a broker started for this process.
    ///
    /// # Panics
    ///
    /// When the broker cannot be started; the message says why and what to do.
    pub fn kafka_brokers(&self) -> String {
        match self.kafka.get_or_init(|| match settings::text(settings::TEST_KAFKA) {
            Some(address) => Server::Given(address),
            None => Server::Started(or_fail(Kafka::start(&KafkaOptions::default(), &silent))),
        }) {
            Server::Given(address) => address.clone(),
            Server::Started(kafka) => kafka.brokers(),
        }
    }

    /// ClickHouse's address, `http://host:port`: that of `SARAFAN_TEST_CLICKHOUSE`, or of one started for this process.
    ///
    /// # Panics
    ///
    /// When ClickHouse cannot be started; the message says why and what to do.
    pub fn clickhouse_url(&self) -> String {
        match self.clickhouse.get_or_init(|| match settings::text(settings::TEST_CLICKHOUSE) {
            Some(address) => Server::Given(address),
            None => Server::Started(or_fail(ClickHouse::start(&ClickHouseOptions::default(), &silent))),
        }) {
            Server::Given(address) => address.clone(),
            Server::Started(clickhouse) => clickhouse.http_url(),
        }
    }
}

/// A name that no other test and no other run uses, fit for a topic, a group and a database: `PREFIX_PID_TIME_COUNT`.
pub fn unique_name(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let micros = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros() % 1_000_000_000_000);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}_{}_{micros}_{count}", std::process::id())
}

/// A test cannot go on without its server, and a skipped test would look like a passed one.
#[allow(clippy::panic)]
fn or_fail<S>(started: anyhow::Result<S>) -> S {
    started.unwrap_or_else(|error| panic!("{error:#}"))
}

//! Development only: real Kafka, ClickHouse and Prometheus on this machine, without a container engine. Linux only.
//!
//! Components come through the package clients that a developer has anyway (Maven, npm, Debian's `apt-get`), in
//! pinned versions, into the user's cache folder, and are checked before each use. A component that is already
//! installed wins over a download: see [`settings`] for the environment variables that name one.
//!
//! # In a test
//!
//! ```no_run
//! let shared = sarafan_localstack::testing::shared();
//! let brokers = shared.kafka_brokers(); // "127.0.0.1:PORT"
//! let url = shared.clickhouse_url(); // "http://127.0.0.1:PORT"
//! let mine = sarafan_localstack::testing::unique_name("orders"); // topic prefix, database name
//! ```
//!
//! One stack serves all tests of a test binary; it starts at the first call and dies with the process. When
//! `SARAFAN_TEST_KAFKA` and `SARAFAN_TEST_CLICKHOUSE` name running servers, those are used and nothing is started.
//! A test that kills or freezes a server starts its own with [`Kafka::start`] or [`ClickHouse::start`], so that it
//! disturbs nobody.
//!
//! # Threads
//!
//! Every function of this crate blocks. From async code call it through `tokio::task::spawn_blocking`.
//!
//! # What is left behind
//!
//! Nothing: servers are killed by the kernel when the process that started them ends, however it ends, and a
//! temporary data folder is removed then too.

mod alertmanager;
mod cache;
mod clickhouse;
pub mod clickhouse_host;
mod data_folder;
mod debian;
pub mod doctor;
mod go_programs;
mod grafana;
mod http;
mod kafka;
mod lock;
mod ports;
mod process;
mod prometheus;
mod running;
pub mod settings;
mod stack;
pub mod testing;
mod tools;
mod unsafe_os;

pub use alertmanager::{Alertmanager, amtool};
pub use clickhouse::{ClickHouse, ClickHouseOptions};
pub use go_programs::{Checker, alertmanager, docker_compose, helm};
pub use grafana::{Grafana, GrafanaHome, GrafanaOptions};
pub use kafka::{Kafka, KafkaOptions};
pub use process::{Launch, Process};
pub use prometheus::{Prometheus, PrometheusOptions, Series, Target, promtool};
pub use running::Running;
pub use stack::{Stack, StackOptions};

/// Receives one line for each slow step (a download, a start), for a person who waits.
pub type Progress<'a> = &'a (dyn Fn(&str) + Sync);

/// A [`Progress`] that says nothing.
pub fn silent(_: &str) {}

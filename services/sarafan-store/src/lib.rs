//! ClickHouse: the tables and their migrations, rows in and out, the ledger.
//!
//! This crate does the IO and decides nothing: who owns a partition, what to resume from and when to refuse are
//! decisions of `sarafan-core`. It knows nothing of Kafka.
//!
//! The way of a flush: [`Table`](sarafan_core::table::Table) -> [`PreparedBlock`] (built once, kept until it is
//! acknowledged, re-sent unchanged) -> [`Store::write`]. The way of a restore: [`Store::read_entities`] hands over
//! bounded tables of the same shape.

mod audit;
mod backoff;
mod block;
mod client;
mod codes;
mod collect;
mod dead_letters;
mod decode;
mod epochs;
mod error;
mod generations;
mod ledger;
mod migrate;
mod migrations;
mod one_row;
mod presentation;
mod query;
mod read;
mod replicas;
mod retire;
mod section;
#[cfg(any(test, feature = "simulation"))]
pub mod simulated;
mod slots;
mod sql;
mod warehouse;
mod writer;

pub use audit::{Compared, Conflict, DERIVED, Difference, EXAMPLES, Markers, Recount, UnknownTerm};
pub use backoff::Backoff;
pub use block::PreparedBlock;
pub use client::Store;
pub use codes::exception_codes;
pub use dead_letters::DeadLetter;
pub use epochs::EpochRow;
pub use error::{Class, StoreError};
pub use generations::Generation;
pub use migrate::Migrated;
pub use migrations::Schema;
pub use presentation::{BenchmarkKind, BenchmarkMetric, BenchmarkSection, DeploymentSection, Presentation};
pub use query::{ResultColumn, Rows};
pub use read::{Height, Highest, Scope};
pub use retire::HeldEpoch;
pub use section::{ClickHouseSection, Password};
pub use warehouse::{Block, Warehouse};
pub use writer::{Outcome, repeat, spread};

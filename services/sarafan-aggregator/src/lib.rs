//! The aggregator service: the canonical topic to ClickHouse.
//!
//! It wires and runs: a partition's customers live in one `Shard` of the core, the engine of `sarafan-stream` feeds it,
//! `sarafan-store` writes what it hands out. Who may write, from where and whom views believe is decided by
//! `sarafan_core::tenure`.

mod collecting;
mod config;
mod dead_letters;
mod fault;
mod flushing;
mod keeper;
mod metrics;
mod service;
mod taking;

pub use config::{AggregatorSection, Config};
pub use fault::Fault;
pub use metrics::{
    ENTITIES, FLUSH_ROWS, INSERT_RETRIES, REPLAYED_RECORDS, RESTORE_SECONDS, TERMS, VISIBLE_POSITION,
};
pub use service::run;

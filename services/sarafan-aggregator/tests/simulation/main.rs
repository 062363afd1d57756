//! The law of DESIGN 2 under every fault that a seed can think of: the aggregator's own code over a Kafka cluster and tables
//! in memory. One seed, one thread, no sleeping.
//!
//! A [`world::World`] holds the cluster, the tables, the processes and what is true of every prefix of the log
//! ([`truth::Truth`]). A seed decides what happens next; after each write that lands, what the tables hold and what views
//! show must be true of some prefix. At the end nothing goes wrong any more, everybody works until all is written, and then
//! every table must be what the naive recount of METRICS says of the set of records.
//!
//! Half of the worlds begin at the sources ([`source`]): ingest's own mapper in the stream's own relay ([`ingest`]) makes the
//! canonical log. What each source record means is written down before ingest has seen it ([`accounts`]): whatever arrives
//! must be one of its events or its dead letter, nothing may be committed before all of it has arrived, and the recount is of
//! what was meant.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod accounts;
mod aftermath;
mod domain;
mod faults;
mod healing;
mod ingest;
mod law;
/// The recount by which the core is held to METRICS: shared with its tests, and with nothing of its fold.
#[path = "../../../sarafan-core/tests/it/naive/mod.rs"]
#[allow(dead_code, reason = "what only the core's tests ask for")]
mod naive;
#[path = "../../../sarafan-core/tests/it/plain.rs"]
#[allow(dead_code, reason = "what only the core's tests ask for")]
mod plain;
#[cfg(feature = "planted")]
mod planted;
mod process;
mod scenarios;
mod seeds;
mod source;
mod truth;
mod world;

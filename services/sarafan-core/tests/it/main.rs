//! The law of DESIGN 2 as property tests: whatever the order, the duplicates, the batch cuts and the crashes, the
//! tables hold what a naive recount of the set of records says.
//!
//! The recount (`naive`) was written from METRICS.md alone, without a look at the shard it judges.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod crashes;
mod definitions;
mod handovers;
mod histories;
mod law;
mod naive;
mod oracles;
mod plain;
mod proof;
mod shards;
mod sources;
mod standing;
mod tables;

//! The aggregator on a real Kafka and a real ClickHouse.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod adopting;
mod deployment;
mod exposition;
mod life;
mod metrics;
mod refusing;
mod unacknowledged;

//! The aggregator on a real Kafka and a real ClickHouse.

mod deployment;
mod life;

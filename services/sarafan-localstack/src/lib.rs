//! Development only: real Kafka and ClickHouse on this machine.

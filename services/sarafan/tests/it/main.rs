//! End-to-end tests: the real binary, a real Kafka, a real ClickHouse.

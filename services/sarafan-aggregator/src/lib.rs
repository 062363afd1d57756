//! The aggregator service: the canonical topic to ClickHouse.

//! The Kafka engine that knows no domain: consume, batch, flush, commit, dead letters.

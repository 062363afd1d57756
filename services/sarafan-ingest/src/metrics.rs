//! The metrics of ingest. A name is a promise: renaming one is a new major version.
//!
//! What the Kafka engine counts stands beside them: `sarafan_dead_letters_total` (by source topic and reason), lag,
//! commits, records and bytes.

use prometheus::{IntCounterVec, Opts, Registry};

/// Counter, source records, by `source` and `outcome`: `mapped`, `filtered` or `dead_letter`. Every record read is in
/// exactly one. Alert when the share of `dead_letter` rises.
pub const RECORDS: &str = "sarafan_ingest_records_total";
/// Counter, source records that a `[[source.skip]]` left out, by `source` and `rule`. Alert on a jump: a rule may match
/// more than it was written for.
pub const FILTERED: &str = "sarafan_ingest_filtered_total";
/// Counter, canonical events made, by `source` and `subject`.
pub const EVENTS: &str = "sarafan_ingest_events_total";

/// Handles to all of them.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub(crate) records: IntCounterVec,
    pub(crate) filtered: IntCounterVec,
    pub(crate) events: IntCounterVec,
}

impl Metrics {
    /// Registers them.
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        Ok(Self {
            records: counter(RECORDS, "Source records by outcome", &["source", "outcome"])?,
            filtered: counter(FILTERED, "Source records left out by rule", &["source", "rule"])?,
            events: counter(EVENTS, "Canonical events made", &["source", "subject"])?,
        })
    }
}

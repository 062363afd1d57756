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
/// Counter, canonical events made, by `source` and `subject`. Alert when a subject stops coming.
pub const EVENTS: &str = "sarafan_ingest_events_total";
/// Gauge, records of a `source` that were not read yet, over the partitions that this process owns; as of the last look at
/// their ends. Alert when it grows while no progress is made.
pub const SOURCE_LAG_RECORDS: &str = "sarafan_source_lag_records";
/// Gauge, seconds: age of the oldest record of a `source` that was not read yet, by the records' own timestamps and the
/// last moment at which all were read; 0 when caught up. Never less than the truth once a record was read. Alert when it
/// comes near the time that figures may be late.
pub const SOURCE_LAG_SECONDS: &str = "sarafan_source_lag_seconds";

/// Names of all metrics that ingest adds to those of the engine and of the process.
pub const METRICS: &[&str] = &[RECORDS, FILTERED, EVENTS, SOURCE_LAG_RECORDS, SOURCE_LAG_SECONDS];

/// Handles to those that are counted.
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

#[cfg(test)]
mod tests {
    use prometheus::core::Collector as _;
    use sarafan_stream::Unread;

    use super::*;
    use crate::source_lag::SourceLag;

    #[test]
    fn names_are_those_that_dashboards_and_rules_rely_on() {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry).unwrap();
        metrics.records.with_label_values(&["shop", "mapped"]).inc();
        metrics.filtered.with_label_values(&["shop", "tests"]).inc();
        metrics.events.with_label_values(&["shop", "order"]).inc();
        let mut names: Vec<String> =
            registry.gather().iter().map(|family| family.name().to_owned()).collect();
        let lag = SourceLag::new(Unread::default(), []).unwrap();
        names.extend(lag.desc().iter().map(|desc| desc.fq_name.clone()));
        let expected = [
            "sarafan_ingest_events_total",
            "sarafan_ingest_filtered_total",
            "sarafan_ingest_records_total",
            "sarafan_source_lag_records",
            "sarafan_source_lag_seconds",
        ];
        assert_eq!(names, expected);
        let mut listed = METRICS.to_vec();
        listed.sort_unstable();
        assert_eq!(listed, expected);
    }
}

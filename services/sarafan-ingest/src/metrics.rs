//! The metrics of ingest. A name is a promise: renaming one is a new major version.
//!
//! What the Kafka engine counts stands beside them: `sarafan_dead_letters_total` (by source topic and reason), lag,
//! commits, records and bytes. Every series begins at zero, for what its labels can be is in the configuration.

use prometheus::{IntCounterVec, Opts, Registry};
use sarafan_wire::Mapping;

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

/// What becomes of a source record.
const OUTCOMES: [&str; 3] = ["mapped", "filtered", "dead_letter"];

/// Handles to those that are counted.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(crate) records: IntCounterVec,
    pub(crate) filtered: IntCounterVec,
    pub(crate) events: IntCounterVec,
}

impl Metrics {
    /// Registers them, with a series at zero for everything that `mapping` can make of a record.
    ///
    /// # Errors
    /// A name that is registered already.
    pub fn register(registry: &Registry, mapping: &Mapping) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let metrics = Self {
            records: counter(RECORDS, "Source records by outcome", &["source", "outcome"])?,
            filtered: counter(FILTERED, "Source records left out by rule", &["source", "rule"])?,
            events: counter(EVENTS, "Canonical events made", &["source", "subject"])?,
        };
        for labels in mapping.labels() {
            for outcome in OUTCOMES {
                metrics.records.with_label_values(&[labels.source, outcome]);
            }
            for rule in labels.rules {
                metrics.filtered.with_label_values(&[labels.source, rule]);
            }
            for subject in labels.subjects {
                metrics.events.with_label_values(&[labels.source, subject]);
            }
        }
        Ok(metrics)
    }
}

#[cfg(test)]
mod tests {
    use prometheus::core::Collector as _;
    use sarafan_stream::Unread;

    use super::*;
    use crate::source_lag::SourceLag;

    fn mapping() -> Mapping {
        let sources: toml::Table = "
            [[source]]
            name = 'shop'
            topic = 'orders'
            updated_at = 'at'
            skip = [{ rule = 'tests', when = { path = 'test', equals = true } }]
            record = [{ subject = 'customer', id = 'customer' }, { subject = 'customer', id = 'giver' }]
        "
        .parse()
        .unwrap();
        let sources = sources["source"].as_array().unwrap();
        let sources: Vec<_> = sources.iter().map(|source| source.as_table().unwrap().clone()).collect();
        Mapping::compile(&sources, &[]).unwrap()
    }

    #[test]
    fn every_series_begins_at_zero() {
        let registry = Registry::new();
        Metrics::register(&registry, &mapping()).unwrap();
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let found: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            "sarafan_ingest_events_total{source=\"shop\",subject=\"customer\"} 0",
            "sarafan_ingest_filtered_total{rule=\"tests\",source=\"shop\"} 0",
            "sarafan_ingest_records_total{outcome=\"dead_letter\",source=\"shop\"} 0",
            "sarafan_ingest_records_total{outcome=\"filtered\",source=\"shop\"} 0",
            "sarafan_ingest_records_total{outcome=\"mapped\",source=\"shop\"} 0",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn names_are_those_that_dashboards_and_rules_rely_on() {
        let registry = Registry::new();
        Metrics::register(&registry, &mapping()).unwrap();
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

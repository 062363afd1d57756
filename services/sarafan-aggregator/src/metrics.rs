//! The aggregator's metrics. A name is a promise: renaming one is a new major version.

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// Counter, records: applied again after a restart or a rebalance because they lay after the ledger's position.
/// Alert when it grows without restarts: partitions are being taken again and again.
pub const REPLAYED_RECORDS: &str = "sarafan_replayed_records_total";
/// Counter, rows acknowledged by ClickHouse, by `table`.
pub const FLUSH_ROWS: &str = "sarafan_flush_rows_total";
/// Counter, attempts to insert that failed and were tried again, by `kind` of the error. Alert on a steady rise.
pub const INSERT_RETRIES: &str = "sarafan_insert_retries_total";
/// Histogram, seconds from an assignment until its partitions may apply records.
pub const RESTORE_SECONDS: &str = "sarafan_restore_seconds";
/// Counter, terms claimed by this process.
pub const TERMS: &str = "sarafan_terms_total";
/// Gauge, entities held in memory over all partitions.
pub const ENTITIES: &str = "sarafan_state_entities";
/// Gauge, offsets whose figures views show, by `partition` (only while this process owns it and its term is live).
pub const VISIBLE_POSITION: &str = "sarafan_visible_position";

/// Handles to all of them.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub(crate) replayed: IntCounter,
    pub(crate) rows: IntCounterVec,
    pub(crate) retries: IntCounterVec,
    pub(crate) restore_seconds: Histogram,
    pub(crate) terms: IntCounter,
    pub(crate) entities: IntGauge,
    pub(crate) visible: IntGaugeVec,
}

impl Metrics {
    /// Registers them.
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let buckets = prometheus::exponential_buckets(0.01, 2.0, 14)?;
        let restore = HistogramOpts::new(RESTORE_SECONDS, "Seconds from an assignment until records apply");
        let metrics = Self {
            replayed: IntCounter::new(
                REPLAYED_RECORDS,
                "Records applied again after a restart or a rebalance",
            )?,
            rows: IntCounterVec::new(Opts::new(FLUSH_ROWS, "Rows acknowledged by ClickHouse"), &["table"])?,
            retries: IntCounterVec::new(Opts::new(INSERT_RETRIES, "Inserts tried again"), &["kind"])?,
            restore_seconds: Histogram::with_opts(restore.buckets(buckets))?,
            terms: IntCounter::new(TERMS, "Terms claimed by this process")?,
            entities: IntGauge::new(ENTITIES, "Entities held in memory")?,
            visible: IntGaugeVec::new(
                Opts::new(VISIBLE_POSITION, "Offsets whose figures views show"),
                &["partition"],
            )?,
        };
        registry.register(Box::new(metrics.replayed.clone()))?;
        registry.register(Box::new(metrics.rows.clone()))?;
        registry.register(Box::new(metrics.retries.clone()))?;
        registry.register(Box::new(metrics.restore_seconds.clone()))?;
        registry.register(Box::new(metrics.terms.clone()))?;
        registry.register(Box::new(metrics.entities.clone()))?;
        registry.register(Box::new(metrics.visible.clone()))?;
        Ok(metrics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_dashboards_and_rules_rely_on() {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry).unwrap();
        metrics.rows.with_label_values(&["orders"]).inc();
        metrics.retries.with_label_values(&["timeout"]).inc();
        metrics.visible.with_label_values(&["0"]).set(1);
        let names: Vec<String> = registry.gather().iter().map(|family| family.name().to_owned()).collect();
        let expected = [
            "sarafan_flush_rows_total",
            "sarafan_insert_retries_total",
            "sarafan_replayed_records_total",
            "sarafan_restore_seconds",
            "sarafan_state_entities",
            "sarafan_terms_total",
            "sarafan_visible_position",
        ];
        assert_eq!(names, expected);
    }
}

//! The engine's metrics. A name is API: dashboards and alerts rely on it.
//!
//! Every series whose labels are known is there at zero from the start: the increase of one that begins with its first
//! event leaves that event out, and silence looks like absence.

use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

use crate::error::StreamError;
use crate::handler::FlushReason;

/// Counter, records handed to the handler. Labels: `topic`. Alert when it stands still while there is lag.
pub const RECORDS_CONSUMED: &str = "sarafan_kafka_records_consumed_total";
/// Counter, bytes of keys and values handed to the handler. Labels: `topic`.
pub const BYTES_CONSUMED: &str = "sarafan_kafka_bytes_consumed_total";
/// Counter, records that the brokers acknowledged. Labels: `topic`. Alert when it stands still while records are read.
pub const RECORDS_PRODUCED: &str = "sarafan_kafka_records_produced_total";
/// Counter, bytes of keys and values that the brokers acknowledged. Labels: `topic`.
pub const BYTES_PRODUCED: &str = "sarafan_kafka_bytes_produced_total";
/// Gauge, records between the handler's position and the end of the partition. Labels: `topic`, `partition`.
/// Only for partitions that this process owns. Alert when it grows for long.
pub const LAG: &str = "sarafan_kafka_consumer_lag_records";
/// Gauge, partitions that this process owns. Alert when all of a group's together are fewer than its topic has.
pub const ASSIGNED: &str = "sarafan_kafka_assigned_partitions";
/// Gauge, partitions that are paused because the handler is slower than the topic. Alert when it stays above zero.
pub const PAUSED: &str = "sarafan_kafka_paused_partitions";
/// Counter, changes of the assignment. Labels: `kind` (`assign`, `revoke`, `lost`). Alert on any `lost`.
pub const REBALANCES: &str = "sarafan_kafka_rebalances_total";
/// Histogram, seconds that a flush took. Labels: `reason` (`full`, `age`, `idle`, `revoke`, `shutdown`).
/// Alert when its mean comes near the time that figures may be late.
pub const FLUSH_SECONDS: &str = "sarafan_kafka_flush_seconds";
/// Gauge, seconds since the Unix epoch of the last commit that the broker confirmed. Zero before the first.
/// Alert when it is minutes old while records are consumed.
pub const LAST_COMMIT: &str = "sarafan_kafka_last_commit_timestamp_seconds";
/// Counter, what had to be tried again. Labels: `operation` (`commit`, `offsets`, `seek`). Alert on a steady rise.
pub const RETRIES: &str = "sarafan_kafka_retries_total";
/// Counter, records sent to a dead-letter topic. Labels: `topic` (where the record came from), `reason`.
/// Alert when their share of the records rises.
pub const DEAD_LETTERS: &str = "sarafan_dead_letters_total";

/// Names of all metrics of the engine.
pub const METRICS: &[&str] = &[
    RECORDS_CONSUMED,
    BYTES_CONSUMED,
    RECORDS_PRODUCED,
    BYTES_PRODUCED,
    LAG,
    ASSIGNED,
    PAUSED,
    REBALANCES,
    FLUSH_SECONDS,
    LAST_COMMIT,
    RETRIES,
    DEAD_LETTERS,
];

/// The engine's metrics, registered once per process and shared by its consumers and producers.
#[derive(Clone, Debug)]
pub struct StreamMetrics {
    pub(crate) records_consumed: IntCounterVec,
    pub(crate) bytes_consumed: IntCounterVec,
    pub(crate) records_produced: IntCounterVec,
    pub(crate) bytes_produced: IntCounterVec,
    pub(crate) lag: IntGaugeVec,
    pub(crate) assigned: IntGauge,
    pub(crate) paused: IntGauge,
    pub(crate) rebalances_assign: IntCounter,
    pub(crate) rebalances_revoke: IntCounter,
    pub(crate) rebalances_lost: IntCounter,
    flush_seconds: HistogramVec,
    pub(crate) last_commit: Gauge,
    pub(crate) retries_commit: IntCounter,
    pub(crate) retries_offsets: IntCounter,
    pub(crate) retries_seek: IntCounter,
    pub(crate) dead_letters: IntCounterVec,
}

impl StreamMetrics {
    /// Registers every metric with `registry`.
    ///
    /// # Errors
    ///
    /// [`StreamError::Metrics`] if one of the names is registered already.
    pub fn register(registry: &Registry) -> Result<Self, StreamError> {
        let counter = |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec, StreamError> {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |name: &str, help: &str| -> Result<IntGauge, StreamError> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let lag = IntGaugeVec::new(
            Opts::new(LAG, "Records between the handler's position and the end of the partition"),
            &["topic", "partition"],
        )?;
        registry.register(Box::new(lag.clone()))?;
        let flush_seconds = HistogramVec::new(
            HistogramOpts::new(FLUSH_SECONDS, "Seconds that a flush took")
                .buckets(prometheus::exponential_buckets(0.001, 2.0, 16)?),
            &["reason"],
        )?;
        registry.register(Box::new(flush_seconds.clone()))?;
        let last_commit =
            Gauge::new(LAST_COMMIT, "When the broker last confirmed a commit, in Unix seconds")?;
        registry.register(Box::new(last_commit.clone()))?;
        for reason in FlushReason::ALL {
            flush_seconds.with_label_values(&[reason.as_str()]);
        }
        let rebalances = counter(REBALANCES, "Changes of the assignment", &["kind"])?;
        let retries = counter(RETRIES, "What had to be tried again", &["operation"])?;
        Ok(Self {
            records_consumed: counter(RECORDS_CONSUMED, "Records handed to the handler", &["topic"])?,
            bytes_consumed: counter(
                BYTES_CONSUMED,
                "Bytes of keys and values handed to the handler",
                &["topic"],
            )?,
            records_produced: counter(RECORDS_PRODUCED, "Records that the brokers acknowledged", &["topic"])?,
            bytes_produced: counter(BYTES_PRODUCED, "Bytes that the brokers acknowledged", &["topic"])?,
            lag,
            assigned: gauge(ASSIGNED, "Partitions that this process owns")?,
            paused: gauge(PAUSED, "Partitions paused because the handler is slower than the topic")?,
            rebalances_assign: rebalances.with_label_values(&["assign"]),
            rebalances_revoke: rebalances.with_label_values(&["revoke"]),
            rebalances_lost: rebalances.with_label_values(&["lost"]),
            flush_seconds,
            last_commit,
            retries_commit: retries.with_label_values(&["commit"]),
            retries_offsets: retries.with_label_values(&["offsets"]),
            retries_seek: retries.with_label_values(&["seek"]),
            dead_letters: counter(DEAD_LETTERS, "Records sent to a dead-letter topic", &["topic", "reason"])?,
        })
    }

    /// Records of these topics are going to be handed to a handler.
    pub(crate) fn consumes(&self, topics: &[&str]) {
        for topic in topics {
            self.records_consumed.with_label_values(&[topic]);
            self.bytes_consumed.with_label_values(&[topic]);
        }
    }

    /// Records are going to be produced to these topics: their counters begin at zero, not with the first record.
    pub fn produces(&self, topics: &[&str]) {
        for topic in topics {
            self.records_produced.with_label_values(&[topic]);
            self.bytes_produced.with_label_values(&[topic]);
        }
    }

    /// Records of these topics may become dead letters for these reasons: their counters begin at zero.
    pub fn rejects<'a>(&self, topics: &[&str], reasons: impl IntoIterator<Item = &'a str>) {
        for reason in reasons {
            for topic in topics {
                self.dead_letters.with_label_values(&[topic, reason]);
            }
        }
    }

    pub(crate) fn flush_seconds(&self, reason: FlushReason) -> Histogram {
        self.flush_seconds.with_label_values(&[reason.as_str()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_the_ones_that_dashboards_rely_on() {
        let registry = Registry::new();
        let metrics = StreamMetrics::register(&registry).unwrap();
        for counter in [
            &metrics.records_consumed,
            &metrics.bytes_consumed,
            &metrics.records_produced,
            &metrics.bytes_produced,
        ] {
            counter.with_label_values(&["t"]).inc();
        }
        metrics.lag.with_label_values(&["t", "0"]).set(1);
        metrics.dead_letters.with_label_values(&["t", "bad_json"]).inc();
        metrics.flush_seconds(FlushReason::Age).observe(0.1);
        let mut names: Vec<String> =
            registry.gather().iter().map(|family| family.name().to_owned()).collect();
        names.sort();
        let mut listed = METRICS.to_vec();
        listed.sort_unstable();
        assert_eq!(names, listed);
        assert_eq!(
            names,
            [
                "sarafan_dead_letters_total",
                "sarafan_kafka_assigned_partitions",
                "sarafan_kafka_bytes_consumed_total",
                "sarafan_kafka_bytes_produced_total",
                "sarafan_kafka_consumer_lag_records",
                "sarafan_kafka_flush_seconds",
                "sarafan_kafka_last_commit_timestamp_seconds",
                "sarafan_kafka_paused_partitions",
                "sarafan_kafka_rebalances_total",
                "sarafan_kafka_records_consumed_total",
                "sarafan_kafka_records_produced_total",
                "sarafan_kafka_retries_total",
            ]
        );
    }

    #[test]
    fn every_series_whose_labels_are_known_begins_at_zero() {
        let registry = Registry::new();
        let metrics = StreamMetrics::register(&registry).unwrap();
        metrics.consumes(&["orders", "answers"]);
        metrics.produces(&["events", "dlq"]);
        metrics.rejects(&["orders", "answers"], ["not_json", "no_value"]);
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for reason in ["full", "age", "idle", "revoke", "shutdown"] {
            let series = format!("sarafan_kafka_flush_seconds_count{{reason=\"{reason}\"}} 0");
            assert!(text.lines().any(|line| line == series), "{series}");
        }
        for (name, topics) in [("consumed", ["orders", "answers"]), ("produced", ["events", "dlq"])] {
            for series in topics.iter().flat_map(|topic| {
                ["records", "bytes"]
                    .map(|unit| format!("sarafan_kafka_{unit}_{name}_total{{topic=\"{topic}\"}} 0"))
            }) {
                assert!(text.lines().any(|line| line == series), "{series}");
            }
        }
        assert_eq!(text.lines().filter(|line| line.starts_with("sarafan_dead_letters_total{")).count(), 4);
    }

    #[test]
    fn registering_twice_is_an_error_and_not_a_panic() {
        let registry = Registry::new();
        StreamMetrics::register(&registry).unwrap();
        assert_eq!(StreamMetrics::register(&registry).unwrap_err().kind(), "metrics");
    }
}

//! The aggregator's metrics. A name is a promise: renaming one is a new major version.
//!
//! Every counter and histogram whose labels are known begins at zero: the increase of one that begins with its first event
//! leaves that event out, and silence looks like absence.

mod board;
mod family;
mod figures;
mod segments;

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use sarafan_core::rollup::Rollup;
use sarafan_core::rows::{self, ARRIVALS, CUSTOMER_FIGURES, CUSTOMER_MONEY, DETAILS, ORDER_ITEMS};
use sarafan_store::{Class, StoreError};

use crate::config::epoch_label;
use crate::keeper::KeeperSettings;

pub(crate) use board::{Board, Moment, Shown, Snapshot};
pub use figures::{
    BUSINESS_DAY, FUNNEL_CUSTOMERS, INVITATIONS_ANSWERED, INVITATIONS_DELIVERED, LTV_CUSTOMERS,
    LTV_LIFETIME_MONTHS, LTV_MARGIN, LTV_PURCHASES, LTV_REVENUE, NPS_ANSWERS, NPS_CRITICAL_Z, PARTITION_LIVE,
    SEGMENT_WINDOW_DAYS, SEGMENTS_HIDDEN, TERM, TOPIC_PARTITIONS,
};
pub(crate) use segments::text_bytes;

/// Counter, records: applied again after a restart or a rebalance because they lay after the ledger's position.
/// Alert when it grows without restarts: partitions are being taken again and again.
pub const REPLAYED_RECORDS: &str = "sarafan_replayed_records_total";
/// Counter, rows acknowledged by ClickHouse, by `table`. Alert when it stands still while records are consumed.
pub const FLUSH_ROWS: &str = "sarafan_flush_rows_total";
/// Counter, requests to ClickHouse that failed and were tried again, by `class` of the error (`transient`, `permanent`,
/// `poison`) and its `kind`. Alert on a steady rise: the sink fails.
pub const INSERT_RETRIES: &str = "sarafan_insert_retries_total";
/// Histogram, seconds from an assignment until its partitions may apply records. Alert when it comes near the time that
/// figures may be late.
pub const RESTORE_SECONDS: &str = "sarafan_restore_seconds";
/// Counter, terms claimed by this process. Alert when it grows without restarts or rebalances.
pub const TERMS: &str = "sarafan_terms_total";
/// Gauge, entities held in memory over all partitions. Plan memory by it.
pub const ENTITIES: &str = "sarafan_state_entities";
/// Gauge, bytes of memory that the state takes, estimated from a sample of the customers. Alert when it comes near the
/// memory of the process.
pub const STATE_BYTES: &str = "sarafan_state_bytes";
/// Gauge, offsets whose figures views show, by `partition` (only while this process owns it and its term is live). Alert
/// when it stands still while the partition has lag.
pub const VISIBLE_POSITION: &str = "sarafan_visible_position";
/// Gauge, 1 while this process owns a partition that it refuses, by `partition` and `reason`; absent else. It is looked at
/// again every `aggregator.refused_retry_ms`. Alert at once: unless a replica lags, a person has to act.
pub const PARTITION_REFUSED: &str = "sarafan_partition_refused";
/// Histogram, seconds from the arrival of a record until views show it, by `source`. It arrived when its source's broker
/// appended it, if the source topic keeps that time (`message.timestamp.type=LogAppendTime`). Else its timestamp is its
/// producer's and may be of any day: then it arrived when it was appended to the canonical topic, and how long it waited
/// before that is in `sarafan_source_lag_seconds`. Records that were shown before and are applied again do not count, and
/// none before ClickHouse has acknowledged the whole of its batch. The freshness objective and its alerts stand on it.
pub const VISIBLE_SECONDS: &str = "sarafan_visible_seconds";
/// Gauge, 1 while views show the epoch of this process and 0 else, by `epoch` (its first 8 hexadecimal digits); absent
/// when it could not be read three times in a row. Alert when no process has 1.
pub const EPOCH_LIVE: &str = "sarafan_epoch_live";
/// Gauge, rows of the view `identity_conflicts`, read every minute by the process that holds partition 0; absent in the
/// others, and until it could be read. Alert above zero: an
/// order or an answer is counted twice until its source says which is right.
pub const IDENTITY_CONFLICTS: &str = "sarafan_identity_conflicts";
/// Counter, reads beside the flow that failed, by `read` (`live_epoch`, `identity_conflicts`). They are tried again; until
/// then the gauge says what it said. Alert on a steady rise.
pub const WATCH_FAILURES: &str = "sarafan_watch_failures_total";

/// Names of all metrics that the aggregator adds to those of the engine and of the process.
pub const METRICS: &[&str] = &[
    REPLAYED_RECORDS,
    FLUSH_ROWS,
    INSERT_RETRIES,
    RESTORE_SECONDS,
    TERMS,
    ENTITIES,
    STATE_BYTES,
    VISIBLE_POSITION,
    PARTITION_REFUSED,
    VISIBLE_SECONDS,
    EPOCH_LIVE,
    IDENTITY_CONFLICTS,
    WATCH_FAILURES,
    PARTITION_LIVE,
    TERM,
    TOPIC_PARTITIONS,
    SEGMENT_WINDOW_DAYS,
    BUSINESS_DAY,
    NPS_ANSWERS,
    INVITATIONS_DELIVERED,
    INVITATIONS_ANSWERED,
    FUNNEL_CUSTOMERS,
    LTV_CUSTOMERS,
    LTV_PURCHASES,
    LTV_REVENUE,
    LTV_MARGIN,
    LTV_LIFETIME_MONTHS,
    SEGMENTS_HIDDEN,
    NPS_CRITICAL_Z,
];

/// Upper bounds of [`VISIBLE_SECONDS`]: from a twentieth of a second to an hour, with those of the objective among them.
const VISIBLE_BUCKETS: [f64; 16] =
    [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];

/// What is read beside the flow.
pub(crate) const WATCHED: [&str; 2] = [LIVE_EPOCH, CONFLICTS];
/// The read of the live epoch.
pub(crate) const LIVE_EPOCH: &str = "live_epoch";
/// The read of the view `identity_conflicts`.
pub(crate) const CONFLICTS: &str = "identity_conflicts";

/// Tables that a flush writes.
fn written_tables() -> impl Iterator<Item = &'static str> {
    let kept = [&*DETAILS, &*ORDER_ITEMS, &*ARRIVALS, &*CUSTOMER_FIGURES, &*CUSTOMER_MONEY];
    let entities = rows::folded().filter_map(rows::entity_table);
    let cells = Rollup::ALL.into_iter().map(Rollup::table);
    kept.into_iter().chain(entities).chain(cells).map(|table| table.name)
}

/// A keeper's metrics, registered.
#[derive(Debug, Clone)]
pub struct Instruments {
    pub(crate) metrics: Metrics,
    pub(crate) board: Board,
}

impl Instruments {
    /// Registers them, with a series at zero for each of these sources and for whatever else is known beforehand.
    ///
    /// # Errors
    /// When the registry holds one of them already.
    pub fn register(
        registry: &Registry,
        settings: &KeeperSettings,
        sources: &[String],
    ) -> Result<Self, prometheus::Error> {
        let metrics = Metrics::register(registry, sources)?;
        let figures = &settings.figures;
        let epoch = epoch_label(settings.definitions.epoch);
        // One more for the segment `other`, and one for a dimension that has all of them.
        let board = Board::new(&epoch, settings.partitions, figures.outlook(), figures.segments + 2)?;
        registry.register(Box::new(board.clone()))?;
        Ok(Self { metrics, board })
    }
}

/// Handles to those that are counted as things happen.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub(crate) replayed: IntCounter,
    pub(crate) rows: IntCounterVec,
    pub(crate) retries: IntCounterVec,
    pub(crate) restore_seconds: Histogram,
    pub(crate) terms: IntCounter,
    pub(crate) entities: IntGauge,
    pub(crate) state_bytes: IntGauge,
    pub(crate) visible: IntGaugeVec,
    pub(crate) refused: IntGaugeVec,
    pub(crate) visible_seconds: HistogramVec,
    pub(crate) epoch_live: IntGaugeVec,
    /// Without labels, and yet a vector: there is nothing to show before the first read.
    pub(crate) identity_conflicts: IntGaugeVec,
    pub(crate) watch_failures: IntCounterVec,
}

impl Metrics {
    /// Registers them, with a series at zero for each of these sources and for whatever else is known beforehand.
    pub(crate) fn register(registry: &Registry, sources: &[String]) -> Result<Self, prometheus::Error> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let made = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(made.clone()))?;
            Ok::<_, prometheus::Error>(made)
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            let made = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(made.clone()))?;
            Ok::<_, prometheus::Error>(made)
        };
        let buckets = prometheus::exponential_buckets(0.01, 2.0, 14)?;
        let restore = HistogramOpts::new(RESTORE_SECONDS, "Seconds from an assignment until records apply");
        let visible =
            HistogramOpts::new(VISIBLE_SECONDS, "Seconds from a record's arrival until views show it");
        let metrics = Self {
            replayed: counters(
                REPLAYED_RECORDS,
                "Records applied again after a restart or a rebalance",
                &[],
            )?
            .with_label_values::<&str>(&[]),
            rows: counters(FLUSH_ROWS, "Rows acknowledged by ClickHouse", &["table"])?,
            retries: counters(INSERT_RETRIES, "Requests to ClickHouse tried again", &["class", "kind"])?,
            restore_seconds: Histogram::with_opts(restore.buckets(buckets))?,
            terms: counters(TERMS, "Terms claimed by this process", &[])?.with_label_values::<&str>(&[]),
            entities: gauges(ENTITIES, "Entities held in memory", &[])?.with_label_values::<&str>(&[]),
            state_bytes: gauges(STATE_BYTES, "Bytes of memory that the state takes, estimated", &[])?
                .with_label_values::<&str>(&[]),
            refused: gauges(
                PARTITION_REFUSED,
                "1 while the partition is refused, by reason",
                &["partition", "reason"],
            )?,
            visible: gauges(VISIBLE_POSITION, "Offsets whose figures views show", &["partition"])?,
            visible_seconds: HistogramVec::new(visible.buckets(VISIBLE_BUCKETS.to_vec()), &["source"])?,
            epoch_live: gauges(EPOCH_LIVE, "1 while views show this epoch", &["epoch"])?,
            identity_conflicts: gauges(IDENTITY_CONFLICTS, "Rows of the view identity_conflicts", &[])?,
            watch_failures: counters(WATCH_FAILURES, "Reads beside the flow that failed", &["read"])?,
        };
        registry.register(Box::new(metrics.restore_seconds.clone()))?;
        registry.register(Box::new(metrics.visible_seconds.clone()))?;
        metrics.begin(sources);
        Ok(metrics)
    }

    /// Makes the series whose labels are known.
    fn begin(&self, sources: &[String]) {
        for source in sources {
            self.visible_seconds.with_label_values(&[source]);
        }
        for table in written_tables() {
            self.rows.with_label_values(&[table]);
        }
        // Nothing else is tried again.
        for kind in StoreError::transient_kinds() {
            self.retries.with_label_values(&[Class::Transient.name(), kind]);
        }
        for read in WATCHED {
            self.watch_failures.with_label_values(&[read]);
        }
    }
}

#[cfg(test)]
mod tests;

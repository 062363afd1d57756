//! What the aggregator exports of the partitions that it holds, and the figures of those that are live. A name is a
//! promise: renaming one is a new major version.
//!
//! All are gauges of one moment: a scrape never shows a partition as live whose figures are not in it, nor the reverse.
//! Counts, never ratios, so that sums over processes are right; the ratios are recording rules.

use super::family::Family;

/// Gauge, by `epoch` (its first 8 hexadecimal digits) and `partition`: 1 = owned, its term is live and its figures are in
/// this scrape; 0 = owned and catching up, or its figures are too old to be shown. Only for partitions that this process
/// holds. Alert when a partition stays at 0, or is exported by none.
pub const PARTITION_LIVE: &str = "sarafan_partition_live";
/// Gauge, number of the term held, by `partition`. Alert when it rises again and again: the partition is taken in turn.
pub const TERM: &str = "sarafan_term";
/// Gauge, partitions of the canonical topic. Alert when processes disagree.
pub const TOPIC_PARTITIONS: &str = "sarafan_topic_partitions";
/// Gauge, days: the one window that segments are exported for. Alert when processes disagree: their sums would be of some
/// partitions only.
pub const SEGMENT_WINDOW_DAYS: &str = "sarafan_segment_window_days";
/// Gauge, seconds since the Unix epoch: start (UTC midnight of the calendar date) of the day on which the exported
/// rolling windows end. Absent while no partition is live. Alert when it is not today's.
pub const BUSINESS_DAY: &str = "sarafan_business_day_timestamp_seconds";
/// Gauge, scored answers, by `epoch`, `survey`, `population` (`responses`, `customers`, `orders`), `window_days`,
/// `period` (`rolling`: the window ends today; `complete`: yesterday; `previous`: the window before `complete`),
/// `dimension`, `segment` and `group` (`detractor`, `passive`, `promoter`). Of `all` every series; of other dimensions
/// the customers of one window, complete and previous. Alert on the rules over it.
pub const NPS_ANSWERS: &str = "sarafan_nps_answers";
/// Gauge, invitations delivered in the window that ends today and older than the response horizon, by `epoch`, `survey`,
/// `window_days`, `dimension`, `segment`. Alert when it falls to zero: nobody is asked any more.
pub const INVITATIONS_DELIVERED: &str = "sarafan_invitations_delivered";
/// Gauge, of these, those with a scored answer; the same labels.
pub const INVITATIONS_ANSWERED: &str = "sarafan_invitations_answered";
/// Gauge, customers with at least `step` purchases (`1` .. `9`, `10+`; `1` .. `3` in segments), by `epoch`, `dimension`,
/// `segment`.
pub const FUNNEL_CUSTOMERS: &str = "sarafan_funnel_customers";
/// Gauge, customers with a counted order, by `epoch`, `currency`, `dimension`, `segment`.
pub const LTV_CUSTOMERS: &str = "sarafan_ltv_customers";
/// Gauge, purchases of these customers; the same labels.
pub const LTV_PURCHASES: &str = "sarafan_ltv_purchases";
/// Gauge, revenue of these customers in units of the currency; the same labels.
pub const LTV_REVENUE: &str = "sarafan_ltv_revenue";
/// Gauge, margin of these customers in units of the currency; the same labels.
pub const LTV_MARGIN: &str = "sarafan_ltv_margin";
/// Gauge, lifetimes of these customers together, in months; the same labels.
pub const LTV_LIFETIME_MONTHS: &str = "sarafan_ltv_lifetime_months";
/// Gauge, segments of a `dimension` that this process folded into the segment `other`, by `epoch`; 0 when none. Exported
/// by each process that holds a live partition. Alert when it is above zero and the segments matter: raise
/// `prometheus.segments`.
pub const SEGMENTS_HIDDEN: &str = "sarafan_segments_hidden";
/// Gauge, two-sided critical z at alpha 0.05 / `segments`, for `segments` = 1, 2, ...: a step of Holm's correction.
pub const NPS_CRITICAL_Z: &str = "sarafan_nps_critical_z";

// In the order in which samples are made, so that a registry finds them sorted.
const LTV_LABELS: &[&str] = &["epoch", "dimension", "segment", "currency"];
const INVITATION_LABELS: &[&str] = &["epoch", "dimension", "segment", "survey", "window_days"];

pub(super) const PARTITION_LIVE_FAMILY: Family = Family {
    name: PARTITION_LIVE,
    help: "1 when the partition's term is live, 0 while it catches up",
    labels: &["epoch", "partition"],
};
pub(super) const TERM_FAMILY: Family =
    Family { name: TERM, help: "Number of the term held", labels: &["partition"] };
pub(super) const TOPIC_PARTITIONS_FAMILY: Family =
    Family { name: TOPIC_PARTITIONS, help: "Partitions of the canonical topic", labels: &[] };
pub(super) const SEGMENT_WINDOW_DAYS_FAMILY: Family =
    Family { name: SEGMENT_WINDOW_DAYS, help: "Window that segments are exported for, days", labels: &[] };
pub(super) const BUSINESS_DAY_FAMILY: Family =
    Family { name: BUSINESS_DAY, help: "Day on which the exported rolling windows end", labels: &[] };
pub(super) const NPS_ANSWERS_FAMILY: Family = Family {
    name: NPS_ANSWERS,
    help: "Scored answers by group",
    labels: &["epoch", "dimension", "segment", "survey", "population", "window_days", "period", "group"],
};
pub(super) const INVITATIONS_DELIVERED_FAMILY: Family = Family {
    name: INVITATIONS_DELIVERED,
    help: "Invitations delivered, older than the response horizon",
    labels: INVITATION_LABELS,
};
pub(super) const INVITATIONS_ANSWERED_FAMILY: Family = Family {
    name: INVITATIONS_ANSWERED,
    help: "Delivered invitations with a scored answer",
    labels: INVITATION_LABELS,
};
pub(super) const FUNNEL_CUSTOMERS_FAMILY: Family = Family {
    name: FUNNEL_CUSTOMERS,
    help: "Customers with at least so many purchases",
    labels: &["epoch", "dimension", "segment", "step"],
};
pub(super) const LTV_CUSTOMERS_FAMILY: Family =
    Family { name: LTV_CUSTOMERS, help: "Customers with a counted order", labels: LTV_LABELS };
pub(super) const LTV_PURCHASES_FAMILY: Family =
    Family { name: LTV_PURCHASES, help: "Purchases of customers", labels: LTV_LABELS };
pub(super) const LTV_REVENUE_FAMILY: Family =
    Family { name: LTV_REVENUE, help: "Revenue of customers, units of the currency", labels: LTV_LABELS };
pub(super) const LTV_MARGIN_FAMILY: Family =
    Family { name: LTV_MARGIN, help: "Margin of customers, units of the currency", labels: LTV_LABELS };
pub(super) const LTV_LIFETIME_MONTHS_FAMILY: Family =
    Family { name: LTV_LIFETIME_MONTHS, help: "Lifetimes of customers, months", labels: LTV_LABELS };
pub(super) const SEGMENTS_HIDDEN_FAMILY: Family = Family {
    name: SEGMENTS_HIDDEN,
    help: "Segments folded into `other` by this process",
    labels: &["epoch", "dimension"],
};
pub(super) const NPS_CRITICAL_Z_FAMILY: Family = Family {
    name: NPS_CRITICAL_Z,
    help: "Two-sided critical z at alpha 0.05 / segments",
    labels: &["segments"],
};

/// All of them.
pub(super) const FAMILIES: [&Family; 16] = [
    &PARTITION_LIVE_FAMILY,
    &TERM_FAMILY,
    &TOPIC_PARTITIONS_FAMILY,
    &SEGMENT_WINDOW_DAYS_FAMILY,
    &BUSINESS_DAY_FAMILY,
    &NPS_ANSWERS_FAMILY,
    &INVITATIONS_DELIVERED_FAMILY,
    &INVITATIONS_ANSWERED_FAMILY,
    &FUNNEL_CUSTOMERS_FAMILY,
    &LTV_CUSTOMERS_FAMILY,
    &LTV_PURCHASES_FAMILY,
    &LTV_REVENUE_FAMILY,
    &LTV_MARGIN_FAMILY,
    &LTV_LIFETIME_MONTHS_FAMILY,
    &SEGMENTS_HIDDEN_FAMILY,
    &NPS_CRITICAL_Z_FAMILY,
];

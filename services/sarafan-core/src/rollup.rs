//! The rollups: which tables of cells there are, and what the key and the values of a cell are.
//!
//! A cell is exact integers under (dimension, segment, keys). A customer contributes to cells; the shard keeps their
//! sums; views add them up over partitions (DESIGN 2.2, 2.3).

use std::sync::{Arc, LazyLock};

use crate::table::{ColumnKind, ColumnSpec, TableSpec};

/// A table of cells. One per metric file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Rollup {
    /// Scored and unscored answers per day.
    NpsScores,
    /// Who is in a rolling window, as daily differences.
    NpsWindows,
    /// Invitations per day.
    NpsInvitations,
    /// Closed gaps between purchases.
    GapsClosed,
    /// Customers who wait for their next purchase, by the day of their latest.
    GapsOpen,
    /// Purchases that were somebody's k-th.
    RepeatFlow,
    /// New, returning, reactivated and lapsed customers per month.
    Activity,
    /// Orders and money per day.
    SalesDaily,
    /// Sums behind lifetime value.
    Ltv,
    /// Value at the same age.
    ValueAtAge,
    /// Money by year of purchase and cohort year.
    LtvYearly,
    /// Customers by number of calendar years bought in.
    CoreCustomers,
    /// Cohorts by month.
    Cohorts,
}

/// How a key of a cell is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// A symbol: `LowCardinality(String)`.
    Symbol,
    /// A day: `Date`.
    Day,
    /// A score, -1 for none: `Int8`.
    Score,
    /// A small number: `UInt16`.
    Small,
    /// A number: `UInt32`.
    Number,
    /// A population: `LowCardinality(String)`.
    Population,
}

/// How a value of a cell is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A count: `Int64`.
    Count,
    /// Money, 1/10 000: `Decimal(38, 4)`.
    Total,
}

/// Keys and values of one rollup.
#[derive(Debug)]
pub struct RollupSpec {
    /// The table.
    pub name: &'static str,
    /// Its keys after dimension and segment; at most [`KEYS`].
    pub keys: &'static [(&'static str, KeyKind)],
    /// Its values; at most [`VALUES`].
    pub values: &'static [(&'static str, ValueKind)],
}

/// The most keys that a rollup has.
pub const KEYS: usize = 4;
/// The most values that a rollup has.
pub const VALUES: usize = 9;

use KeyKind::{Day, Number, Population, Score, Small, Symbol};
use ValueKind::{Count, Total};

const SPECS: [RollupSpec; 13] = [
    RollupSpec {
        name: "nps_scores",
        keys: &[("survey", Symbol), ("day", Day), ("score", Score)],
        values: &[("responses", Count)],
    },
    RollupSpec {
        name: "nps_windows",
        keys: &[("survey", Symbol), ("population", Population), ("window_days", Small), ("day", Day)],
        values: &[("detractors", Count), ("passives", Count), ("promoters", Count)],
    },
    RollupSpec {
        name: "nps_invitations",
        keys: &[("survey", Symbol), ("day", Day)],
        values: &[("invited", Count), ("delivered", Count), ("answered", Count)],
    },
    RollupSpec {
        name: "gaps_closed",
        keys: &[("step", Number), ("gap_days", Number)],
        values: &[("customers", Count)],
    },
    RollupSpec {
        name: "gaps_open",
        keys: &[("step", Number), ("day", Day)],
        values: &[("customers", Count)],
    },
    RollupSpec {
        name: "repeat_flow",
        keys: &[("month", Day), ("step", Number)],
        values: &[("purchases", Count)],
    },
    RollupSpec {
        name: "activity",
        keys: &[("month", Day)],
        values: &[
            ("new", Count),
            ("returning", Count),
            ("reactivated", Count),
            ("lapsed", Count),
            ("repeat", Count),
        ],
    },
    RollupSpec {
        name: "sales_daily",
        keys: &[("day", Day), ("currency", Symbol)],
        values: &[
            ("orders", Count),
            ("purchases", Count),
            ("new_customers", Count),
            ("guests", Count),
            ("gross", Total),
            ("refunded", Total),
            ("revenue", Total),
            ("margin", Total),
            ("refunds_booked", Total),
        ],
    },
    RollupSpec {
        name: "ltv",
        keys: &[("currency", Symbol)],
        values: &[
            ("customers", Count),
            ("orders", Count),
            ("purchases", Count),
            ("months_487", Count),
            ("gross", Total),
            ("refunded", Total),
            ("revenue", Total),
            ("margin", Total),
            ("refund_only", Total),
        ],
    },
    RollupSpec {
        name: "value_at_age",
        keys: &[("currency", Symbol), ("age_days", Small), ("first_day", Day)],
        values: &[("customers", Count), ("revenue", Total), ("margin", Total)],
    },
    RollupSpec {
        name: "ltv_yearly",
        keys: &[("year", Small), ("cohort_year", Small), ("currency", Symbol)],
        values: &[("customers", Count), ("orders", Count), ("revenue", Total), ("margin", Total)],
    },
    RollupSpec { name: "core_customers", keys: &[("years_bought", Small)], values: &[("customers", Count)] },
    RollupSpec {
        name: "cohorts",
        keys: &[("cohort_month", Day), ("month_index", Small), ("currency", Symbol)],
        values: &[("customers", Count), ("orders", Count), ("revenue", Total), ("margin", Total)],
    },
];

impl Rollup {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::NpsScores,
        Self::NpsWindows,
        Self::NpsInvitations,
        Self::GapsClosed,
        Self::GapsOpen,
        Self::RepeatFlow,
        Self::Activity,
        Self::SalesDaily,
        Self::Ltv,
        Self::ValueAtAge,
        Self::LtvYearly,
        Self::CoreCustomers,
        Self::Cohorts,
    ];

    /// Its keys and values.
    pub const fn spec(self) -> &'static RollupSpec {
        &SPECS[self as usize]
    }

    /// The columns of its table: the term it is under, the cut, the keys, the values, the version.
    pub fn table(self) -> &'static Arc<TableSpec> {
        &TABLES[self as usize]
    }
}

static TABLES: LazyLock<Vec<Arc<TableSpec>>> =
    LazyLock::new(|| SPECS.iter().map(|spec| Arc::new(table_of(spec))).collect());

fn table_of(spec: &RollupSpec) -> TableSpec {
    let mut columns = vec![
        ColumnSpec::new("epoch", ColumnKind::U64),
        ColumnSpec::new("partition", ColumnKind::U16),
        ColumnSpec::new("term", ColumnKind::U32),
        ColumnSpec::new("owner", ColumnKind::U64),
        ColumnSpec::new("marker", ColumnKind::Flag),
        ColumnSpec::new("dimension", ColumnKind::Category),
        ColumnSpec::new("segment", ColumnKind::Category),
    ];
    columns.extend(spec.keys.iter().map(|(name, kind)| ColumnSpec::new(name, kind.column())));
    columns.extend(spec.values.iter().map(|(name, kind)| ColumnSpec::new(name, kind.column())));
    columns.push(ColumnSpec::new("incarnation", ColumnKind::U64));
    columns.push(ColumnSpec::new("version", ColumnKind::U64));
    TableSpec { name: spec.name, columns }
}

impl KeyKind {
    const fn column(self) -> ColumnKind {
        match self {
            Self::Symbol | Self::Population => ColumnKind::Category,
            Self::Day => ColumnKind::Day,
            Self::Score => ColumnKind::I8,
            Self::Small => ColumnKind::U16,
            Self::Number => ColumnKind::U32,
        }
    }
}

impl ValueKind {
    const fn column(self) -> ColumnKind {
        match self {
            Self::Count => ColumnKind::I64,
            Self::Total => ColumnKind::Total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rollup_fits_a_cell_and_is_its_own_number() {
        for (i, rollup) in Rollup::ALL.into_iter().enumerate() {
            assert_eq!(rollup as usize, i);
            let spec = rollup.spec();
            assert!(spec.keys.len() <= KEYS && spec.values.len() <= VALUES, "{}", spec.name);
            assert_eq!(rollup.table().name, spec.name);
        }
    }
}

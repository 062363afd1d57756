//! Two sides of one shape, compared in ClickHouse: what differs, and how much was compared.

use clickhouse::Row;
use sarafan_core::rollup::ValueKind;
use serde::Deserialize;

use super::{Compared, Difference, EXAMPLES};
use crate::client::{Store, within};
use crate::error::StoreError;

/// A value of either side.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: ValueKind,
}

/// Two queries with the columns `place Array(String)`, `shown Array(String)` and `version`; every place once a side.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) doing: String,
    /// Common table expressions that the recount names.
    pub(super) with: String,
    pub(super) held: String,
    pub(super) recounted: String,
    /// What the elements of a place are.
    pub(super) place: Vec<&'static str>,
    /// What the elements of `shown` are.
    pub(super) columns: Vec<Column>,
}

/// Place, values held, values recounted, version; a side without the place has no values.
type Example = (Vec<String>, Vec<String>, Vec<String>, u64);

#[derive(Debug, Row, Deserialize)]
struct Found {
    compared: u64,
    differing: u64,
    examples: Vec<Example>,
}

/// Above this much a sort or a group by goes to the server's disk.
const SPILL_BYTES: &str = "1000000000";

impl Store {
    /// Runs a comparison.
    pub(super) async fn compare(&self, comparison: &Comparison) -> Result<Compared, StoreError> {
        let Comparison { doing, with, held, recounted, .. } = comparison;
        let sql = format!(
            "SELECT count() AS compared, countIf(differs) AS differing, \
             groupArraySortedIf({EXAMPLES})((place, of_table, of_facts, version), differs) AS examples \
             FROM (SELECT place, maxIf(shown, in_table) AS of_table, maxIf(shown, NOT in_table) AS of_facts, \
             max(version) AS version, of_table != of_facts AS differs FROM \
             (SELECT place, shown, version, true AS in_table FROM ({held}) UNION ALL \
             SELECT place, shown, version, false AS in_table FROM ({with} {recounted})) GROUP BY place)"
        );
        let limit = self.timeouts().restore;
        let client = self
            .reader(limit)
            .with_setting("wait_end_of_query", "1")
            .with_setting("readonly", "2")
            .with_setting("do_not_merge_across_partitions_select_final", "1")
            // What is not joined is the default of its type: an empty key, no texts.
            .with_setting("join_use_nulls", "0")
            .with_setting("max_bytes_before_external_group_by", SPILL_BYTES)
            .with_setting("max_bytes_before_external_sort", SPILL_BYTES);
        let found: Found = within(doing, limit, client.query_raw(&sql).fetch_one::<Found>()).await?;
        Ok(Compared {
            compared: found.compared,
            differing: found.differing,
            examples: found.examples.into_iter().map(|example| comparison.difference(example)).collect(),
        })
    }
}

impl Comparison {
    fn difference(&self, (place, held, recounted, version): Example) -> Difference {
        let named = self.place.iter().zip(&place).map(|(name, key)| match *name {
            // What everybody reads first needs no name.
            "dimension" | "segment" | "key" | "id" => key.clone(),
            name => format!("{name} {key}"),
        });
        Difference {
            place: named.collect::<Vec<_>>().join(" · "),
            held: self.shown(&held, &recounted),
            recounted: self.shown(&recounted, &held),
            version,
        }
    }

    /// The values of a side that are not those of the other.
    fn shown(&self, values: &[String], other: &[String]) -> String {
        if values.is_empty() {
            return "no row".to_owned();
        }
        let differing =
            self.columns.iter().zip(values).enumerate().filter(|(i, (_, v))| other.get(*i) != Some(*v));
        let texts = differing.map(|(_, (column, value))| match column.kind {
            ValueKind::Count if value.is_empty() => format!("{} none", column.name),
            ValueKind::Count => format!("{} {value}", column.name),
            ValueKind::Total => format!("{} {}", column.name, money(value)),
        });
        texts.collect::<Vec<_>>().join(", ")
    }
}

/// Units of 1/10 000 as a decimal.
fn money(units: &str) -> String {
    let Ok(units) = units.parse::<i128>() else { return units.to_owned() };
    let (sign, size) = (if units < 0 { "-" } else { "" }, units.unsigned_abs());
    format!("{sign}{}.{:04}", size / 10_000, size % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_only_what_differs_and_money_has_its_point() {
        let comparison = Comparison {
            doing: String::new(),
            with: String::new(),
            held: String::new(),
            recounted: String::new(),
            place: vec!["partition", "dimension", "segment", "day"],
            columns: vec![
                Column { name: "orders", kind: ValueKind::Count },
                Column { name: "revenue", kind: ValueKind::Total },
            ],
        };
        let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let place = texts(&["3", "tier", "gold", "2026-01-31"]);
        let found = comparison.difference((place.clone(), texts(&["2", "-125000"]), texts(&["2", "99"]), 7));
        assert_eq!(found.place, "partition 3 · tier · gold · day 2026-01-31");
        assert_eq!((found.held.as_str(), found.recounted.as_str()), ("revenue -12.5000", "revenue 0.0099"));
        let missing = comparison.difference((place, Vec::new(), texts(&["1", "0"]), 0));
        assert_eq!(
            (missing.held.as_str(), missing.recounted.as_str()),
            ("no row", "orders 1, revenue 0.0000")
        );
    }
}

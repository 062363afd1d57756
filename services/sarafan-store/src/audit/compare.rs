//! Two sides of one shape, compared in ClickHouse: what differs, and how much was compared.

use clickhouse::Row;
use sarafan_core::rollup::ValueKind;
use serde::Deserialize;

use super::{Compared, Difference, EXAMPLES};
use crate::client::{Store, within};
use crate::error::StoreError;
use crate::read::final_within_partitions;

/// A value of either side.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: ValueKind,
}

/// A query with the columns `place`, `of_table` and `of_facts` (lists of texts; no values for no row), `version` and
/// `differs`; every place once.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) doing: String,
    /// Common table expressions that the query names.
    pub(super) with: String,
    pub(super) grouped: String,
    /// What the elements of a place are.
    pub(super) place: Vec<&'static str>,
    /// What the values are.
    pub(super) columns: Vec<Column>,
}

#[derive(Debug, Row, Deserialize)]
struct Counts {
    compared: u64,
    differing: u64,
}

#[derive(Debug, Row, Deserialize)]
struct Example {
    place: Vec<String>,
    of_table: Vec<String>,
    of_facts: Vec<String>,
    version: u64,
}

/// Above this much a sort or a group by goes to the server's disk.
const SPILL_BYTES: &str = "1000000000";

impl Store {
    /// Runs a comparison: counts first, for which ClickHouse need not make texts; examples only when something differs.
    pub(super) async fn compare(&self, comparison: &Comparison) -> Result<Compared, StoreError> {
        let Comparison { doing, with, grouped, .. } = comparison;
        let counts =
            format!("{with} SELECT count() AS compared, countIf(differs) AS differing FROM ({grouped})");
        let found: Vec<Counts> = self.recounted(doing, &counts).await?;
        let Counts { compared, differing } =
            found.into_iter().next().unwrap_or(Counts { compared: 0, differing: 0 });
        let mut examples = Vec::new();
        if differing > 0 {
            let sql = format!(
                "{with} SELECT place, of_table, of_facts, version FROM ({grouped}) WHERE differs ORDER BY place LIMIT {EXAMPLES}"
            );
            examples = self.recounted(doing, &sql).await?;
        }
        let examples: Vec<Difference> =
            examples.into_iter().map(|example| comparison.difference(example)).collect();
        // On a live store the two queries need not see the same: what is told apart is what counts, unless it is cut off.
        let differing = if examples.len() < EXAMPLES { examples.len() as u64 } else { differing };
        Ok(Compared { compared, differing, examples })
    }

    /// The rows of a query that may read whole tables.
    pub(super) async fn recounted<R>(&self, doing: &str, sql: &str) -> Result<Vec<R>, StoreError>
    where
        R: clickhouse::RowOwned + clickhouse::RowRead,
    {
        let limit = self.timeouts().restore;
        let client = final_within_partitions(self.reader(limit))
            .with_setting("wait_end_of_query", "1")
            .with_setting("readonly", "2")
            // What is not joined is the default of its type: an empty key, no texts.
            .with_setting("join_use_nulls", "0")
            .with_setting("max_bytes_before_external_group_by", SPILL_BYTES)
            .with_setting("max_bytes_before_external_sort", SPILL_BYTES);
        within(doing, limit, client.query_raw(sql).fetch_all::<R>()).await
    }
}

impl Comparison {
    fn difference(&self, Example { place, of_table, of_facts, version }: Example) -> Difference {
        let named = self.place.iter().zip(&place).map(|(name, key)| match *name {
            // What everybody reads first needs no name.
            "dimension" | "segment" | "key" | "id" => key.clone(),
            name => format!("{name} {key}"),
        });
        Difference {
            place: named.collect::<Vec<_>>().join(" · "),
            held: self.shown(&of_table, &of_facts),
            recounted: self.shown(&of_facts, &of_table),
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
            grouped: String::new(),
            place: vec!["partition", "dimension", "segment", "day"],
            columns: vec![
                Column { name: "orders", kind: ValueKind::Count },
                Column { name: "revenue", kind: ValueKind::Total },
            ],
        };
        let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let example = |of_table: &[&str], of_facts: &[&str]| Example {
            place: texts(&["3", "tier", "gold", "2026-01-31"]),
            of_table: texts(of_table),
            of_facts: texts(of_facts),
            version: 7,
        };
        let found = comparison.difference(example(&["2", "-125000"], &["2", "99"]));
        assert_eq!(found.place, "partition 3 · tier · gold · day 2026-01-31");
        assert_eq!((found.held.as_str(), found.recounted.as_str()), ("revenue -12.5000", "revenue 0.0099"));
        let missing = comparison.difference(example(&[], &["1", "0"]));
        assert_eq!(
            (missing.held.as_str(), missing.recounted.as_str()),
            ("no row", "orders 1, revenue 0.0000")
        );
    }
}

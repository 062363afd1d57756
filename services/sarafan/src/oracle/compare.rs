//! Row for row: what the views show against what the recount says.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use sarafan_store::{Rows, Store};
use serde_json::{Map, Value};

use super::contracts::{CONTRACTS, Contract, FACTORS};
use super::recount::Figures;

/// Relative difference up to which two quotients are the same.
const TOLERANCE: f64 = 1e-9;

/// One view, compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The view.
    pub view: &'static str,
    /// Rows that the recount has.
    pub expected: usize,
    /// Rows that the view has.
    pub found: usize,
    /// One line for each row that differs, is missing or should not be there.
    pub differences: Vec<String>,
}

/// Compares every view that the recount knows. Rows in which every value is zero or missing count as absent.
///
/// # Errors
///
/// When a view cannot be read, or the figures lack one.
pub async fn compare(store: &Store, figures: &Figures) -> anyhow::Result<Vec<Comparison>> {
    compare_each(store, figures, CONTRACTS.iter()).await
}

/// Compares the views of these contracts.
pub(super) async fn compare_each(
    store: &Store,
    figures: &Figures,
    contracts: impl Iterator<Item = &'static Contract>,
) -> anyhow::Result<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    for contract in contracts {
        let expected =
            figures.get(contract.view).with_context(|| format!("the recount has no {}", contract.view))?;
        let found = store.query(contract.sql, &[]).await?;
        comparisons.push(contract.compare(expected, &objects(found)));
    }
    Ok(comparisons)
}

type Row = Map<String, Value>;
/// Rows by their keys.
type Keyed = BTreeMap<Vec<String>, BTreeMap<&'static str, String>>;

fn objects(rows: Rows) -> Vec<Row> {
    let Rows { columns, rows } = rows;
    let object = |row: Vec<Value>| columns.iter().map(|column| column.name.clone()).zip(row).collect();
    rows.into_iter().map(object).collect()
}

impl Contract {
    fn compare(&self, expected: &[Row], found: &[Row]) -> Comparison {
        let (expected, found) = (self.keyed(expected), self.keyed(found));
        let keys: BTreeSet<&Vec<String>> = expected.keys().chain(found.keys()).collect();
        let differences = keys.into_iter().filter_map(|key| {
            let place = || {
                self.keys.iter().zip(key).map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
            };
            let problem = match (expected.get(key), found.get(key)) {
                (Some(expected), Some(found)) => self.difference(expected, found)?,
                (Some(expected), None) => format!("missing, expected {expected:?}"),
                (None, found) => format!("not expected: {:?}", found.cloned().unwrap_or_default()),
            };
            Some(format!("{} {}: {problem}", self.view, place().join(" ")))
        });
        let differences = differences.collect();
        Comparison { view: self.view, expected: expected.len(), found: found.len(), differences }
    }

    fn keyed(&self, rows: &[Row]) -> Keyed {
        let text = |row: &Row, column: &str| plain(row.get(column).unwrap_or(&Value::Null));
        let columns = || self.exact.iter().chain(self.close).copied();
        let mut keyed = Keyed::new();
        for row in rows {
            let mut values: BTreeMap<&str, String> =
                columns().map(|column| (column, text(row, column))).collect();
            if values.get("revenue").is_some_and(|revenue| number(revenue) <= 0.0) {
                values.retain(|column, _| !FACTORS.contains(column));
            }
            values.retain(|_, value| !is_nothing(value));
            if !values.is_empty() {
                keyed.insert(self.keys.iter().map(|key| text(row, key)).collect(), values);
            }
        }
        keyed
    }

    fn difference(
        &self,
        expected: &BTreeMap<&str, String>,
        found: &BTreeMap<&str, String>,
    ) -> Option<String> {
        const NOTHING: &str = "0";
        let columns = self
            .exact
            .iter()
            .map(|column| (column, false))
            .chain(self.close.iter().map(|column| (column, true)));
        let different = columns.filter_map(|(column, is_quotient)| {
            let value =
                |row: &BTreeMap<&str, String>| row.get(column).map_or(NOTHING, String::as_str).to_owned();
            let (expected, found) = (value(expected), value(found));
            let same = expected == found || (is_quotient && are_close(number(&expected), number(&found)));
            (!same).then(|| format!("{column} is {found}, expected {expected}"))
        });
        let different: Vec<String> = different.collect();
        (!different.is_empty()).then(|| different.join("; "))
    }
}

/// A value as text, decimals without the zeros that say nothing.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_decimal =
        text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    if is_decimal { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// NULL, zero and false: what a row without anything to say has.
fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "false") || text.parse::<f64>() == Ok(0.0)
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

fn are_close(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows(value: Value) -> Vec<Row> {
        serde_json::from_value(value).unwrap()
    }

    fn contract(view: &str) -> &'static Contract {
        CONTRACTS.iter().find(|contract| contract.view == view).unwrap()
    }

    #[test]
    fn forms_of_one_value_are_equal_and_zero_rows_are_absent() {
        let expected = rows(json!([
            { "dimension": "all", "segment": "all", "day": "2026-01-01", "currency": "EUR", "orders": 1, "gross": "12.5" },
            { "dimension": "all", "segment": "all", "day": "2026-01-02", "currency": "EUR", "orders": 0, "gross": "0" },
        ]));
        let found = rows(json!([
            { "dimension": "all", "segment": "all", "day": "2026-01-01", "currency": "EUR", "orders": "1", "gross": "12.5000",
              "guests": "0", "margin": "0" },
        ]));
        let comparison = contract("sales_daily").compare(&expected, &found);
        assert_eq!((comparison.expected, comparison.found, comparison.differences), (1, 1, Vec::new()));
    }

    #[test]
    fn a_difference_in_the_last_digit_of_money_is_one_and_of_a_quotient_is_none() {
        let row = |margin: &str, ltv: f64| {
            rows(
                json!([{ "dimension": "all", "segment": "all", "currency": "EUR", "customers": 1, "revenue": "1",
                "margin": margin, "ltv": ltv }]),
            )
        };
        let contract = contract("ltv");
        assert_eq!(
            contract.compare(&row("0.3", 0.3), &row("0.3", 0.3 + 1e-12)).differences,
            Vec::<String>::new()
        );
        let differences = contract.compare(&row("0.3", 0.3), &row("0.3001", 0.31)).differences;
        assert_eq!(
            differences,
            [
                "ltv dimension=all segment=all currency=EUR: margin is 0.3001, expected 0.3; ltv is 0.31, expected 0.3"
            ]
        );
    }

    #[test]
    fn rows_that_are_missing_or_too_many_are_named() {
        let row = |step: u32| json!({ "dimension": "all", "segment": "all", "step": step, "customers": 1 });
        let comparison = contract("repeat_funnel").compare(&rows(json!([row(1)])), &rows(json!([row(2)])));
        assert_eq!(comparison.differences.len(), 2);
        assert!(
            comparison.differences[0].starts_with("repeat_funnel dimension=all segment=all step=1: missing")
        );
        assert!(comparison.differences[1].contains("step=2: not expected"));
    }
}

//! Rows of a query as values of a type.

use anyhow::Context as _;
use jiff::civil::Date;
use sarafan_store::Store;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The rows of a query, each as a `T` with a field per column. Queries turn 64-bit integers and decimals into Float64,
/// for what is only shown or drawn.
///
/// # Errors
///
/// The store's, and a row that is no `T`.
pub(super) async fn rows<T: DeserializeOwned>(
    store: &Store,
    sql: &str,
    parameters: &[(&str, &str)],
) -> anyhow::Result<Vec<T>> {
    let result = store.query(sql, parameters).await?;
    let names: Vec<&String> = result.columns.iter().map(|column| &column.name).collect();
    let row = |values: Vec<Value>| {
        let object: Map<String, Value> = names.iter().map(|name| (*name).clone()).zip(values).collect();
        serde_json::from_value(Value::Object(object)).with_context(|| format!("a row of `{sql}`"))
    };
    result.rows.into_iter().map(row).collect()
}

/// A day of a row: `2026-11-22`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Day(pub(super) Date);

impl TryFrom<String> for Day {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, jiff::Error> {
        text.parse().map(Self)
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.0.to_string()
    }
}

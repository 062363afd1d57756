//! Any query, read-only, with its rows as text: for reports and for tests that compare views.

use serde_json::Value;

use crate::client::{Store, within};
use crate::error::StoreError;

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    /// Its name.
    pub name: String,
    /// Its type in ClickHouse.
    pub kind: String,
}

/// A result with its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The columns.
    pub columns: Vec<ResultColumn>,
    /// The rows, one value per column. Integers of 64 bits and more, and decimals, are JSON strings with all their
    /// digits; NULL is null; lists and maps are JSON.
    pub rows: Vec<Vec<Value>>,
}

impl Rows {
    /// Where a column stands.
    pub fn index(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|found| found.name == column)
    }

    /// A value as text: `None` when it is NULL or there is no such row or column.
    pub fn text(&self, row: usize, column: &str) -> Option<String> {
        match self.rows.get(row)?.get(self.index(column)?)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

const FORMAT: &str = "JSONCompactEachRowWithNamesAndTypes";

impl Store {
    /// Runs a query that cannot change anything. `{name:Type}` in the text stands for a parameter. Names without a
    /// database are looked up among the views.
    ///
    /// # Errors
    /// Why it has no result.
    pub async fn query(&self, sql: &str, parameters: &[(&str, &str)]) -> Result<Rows, StoreError> {
        let doing = "run a query";
        let limit = self.timeouts().query;
        let client = self
            .reader(limit)
            .with_database(self.views_database())
            // Reads only, while settings may still be given.
            .with_setting("readonly", "2")
            .with_setting("output_format_json_quote_64bit_integers", "1")
            .with_setting("output_format_json_quote_decimals", "1")
            .with_setting("output_format_json_quote_denormals", "1");
        let query =
            parameters.iter().fold(client.query_raw(sql), |query, (name, value)| query.param(name, value));
        let bytes = within(doing, limit, async { query.fetch_bytes(FORMAT)?.collect().await }).await?;
        parse(&bytes)
            .map_err(|error| StoreError::Mismatch { doing: doing.to_owned(), detail: error.to_string() })
    }
}

fn parse(bytes: &[u8]) -> Result<Rows, serde_json::Error> {
    let mut lines = serde_json::Deserializer::from_slice(bytes).into_iter::<Vec<Value>>();
    let mut header = || lines.next().transpose().map(Option::unwrap_or_default);
    let (names, kinds) = (header()?, header()?);
    let text = |value: Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let columns = names
        .into_iter()
        .zip(kinds)
        .map(|(name, kind)| ResultColumn { name: text(name), kind: text(kind) })
        .collect();
    Ok(Rows { columns, rows: lines.collect::<Result<_, _>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_keeps_all_digits_and_tells_null_from_text() {
        let bytes = b"[\"a\",\"b\"]\n[\"UInt64\",\"Nullable(Float64)\"]\n[\"18446744073709551615\",null]\n[\"1\",0.1]\n";
        let rows = parse(bytes).unwrap();
        assert_eq!(rows.columns[1].kind, "Nullable(Float64)");
        assert_eq!(rows.text(0, "a").as_deref(), Some("18446744073709551615"));
        assert_eq!(rows.text(0, "b"), None);
        assert_eq!(rows.text(1, "b").as_deref(), Some("0.1"));
        assert_eq!(parse(b"").unwrap().rows.len(), 0);
    }
}

//! Questions to a running Prometheus.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Prometheus;
use crate::http;

/// One element of the answer to an instant query.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its labels, the name under `__name__`.
    pub labels: BTreeMap<String, String>,
    /// Its value now.
    pub value: f64,
}

#[derive(Debug, Deserialize)]
struct Answer {
    status: String,
    data: Option<Data>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Data {
    result: Vec<Element>,
}

#[derive(Debug, Deserialize)]
struct Element {
    metric: BTreeMap<String, String>,
    value: (serde_json::Value, String),
}

impl Prometheus {
    /// What an expression gives now; empty when nothing fits.
    ///
    /// # Errors
    ///
    /// When Prometheus does not answer, or refuses the expression.
    pub fn query(&self, expression: &str) -> Result<Vec<Series>> {
        let path = format!("/api/v1/query?query={}", encoded(expression));
        let answer: Answer = serde_json::from_str(&http::get(self.port, &path)?)?;
        ensure!(answer.status == "success", "{expression}: {}", answer.error.unwrap_or_default());
        let elements = answer.data.context("an answer without data")?.result;
        elements
            .into_iter()
            .map(|Element { metric, value: (_, value) }| Ok(Series { labels: metric, value: value.parse()? }))
            .collect()
    }

    /// The labels of every alert that fires now, its name under `alertname`.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub fn firing(&self) -> Result<Vec<BTreeMap<String, String>>> {
        let alerts = self.query(r#"ALERTS{alertstate="firing"}"#)?;
        Ok(alerts.into_iter().map(|alert| alert.labels).collect())
    }
}

/// For the query of an address.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

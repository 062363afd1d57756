//! Where the data comes from, and how old it is.

use sarafan_store::Store;
use serde::Deserialize;

use super::figure::{Column, Table};
use super::format::{NONE, count, percent};
use super::rows::rows;

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Source {
    source: String,
    last_event: Option<String>,
    last_received: Option<String>,
    records: f64,
    rejected: f64,
    no_score_share: Option<f64>,
}

/// The sources, a row each.
pub(super) async fn read(store: &Store) -> anyhow::Result<Table> {
    let sql = "SELECT source, formatDateTime(last_event_at, '%e %b %Y, %H:%i') AS last_event, \
        formatDateTime(last_received_at, '%e %b %Y, %H:%i') AS last_received, toFloat64(f.records) AS records, \
        toFloat64(arraySum(mapValues(dead_letters))) AS rejected, no_score_share FROM freshness AS f ORDER BY source";
    let sources: Vec<Source> = rows(store, sql, &[]).await?;
    let text =
        |instant: Option<String>| instant.map_or_else(|| NONE.to_owned(), |text| text.trim().to_owned());
    let row = |s: Source| {
        vec![
            s.source,
            text(s.last_event),
            text(s.last_received),
            count(s.records),
            count(s.rejected),
            percent(s.no_score_share),
        ]
    };
    Ok(Table {
        caption: "Sources, times in UTC".to_owned(),
        columns: vec![
            Column::Text("Source"),
            Column::Text("Latest event"),
            Column::Text("Latest arrival"),
            Column::Number("Records"),
            Column::Number("Could not be read"),
            Column::Number("Answers without a score"),
        ],
        rows: sources.into_iter().map(row).collect(),
    })
}

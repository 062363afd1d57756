//! CSV with a header.

use std::io::BufRead;

use anyhow::Context as _;
use serde_json::{Map, Value};

/// Each line as a JSON object: the header's names, the line's texts.
pub(super) fn records(
    text: impl BufRead + 'static,
) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Vec<u8>>>> {
    let mut reader = csv::Reader::from_reader(text);
    let header = reader.headers().context("cannot read the header of the CSV")?.clone();
    Ok(reader.into_records().map(move |record| {
        let record = record.context("cannot read a line of the CSV")?;
        let text = |text: &str| Value::String(text.to_owned());
        let object: Map<String, Value> =
            header.iter().map(str::to_owned).zip(record.iter().map(text)).collect();
        Ok(Value::Object(object).to_string().into_bytes())
    }))
}

//! Runs the recount on canonical records.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use jiff::civil::Date;
use sarafan_core::definitions::Definitions;
use sarafan_store::EpochRow;
use serde_json::{Map, Value, json};

pub(super) const PROGRAM: &str = include_str!("../../tests/oracle/recount");

/// What each view must show: the rows of it, by its name.
pub type Figures = BTreeMap<String, Vec<Map<String, Value>>>;

/// Computes the figures of `records`, lines in the form of `sarafan export`, as of a day. `folder` takes the files
/// that the program reads; it needs Python 3 and nothing else.
///
/// # Errors
///
/// When there is no Python, or the program fails: its own words are in the error.
pub fn recount(
    records: impl Iterator<Item = anyhow::Result<String>>,
    definitions: &Definitions,
    as_of: Date,
    folder: &Path,
) -> anyhow::Result<Figures> {
    let path = |name: &str| folder.join(name);
    std::fs::write(path("recount.py"), PROGRAM)?;
    std::fs::write(path("recount.json"), configuration(definitions)?.to_string())?;
    let mut lines = BufWriter::new(File::create(path("records.ndjson"))?);
    for record in records {
        writeln!(lines, "{}", record?)?;
    }
    lines.flush()?;
    let mut command = Command::new("python3");
    command.args(["recount.py", "--config", "recount.json", "--as-of", &as_of.to_string(), "records.ndjson"]);
    let output = command.current_dir(folder).stdin(Stdio::null()).output().map_err(no_python)?;
    if !output.status.success() {
        bail!("the recount failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("the recount printed no figures")
}

pub(super) fn no_python(error: io::Error) -> anyhow::Error {
    anyhow::anyhow!("cannot run `python3` ({error}): the recount needs Python 3.9 or newer; install it")
}

/// The definitions as the recount reads them.
pub(super) fn configuration(definitions: &Definitions) -> anyhow::Result<Value> {
    let metrics = &definitions.metrics;
    // The registered form has the dimensions' fields as the configuration writes them.
    let registered: Value = serde_json::from_str(&EpochRow::of(definitions, 0).definitions)?;
    Ok(json!({
        "timezone": metrics.timezone,
        "surveys": definitions.surveys.iter().map(|survey| &survey.id).collect::<Vec<_>>(),
        "windows": metrics.windows,
        "margin_rate": metrics.margin_rate,
        "count_zero_amount": metrics.count_zero_amount,
        "merge_same_day": metrics.merge_same_day,
        "response_horizon_days": metrics.response_horizon_days,
        "dimensions": registered["dimension"],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sarafan_core::definitions::{DimensionKind, DimensionSection, FieldNames, MetricsSection};

    #[test]
    fn a_purchase_is_counted_in_every_view_that_speaks_of_it() {
        let field = FieldNames::Several(vec!["store".to_owned(), "channel".to_owned()]);
        let dimension = DimensionSection { name: "place".to_owned(), kind: DimensionKind::Order, field };
        let definitions = Definitions::resolve(MetricsSection::default(), Vec::new(), &[dimension]).unwrap();
        let order = json!({
            "entity": "order", "id": "1", "customer_id": "c", "order_id": null, "updated_at": "2026-01-02T00:00:00Z",
            "mapping_revision": 1, "record_hash": 1,
            "fields": { "ordered_at": "2026-01-01T10:00:00Z", "amount": "12.5", "currency": "EUR", "status": "paid", "store": "a" },
        });
        let folder = tempfile::tempdir().unwrap();
        let as_of = jiff::civil::date(2026, 1, 3);
        let figures =
            recount([Ok(order.to_string())].into_iter(), &definitions, as_of, folder.path()).unwrap();
        assert_eq!(figures["ltv"][0]["gross"], "12.5");
        assert_eq!(figures["sales_daily"][1]["segment"], "a / unknown");
        assert_eq!(figures["repeat_gaps"][0]["gap_days"], 2);
    }
}

//! All that the analysts' contract shows, in a form that two runs can be compared by.

use std::collections::BTreeMap;

use jiff::civil::Date;
use sarafan_core::definitions::Definitions;
use sarafan_store::Store;

/// The rows of every view as texts, sorted, by the name of the view.
pub type Dump = BTreeMap<String, Vec<String>>;

/// Speaks of arrival, which no law holds for.
const EXEMPT: &str = "freshness";
/// As much of another view as speaks of arrival, and what is left of the view without it.
const PARTLY_EXEMPT: (&str, &str) = ("deployment", "(SELECT * EXCEPT (data_as_of) FROM deployment)");

/// Reads every view, those with parameters as of `day` and of the weeks before it.
///
/// # Errors
///
/// When one cannot be read.
pub async fn dump(store: &Store, definitions: &Definitions, day: Date) -> anyhow::Result<Dump> {
    let mut dump = Dump::new();
    for source in sources(store, definitions, day).await? {
        let rows = store.query(&format!("SELECT * FROM {source}"), &[]).await?;
        let mut lines: Vec<String> = rows.rows.iter().map(|row| serde_json::json!(row).to_string()).collect();
        lines.sort_unstable();
        dump.insert(source, lines);
    }
    Ok(dump)
}

/// The views, and calls of those that want parameters.
async fn sources(store: &Store, definitions: &Definitions, day: Date) -> anyhow::Result<Vec<String>> {
    let sql =
        "SELECT name FROM system.tables WHERE database = {views:String} AND engine = 'View' ORDER BY name";
    let rows = store.query(sql, &[("views", store.views_database())]).await?;
    let mut sources = Vec::new();
    for row in 0..rows.rows.len() {
        let name = rows.text(row, "name").unwrap_or_default();
        match calls(&name, definitions, day) {
            Some(calls) => sources.extend(calls),
            None if name == PARTLY_EXEMPT.0 => sources.push(PARTLY_EXEMPT.1.to_owned()),
            None if name != EXEMPT => sources.push(name),
            None => {}
        }
    }
    Ok(sources)
}

/// How to call a view that wants parameters; none of one that does not.
fn calls(name: &str, definitions: &Definitions, day: Date) -> Option<Vec<String>> {
    let windows = || definitions.metrics.windows.iter();
    let before = |weeks: i64| day.saturating_sub(jiff::Span::new().weeks(weeks));
    let between = |from: Date| format!("from_day = '{from}', to_day = '{day}'");
    let parameters: Vec<String> = match name {
        "nps_at" | "nps_change" => {
            windows().map(|window| format!("as_of = '{}', window_days = {window}", before(1))).collect()
        }
        "nps_trend" => {
            windows().map(|window| format!("window_days = {window}, {}", between(before(8)))).collect()
        }
        "nps_between" => vec![between(before(3))],
        "repeat_funnel_at" => vec![format!("as_of = '{}'", before(10))],
        _ => return None,
    };
    Some(parameters.into_iter().map(|parameters| format!("{name}({parameters})")).collect())
}

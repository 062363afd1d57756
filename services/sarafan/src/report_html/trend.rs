//! The trend of NPS, with targets and benchmarks.

use anyhow::Context as _;
use jiff::ToSpan as _;
use sarafan_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::figure::{Column, Figure, Key, Table};
use super::format::{count, day, interval, points};
use super::rows::{Day, rows};
use super::scope::Scope;
use super::windows::no_answers;

/// Days of the trend.
const TREND_DAYS: i64 = 365;

/// The window that ends on a day.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Point {
    day: Day,
    responses: f64,
    nps: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

/// A reference line (METRICS 2).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Benchmark {
    name: String,
    kind: String,
    value: f64,
    from: Day,
    to: Option<Day>,
}

/// Reads the year that ends on the day, and makes its chart.
pub(super) async fn read(store: &Store, scope: &Scope) -> anyhow::Result<Figure> {
    let days = days(store, scope).await?;
    Ok(figure(scope, &days, &benchmarks(store, scope).await?))
}

async fn days(store: &Store, scope: &Scope) -> anyhow::Result<Vec<Point>> {
    let first = scope.day.checked_sub((TREND_DAYS - 1).days()).context("the trend begins before all days")?;
    let sql = format!(
        "SELECT toString(day) AS day, toFloat64(responses) AS responses, nps, nps_low AS low, nps_high AS high \
         FROM nps_trend(window_days = {}, from_day = '{first}', to_day = '{}') \
         WHERE dimension = 'all' AND survey = {{survey:String}} AND population = {{population:String}} ORDER BY day",
        scope.deployment.window_days, scope.day
    );
    let days: Vec<Point> =
        rows(store, &sql, &[("survey", &scope.survey), ("population", &scope.population)]).await?;
    // Before the first answer there is nothing to see.
    Ok(days.into_iter().skip_while(|day| day.nps.is_none()).collect())
}

async fn benchmarks(store: &Store, scope: &Scope) -> anyhow::Result<Vec<Benchmark>> {
    let sql = format!(
        "SELECT name, kind, value, toString(valid_from) AS from, toString(valid_to) AS to FROM benchmarks \
         WHERE metric = 'nps' AND dimension = 'all' AND segment = 'all' AND survey = {{survey:String}} \
         AND valid_from <= '{0}' AND (valid_to IS NULL OR valid_to > toDate('{0}') - {TREND_DAYS}) ORDER BY kind DESC, name, from",
        scope.day
    );
    rows(store, &sql, &[("survey", &scope.survey)]).await
}

fn figure(scope: &Scope, days: &[Point], benchmarks: &[Benchmark]) -> Figure {
    let title = "NPS over the past year";
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Figure::empty("nps-trend", title, no_answers(scope));
    };
    let mut legend =
        vec![Key::new("line c1", "NPS"), Key::new("band c1", "95% interval"), Key::new("bar", "answers (n)")];
    legend.extend(benchmarks.iter().map(|line| {
        let mark = if line.kind == "target" { "dashed target" } else { "dashed benchmark" };
        Key::new(mark, format!("{} ({}), {}", line.name, line.kind, points(Some(line.value))))
    }));
    let known = days.iter().filter_map(|d| d.nps);
    let (low, high) = known.fold((100.0_f64, -100.0_f64), |(l, h), v| (l.min(v), h.max(v)));
    Figure {
        id: "nps-trend",
        title: title.to_owned(),
        about: format!(
            "{}, {}, in the {} days that end on each day",
            scope.survey,
            scope.whose(),
            scope.deployment.window_days
        ),
        summary: format!(
            "NPS from {} to {}: between {} and {}, last {}, 95% interval {}, of {} answers.",
            day(first.day.0),
            day(last.day.0),
            points(Some(low)),
            points(Some(high)),
            points(last.nps),
            interval(last.low, last.high, points),
            count(last.responses)
        ),
        legend,
        note: "The shaded band is the 95% interval: the fewer answers, the wider. Days on which nobody is in the window have no figure.".to_owned(),
        table: table(days),
        data: json!({ "days": days, "lines": benchmarks, "last": Day(scope.day) }),
    }
}

/// The last day of every week: a year of days is too long to read.
fn table(days: &[Point]) -> Table {
    let row =
        |d: &Point| vec![day(d.day.0), count(d.responses), points(d.nps), points(d.low), points(d.high)];
    Table {
        caption: "NPS of the window that ends on the day, week by week".to_owned(),
        columns: vec![
            Column::Text("Day"),
            Column::Number("Answers (n)"),
            Column::Number("NPS"),
            Column::Number("95% from"),
            Column::Number("95% to"),
        ],
        rows: days.iter().rev().step_by(7).map(row).collect(),
    }
}

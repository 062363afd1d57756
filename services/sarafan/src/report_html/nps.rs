//! NPS of the survey: its windows, its trend, its groups and its scores.

use anyhow::Context as _;
use jiff::ToSpan as _;
use sarafan_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::figure::{Column, Figure, Key, Table};
use super::format::{NONE, change, count, day, interval, percent, points};
use super::rows::{Day, rows};
use super::scope::{Scope, whose};

/// Days of the trend.
const TREND_DAYS: i64 = 365;

/// NPS of a window.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Window {
    pub(super) survey: String,
    pub(super) population: String,
    pub(super) window_days: u16,
    pub(super) detractors: f64,
    pub(super) passives: f64,
    pub(super) promoters: f64,
    pub(super) responses: f64,
    pub(super) no_score: f64,
    pub(super) nps: Option<f64>,
    pub(super) nps_low: Option<f64>,
    pub(super) nps_high: Option<f64>,
    pub(super) previous_nps: Option<f64>,
    pub(super) change: Option<f64>,
    pub(super) significant: bool,
    pub(super) delivered: f64,
    pub(super) answered: f64,
    pub(super) pending: f64,
    pub(super) response_rate: Option<f64>,
    pub(super) target: Option<f64>,
    pub(super) band: String,
}

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

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Score {
    score: u8,
    responses: f64,
}

/// Everything of the whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Nps {
    windows: Vec<Window>,
    days: Vec<Point>,
    benchmarks: Vec<Benchmark>,
    scores: Vec<Score>,
}

const WINDOW: &str = "survey, population, window_days, toFloat64(detractors) AS detractors, toFloat64(passives) AS passives, \
    toFloat64(promoters) AS promoters, toFloat64(responses) AS responses, toFloat64(no_score) AS no_score, nps, nps_low, \
    nps_high, previous_nps, change, significant, toFloat64(delivered) AS delivered, toFloat64(answered) AS answered, \
    toFloat64(pending) AS pending, response_rate, target, band";

impl Nps {
    /// Reads it.
    pub(super) async fn read(store: &Store, scope: &Scope) -> anyhow::Result<Self> {
        let sql = format!(
            "SELECT {WINDOW} FROM {} WHERE dimension = 'all' ORDER BY survey, population, window_days",
            scope.nps()
        );
        let windows = rows(store, &sql, &[]).await?;
        let (days, benchmarks) = (trend(store, scope).await?, benchmarks(store, scope).await?);
        let scores = scores(store, scope).await?;
        Ok(Self { windows, days, benchmarks, scores })
    }

    /// The window that headlines; none when nobody has answered.
    pub(super) fn headline<'a>(&'a self, scope: &'a Scope) -> Option<&'a Window> {
        self.of_survey(scope).find(move |w| w.window_days == scope.deployment.window_days)
    }

    fn of_survey<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a Window> {
        self.windows.iter().filter(move |w| w.survey == scope.survey && w.population == scope.population)
    }

    /// Its charts.
    pub(super) fn figures(&self, scope: &Scope) -> Vec<Figure> {
        vec![self.trend(scope), self.groups(scope), self.scores(scope)]
    }

    fn trend(&self, scope: &Scope) -> Figure {
        let title = "NPS over the past year";
        let (Some(first), Some(last)) = (self.days.first(), self.days.last()) else {
            return Figure::empty("nps-trend", title, no_answers(scope));
        };
        let mut legend = vec![
            Key::new("line c1", "NPS"),
            Key::new("band c1", "95% interval"),
            Key::new("bar", "answers (n)"),
        ];
        legend.extend(self.benchmarks.iter().map(|line| {
            let mark = if line.kind == "target" { "dashed target" } else { "dashed benchmark" };
            Key::new(mark, format!("{} ({}), {}", line.name, line.kind, points(Some(line.value))))
        }));
        let known = self.days.iter().filter_map(|d| d.nps);
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
            table: trend_table(&self.days),
            data: json!({ "days": self.days, "lines": self.benchmarks, "last": Day(scope.day) }),
        }
    }

    fn groups(&self, scope: &Scope) -> Figure {
        let title = "Promoters, passives, detractors";
        let shown: Vec<&Window> = self.of_survey(scope).filter(|w| w.responses > 0.0).collect();
        if shown.is_empty() {
            return Figure::empty("nps-groups", title, no_answers(scope));
        }
        let said = shown.iter().map(|w| {
            let share = |part| percent(Some(part / w.responses));
            format!(
                "{} days: {} promoters, {} passives, {} detractors",
                w.window_days,
                share(w.promoters),
                share(w.passives),
                share(w.detractors)
            )
        });
        let bar = |w: &&Window| {
            json!({ "window": w.window_days, "n": w.responses, "nps": w.nps,
                    "detractors": w.detractors, "passives": w.passives, "promoters": w.promoters })
        };
        Figure {
            id: "nps-groups",
            title: title.to_owned(),
            about: format!("{}, {}, by rolling window", scope.survey, scope.whose()),
            summary: format!("{}.", said.collect::<Vec<_>>().join("; ")),
            legend: groups_legend(),
            note: "NPS is the share of promoters less the share of detractors. The table also has every other survey and population; \
                   surveys are never pooled."
                .to_owned(),
            table: windows_table(&self.windows),
            data: shown.iter().map(bar).collect(),
        }
    }

    fn scores(&self, scope: &Scope) -> Figure {
        let title = "Every score from 0 to 10";
        let n: f64 = self.scores.iter().map(|s| s.responses).sum();
        if n == 0.0 {
            return Figure::empty("nps-scores", title, no_answers(scope));
        }
        let of = |score: u8| self.scores.iter().find(|s| s.score == score).map_or(0.0, |s| s.responses);
        let all: Vec<(u8, f64)> = (0..=10).map(|score| (score, of(score))).collect();
        let share = |(score, responses): &(u8, f64)| format!("{score}: {}", percent(Some(responses / n)));
        let row = |(score, responses): &(u8, f64)| {
            vec![score.to_string(), count(*responses), percent(Some(responses / n))]
        };
        Figure {
            id: "nps-scores",
            title: title.to_owned(),
            about: format!(
                "{}, every answer, {}, n = {}",
                scope.survey,
                scope.period(scope.deployment.window_days),
                count(n)
            ),
            summary: format!(
                "Share of answers by score. {}.",
                all.iter().map(share).collect::<Vec<_>>().join(", ")
            ),
            legend: groups_legend(),
            note: "0 to 6 are detractors, 7 and 8 passives, 9 and 10 promoters.".to_owned(),
            table: Table {
                caption: "Answers by score".to_owned(),
                columns: vec![Column::Number("Score"), Column::Number("Answers"), Column::Number("Share")],
                rows: all.iter().map(row).collect(),
            },
            data: json!({ "n": n, "scores": all.iter().map(|(_, responses)| responses).collect::<Vec<_>>() }),
        }
    }
}

async fn trend(store: &Store, scope: &Scope) -> anyhow::Result<Vec<Point>> {
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

async fn scores(store: &Store, scope: &Scope) -> anyhow::Result<Vec<Score>> {
    let sql = format!(
        "SELECT score, toFloat64(sum(s.responses)) AS responses FROM nps_scores AS s WHERE dimension = 'all' \
         AND survey = {{survey:String}} AND day > toDate('{0}') - {1} AND day <= '{0}' GROUP BY score",
        scope.day, scope.deployment.window_days
    );
    rows(store, &sql, &[("survey", &scope.survey)]).await
}

pub(super) fn no_answers(scope: &Scope) -> String {
    format!("Nobody has given a score in the survey {} in this period.", scope.survey)
}

fn groups_legend() -> Vec<Key> {
    [("detractor", "detractors (0 to 6)"), ("passive", "passives (7, 8)"), ("promoter", "promoters (9, 10)")]
        .map(|(mark, text)| Key::new(format!("box {mark}"), text))
        .into()
}

/// The last day of every week: a year of days is too long to read.
fn trend_table(days: &[Point]) -> Table {
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

fn windows_table(windows: &[Window]) -> Table {
    let row = |w: &Window| {
        vec![
            w.survey.clone(),
            whose(&w.population).to_owned(),
            w.window_days.to_string(),
            count(w.detractors),
            count(w.passives),
            count(w.promoters),
            count(w.responses),
            count(w.no_score),
            points(w.nps),
            interval(w.nps_low, w.nps_high, points),
            points(w.previous_nps),
            change(w.change),
            if w.significant {
                "yes"
            } else if w.change.is_some() {
                "no"
            } else {
                NONE
            }
            .to_owned(),
        ]
    };
    Table {
        caption: "Every survey, population and window".to_owned(),
        columns: vec![
            Column::Text("Survey"),
            Column::Text("Population"),
            Column::Number("Days"),
            Column::Number("Detractors"),
            Column::Number("Passives"),
            Column::Number("Promoters"),
            Column::Number("n"),
            Column::Number("No score"),
            Column::Number("NPS"),
            Column::Number("95% interval"),
            Column::Number("Before"),
            Column::Number("Change"),
            Column::Text("Significant"),
        ],
        rows: windows.iter().map(row).collect(),
    }
}

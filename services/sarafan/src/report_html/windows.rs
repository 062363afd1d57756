//! NPS of the whole in every rolling window, and its groups.

use sarafan_store::Store;
use serde::Deserialize;
use serde_json::json;

use super::figure::{Column, Figure, Key, Table};
use super::format::{NONE, change, count, interval, percent, points};
use super::rows::rows;
use super::scope::{Scope, whose};

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

const WINDOW: &str = "survey, population, window_days, toFloat64(detractors) AS detractors, toFloat64(passives) AS passives, \
    toFloat64(promoters) AS promoters, toFloat64(responses) AS responses, toFloat64(no_score) AS no_score, nps, nps_low, \
    nps_high, previous_nps, change, significant, toFloat64(delivered) AS delivered, toFloat64(answered) AS answered, \
    toFloat64(pending) AS pending, response_rate, target, band";

/// Every survey, population and window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Windows(Vec<Window>);

impl Windows {
    /// Reads them.
    pub(super) async fn read(store: &Store, scope: &Scope) -> anyhow::Result<Self> {
        let sql = format!(
            "SELECT {WINDOW} FROM {} WHERE dimension = 'all' ORDER BY survey, population, window_days",
            scope.nps()
        );
        Ok(Self(rows(store, &sql, &[]).await?))
    }

    /// The window that headlines; none when nobody has answered.
    pub(super) fn headline<'a>(&'a self, scope: &'a Scope) -> Option<&'a Window> {
        self.of_survey(scope).find(move |w| w.window_days == scope.deployment.window_days)
    }

    fn of_survey<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a Window> {
        self.0.iter().filter(move |w| w.survey == scope.survey && w.population == scope.population)
    }

    /// Promoters, passives and detractors by window.
    pub(super) fn figure(&self, scope: &Scope) -> Figure {
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
            table: table(&self.0),
            data: shown.iter().map(bar).collect(),
        }
    }
}

/// What to say when there is no score.
pub(super) fn no_answers(scope: &Scope) -> String {
    format!("Nobody has given a score in the survey {} in this period.", scope.survey)
}

/// What the colours of the groups stand for.
pub(super) fn groups_legend() -> Vec<Key> {
    [("detractor", "detractors (0 to 6)"), ("passive", "passives (7, 8)"), ("promoter", "promoters (9, 10)")]
        .map(|(mark, text)| Key::new(format!("box {mark}"), text))
        .into()
}

fn table(windows: &[Window]) -> Table {
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

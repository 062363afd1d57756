//! How often each score was given.

use sarafan_store::Store;
use serde::Deserialize;
use serde_json::json;

use super::figure::{Column, Figure, Table};
use super::format::{count, percent};
use super::rows::rows;
use super::scope::Scope;
use super::windows::{groups_legend, no_answers};

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Score {
    score: u8,
    responses: f64,
}

/// Reads the scores of the window that headlines, and makes their chart.
pub(super) async fn read(store: &Store, scope: &Scope) -> anyhow::Result<Figure> {
    let sql = format!(
        "SELECT score, toFloat64(sum(s.responses)) AS responses FROM nps_scores AS s WHERE dimension = 'all' \
         AND survey = {{survey:String}} AND day > toDate('{0}') - {1} AND day <= '{0}' GROUP BY score",
        scope.day, scope.deployment.window_days
    );
    Ok(figure(scope, &rows(store, &sql, &[("survey", &scope.survey)]).await?))
}

fn figure(scope: &Scope, scores: &[Score]) -> Figure {
    let title = "Every score from 0 to 10";
    let n: f64 = scores.iter().map(|s| s.responses).sum();
    if n == 0.0 {
        return Figure::empty("nps-scores", title, no_answers(scope));
    }
    let of = |score: u8| scores.iter().find(|s| s.score == score).map_or(0.0, |s| s.responses);
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

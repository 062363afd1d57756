//! NPS by segment: the best and the worst of those with answers enough to say so.

use sarafan_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::figure::{Column, Figure, Key, Table};
use super::format::{NONE, change, count, interval, points};
use super::rows::rows;
use super::scope::{AnswersBy, Scope};
use super::windows::no_answers;

/// Fewer answers than this are no ground for a ranking (METRICS 2).
const ENOUGH: f64 = 30.0;
/// Segments at either end of the chart.
const AT_EITHER_END: usize = 8;
/// Rows of the table.
const MOST_ROWS: usize = 500;

/// NPS of a segment.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub(super) struct Segment {
    pub(super) dimension: String,
    pub(super) segment: String,
    #[serde(rename(serialize = "n"))]
    pub(super) responses: f64,
    pub(super) nps: Option<f64>,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    pub(super) change: Option<f64>,
    pub(super) significant: bool,
    pub(super) target: Option<f64>,
}

/// Reads the segments and makes their chart.
pub(super) async fn read(store: &Store, scope: &Scope) -> anyhow::Result<Figure> {
    let window = scope.deployment.window_days;
    let sql = format!(
        "SELECT dimension, segment, toFloat64(responses) AS responses, nps, nps_low AS low, nps_high AS high, change, \
         significant, target FROM ({}) AS n WHERE survey = {{survey:String}} AND population = {{population:String}} \
         AND (dimension = {{dimension:String}} OR dimension = 'all' OR {{dimension:String}} = '') AND n.responses > 0 \
         ORDER BY nps DESC, responses DESC, dimension, segment",
        scope.nps_of(window)
    );
    let dimension = match &scope.answers_by {
        AnswersBy::Every => "",
        AnswersBy::One(name) => name,
        AnswersBy::Nothing(_) => "all",
    };
    let parameters =
        [("survey", scope.survey.as_str()), ("population", &scope.population), ("dimension", dimension)];
    let all: Vec<Segment> = rows(store, &sql, &parameters).await?;
    let (whole, segments) = all.into_iter().partition(|s: &Segment| s.dimension == "all");
    Ok(figure(scope, whole, segments))
}

/// The chart of `segments`, best first, beside the whole.
pub(super) fn figure(scope: &Scope, whole: Vec<Segment>, segments: Vec<Segment>) -> Figure {
    let title = match &scope.answers_by {
        AnswersBy::One(name) => format!("NPS by {name}"),
        _ => "Best and worst segments".to_owned(),
    };
    let Some(whole) = whole.first().filter(|_| !segments.is_empty()) else {
        let why = match &scope.answers_by {
            AnswersBy::Nothing(why) => why.clone(),
            _ => no_answers(scope),
        };
        return Figure::empty("nps-segments", title, why);
    };
    let ranked: Vec<&Segment> = segments.iter().filter(|s| s.responses >= ENOUGH).collect();
    let few = segments.len() - ranked.len();
    let shown = ends(&ranked);
    let left_out = ranked.len() - shown.len();
    let summary = match (ranked.first(), ranked.last()) {
        (Some(best), Some(worst)) => format!(
            "Best {} with {}, worst {} with {}; the whole has {}.",
            name(best),
            points(best.nps),
            name(worst),
            points(worst.nps),
            points(whole.nps)
        ),
        _ => String::new(),
    };
    let rest = match left_out {
        0 => String::new(),
        n => format!(", {n} in between not drawn"),
    };
    let unsure = match few {
        0 => String::new(),
        n => format!(" Not ranked, with fewer answers: {n}."),
    };
    let data = json!({ "whole": whole.nps, "single": matches!(scope.answers_by, AnswersBy::One(_)), "segments": shown });
    Figure {
        id: "nps-segments",
        title,
        about: format!("{}, {}, {}", scope.survey, scope.whose(), scope.period(scope.deployment.window_days)),
        legend: legend(&shown),
        note: format!(
            "Segments with at least 30 answers, best first{rest}.{unsure} A filled mark: the interval leaves out the NPS of \
             the whole ({}).",
            points(whole.nps)
        ),
        table: table(&segments),
        data: if summary.is_empty() { serde_json::Value::Null } else { data },
        summary,
    }
}

fn ends<'a>(ranked: &[&'a Segment]) -> Vec<&'a Segment> {
    if ranked.len() <= 2 * AT_EITHER_END {
        return ranked.to_vec();
    }
    let (best, rest) = ranked.split_at(AT_EITHER_END);
    best.iter().chain(&rest[rest.len() - AT_EITHER_END..]).copied().collect()
}

fn legend(shown: &[&Segment]) -> Vec<Key> {
    let mut keys =
        vec![Key::new("line c1", "NPS with its 95% interval"), Key::new("dashed whole", "the whole")];
    if shown.iter().any(|s| s.target.is_some()) {
        keys.push(Key::new("tick target", "target of the segment"));
    }
    keys
}

fn name(segment: &Segment) -> String {
    format!("{}: {}", segment.dimension, segment.segment)
}

fn table(segments: &[Segment]) -> Table {
    let row = |s: &Segment| {
        let significant = match s.change {
            Some(_) if s.significant => "yes",
            Some(_) => "no",
            None => NONE,
        };
        vec![
            s.segment.clone(),
            s.dimension.clone(),
            count(s.responses),
            points(s.nps),
            interval(s.low, s.high, points),
            change(s.change),
            significant.to_owned(),
            points(s.target),
        ]
    };
    let caption = match segments.len() {
        ..=MOST_ROWS => "NPS by segment, best first".to_owned(),
        all => format!("NPS by segment, the best {MOST_ROWS} of {all}; the view nps has all"),
    };
    Table {
        caption,
        columns: vec![
            Column::Text("Segment"),
            Column::Text("Dimension"),
            Column::Number("n"),
            Column::Number("NPS"),
            Column::Number("95% interval"),
            Column::Number("Change"),
            Column::Text("Significant"),
            Column::Number("Target"),
        ],
        rows: segments.iter().take(MOST_ROWS).map(row).collect(),
    }
}

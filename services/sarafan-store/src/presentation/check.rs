//! What can be wrong with the sections.

use jiff::civil::{Date, date};
use sarafan_core::definitions::{DefinitionError, Definitions, DimensionKind, Scale};

use super::Benchmark;
use super::sections::{BenchmarkKind, BenchmarkSection, DeploymentSection};

/// The last day that ClickHouse's `Date` can hold.
const LAST_DAY: Date = date(2149, 6, 6);
const FIRST_DAY: Date = date(1970, 1, 1);

pub(super) fn days_since_1970(day: Date) -> i32 {
    FIRST_DAY.until(day).map_or(0, |span| span.get_days())
}

pub(super) fn deployment(section: &DeploymentSection) -> Vec<DefinitionError> {
    if section.name.trim().is_empty() {
        let problem = "is empty; write what people call the deployment, or leave the key out".to_owned();
        return vec![DefinitionError { path: "deployment.name".to_owned(), problem }];
    }
    Vec::new()
}

/// The benchmarks that are right, and all that is wrong with the others.
pub(super) fn benchmarks(
    sections: Vec<BenchmarkSection>,
    definitions: &Definitions,
) -> (Vec<Benchmark>, Vec<DefinitionError>) {
    let mut errors = Vec::new();
    let mut checked: Vec<(usize, Benchmark)> = Vec::new();
    for (index, section) in sections.into_iter().enumerate() {
        let mut problems = alone(&section, definitions);
        let from = day(&section.from).map_err(|problem| problems.push(("from", problem))).ok();
        let to = section.to.as_deref().map(day).transpose();
        let to = to.map_err(|problem| problems.push(("to", problem))).ok();
        if let (Some(from), Some(to)) = (from, to) {
            if to.is_some_and(|to| to < from) {
                problems.push(("to", "is before `from`".to_owned()));
            }
            let benchmark = Benchmark { section, from, to };
            problems.extend(checked.iter().filter_map(|(other, known)| against(&benchmark, *other, known)));
            checked.push((index, benchmark));
        }
        errors.extend(
            problems
                .into_iter()
                .map(|(key, problem)| DefinitionError { path: format!("benchmark[{index}].{key}"), problem }),
        );
    }
    (checked.into_iter().map(|(_, benchmark)| benchmark).collect(), errors)
}

/// A key and what is wrong with its value.
type Problem = (&'static str, String);

fn alone(section: &BenchmarkSection, definitions: &Definitions) -> Vec<Problem> {
    let mut problems = Vec::new();
    if section.name.trim().is_empty() {
        problems.push(("name", "is empty; it is what the line is called on a panel".to_owned()));
    }
    if !(-100.0..=100.0).contains(&section.value) {
        problems.push(("value", format!("{} is no NPS; write points between -100 and 100", section.value)));
    }
    match definitions.surveys.iter().find(|survey| survey.id == section.survey) {
        None => problems.push(("survey", format!("`{}` is not declared by a [[survey]]", section.survey))),
        Some(survey) if survey.scale != Scale::ZeroToTen => {
            problems
                .push(("survey", format!("`{}` is on another scale than 0-10 and has no NPS", survey.id)));
        }
        Some(_) => {}
    }
    problems.extend(cut(section, definitions));
    problems
}

/// Whether NPS is cut by the dimension and the segment can be one of it.
fn cut(section: &BenchmarkSection, definitions: &Definitions) -> Option<Problem> {
    let BenchmarkSection { dimension, segment, .. } = section;
    if dimension == "all" {
        let problem = format!("`{segment}` is no segment of `all`; name its dimension");
        return (segment != "all").then_some(("segment", problem));
    }
    let Some(known) = definitions.dimensions.iter().find(|known| known.name == *dimension) else {
        return Some(("dimension", format!("`{dimension}` is not declared by a [[dimension]]")));
    };
    if known.kind == DimensionKind::Order {
        let problem =
            format!("`{dimension}` cuts orders and money, not NPS; name one of customers or responses");
        return Some(("dimension", problem));
    }
    let problem = format!("`{segment}` is the whole; name a segment of `{dimension}`");
    (segment == "all" || segment.is_empty()).then_some(("segment", problem))
}

/// What two benchmarks say together.
fn against(benchmark: &Benchmark, other: usize, known: &Benchmark) -> Option<Problem> {
    let (one, two) = (&benchmark.section, &known.section);
    let place = |s: &BenchmarkSection| (s.metric, s.survey.clone(), s.dimension.clone(), s.segment.clone());
    if place(one) != place(two) {
        return None;
    }
    if one.name == two.name && benchmark.from == known.from {
        return Some(("name", format!("`{}` is in benchmark[{other}] from the same day on", one.name)));
    }
    let overlap =
        known.to.is_none_or(|end| benchmark.from <= end) && benchmark.to.is_none_or(|end| known.from <= end);
    let both = one.kind == BenchmarkKind::Target && two.kind == BenchmarkKind::Target;
    let problem = format!(
        "benchmark[{other}] is a target of the same survey and segment on some of these days; give it a `to` before \
         this `from`"
    );
    (both && overlap).then_some(("from", problem))
}

fn day(text: &str) -> Result<Date, String> {
    match text.parse::<Date>() {
        Ok(day) if (FIRST_DAY..=LAST_DAY).contains(&day) => Ok(day),
        Ok(_) => Err(format!("`{text}` is not within {FIRST_DAY} .. {LAST_DAY}")),
        Err(_) => Err(format!("`{text}` is no day; write 2026-01-31")),
    }
}

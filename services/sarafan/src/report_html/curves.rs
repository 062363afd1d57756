//! How soon the next purchase comes: Kaplan-Meier curves.

use std::collections::BTreeMap;

use sarafan_core::statistics::survival::Gaps;
use sarafan_store::Store;
use serde::Deserialize;
use serde_json::json;

use super::figure::{Figure, Key, Table};
use super::format::{interval, percent};
use super::funnel::{self, Funnel, Step};
use super::rows::rows;
use super::scope::{CustomersBy, Scope};

/// The steps whose curve is drawn.
const CURVES: [&str; 3] = ["first to second", "second to third", "third to fourth"];
/// Days of the curves.
const CURVE_DAYS: u32 = 365;

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Gap {
    step: u32,
    gap_days: u32,
    closed: f64,
    open: f64,
}

/// A point of a curve: day, probability, and its interval where there is one.
type Point = (u32, f64, Option<f64>, Option<f64>);

/// Reads the curves, of which the views know those of today, and makes their chart.
pub(super) async fn read(store: &Store, scope: &Scope, funnel: &Funnel) -> anyhow::Result<Figure> {
    let curves = if scope.is_past() {
        funnel.steps.iter().take(CURVES.len()).map(points).collect()
    } else {
        curves(store).await?
    };
    Ok(figure(scope, funnel, &curves))
}

/// The probabilities at the horizons of the funnel.
fn points(step: &Step) -> Vec<Point> {
    let known = step.by.iter().filter_map(|by| Some((by.0, by.1?, by.2, by.3)));
    [(0, 0.0, Some(0.0), Some(0.0))].into_iter().chain(known).collect()
}

async fn curves(store: &Store) -> anyhow::Result<Vec<Vec<Point>>> {
    // A purchase dated after today has waited for no day yet.
    let sql = format!(
        "SELECT step, toUInt32(greatest(gap_days, 0)) AS gap_days, toFloat64(sum(g.closed)) AS closed, \
         toFloat64(sum(g.open)) AS open FROM repeat_gaps AS g WHERE dimension = 'all' AND step <= {} \
         GROUP BY step, gap_days ORDER BY step",
        CURVES.len()
    );
    let mut steps: BTreeMap<u32, Gaps> = BTreeMap::new();
    for gap in rows::<Gap>(store, &sql, &[]).await? {
        let gaps = steps.entry(gap.step).or_default();
        for (lengths, n) in [(&mut gaps.closed, gap.closed), (&mut gaps.open, gap.open)] {
            if n > 0.0 {
                *lengths.entry(gap.gap_days).or_default() += n as u64;
            }
        }
    }
    Ok(steps.into_values().map(|gaps| curve(&gaps)).collect())
}

/// The curve from day 0 to the last day that it speaks of.
fn curve(gaps: &Gaps) -> Vec<Point> {
    let mut points: Vec<Point> = vec![(0, 0.0, Some(0.0), Some(0.0))];
    for (day, by) in gaps.curve(CURVE_DAYS) {
        points.push((day, by.value, by.interval.map(|i| i.0), by.interval.map(|i| i.1)));
    }
    let end = gaps.longest().unwrap_or_default().min(CURVE_DAYS);
    if let Some(&(last, value, low, high)) = points.last()
        && last < end
    {
        points.push((end, value, low, high));
    }
    points
}

fn figure(scope: &Scope, funnel: &Funnel, curves: &[Vec<Point>]) -> Figure {
    let title = "How soon the next purchase comes";
    let Some(last) = curves.first().and_then(|curve| curve.last()) else {
        return Figure::empty("curves", title, "No customer has been followed long enough.");
    };
    let by_segment = match &scope.customers_by {
        CustomersBy::One(name) if !funnel.segments.is_empty() => {
            format!(" The table has every segment of {name}.")
        }
        CustomersBy::Nothing(why) if funnel.segments.is_empty() => format!(" {why}"),
        _ => String::new(),
    };
    let drawn = if scope.is_past() {
        "Points at 30, 60, 90, 180 and 365 days: the views have the full curve of today alone."
    } else {
        "The curve rises on every day on which somebody came back."
    };
    Figure {
        id: "curves",
        title: title.to_owned(),
        about: "Probability of the next purchase by days since the one before, Kaplan-Meier".to_owned(),
        summary: format!(
            "After the first purchase, {} have bought again by day {}, 95% interval {}.",
            percent(Some(last.1)),
            last.0,
            interval(last.2, last.3, percent)
        ),
        legend: (1..=curves.len())
            .zip(CURVES)
            .map(|(place, step)| Key::new(format!("line c{place}"), format!("{step} purchase")))
            .collect(),
        note: format!(
            "Customers who have not had the time yet are not counted as lost. Shaded: 95% interval. {drawn}{by_segment}"
        ),
        table: table(scope, funnel),
        data: json!({ "stepped": !scope.is_past(), "curves": curves }),
    }
}

fn table(scope: &Scope, funnel: &Funnel) -> Table {
    let steps = funnel.steps.iter().take(CURVES.len()).chain(&funnel.segments);
    let all: Vec<Step> = steps.cloned().collect();
    let what = match &scope.customers_by {
        CustomersBy::One(name) => {
            format!("Probability of the next purchase; by {name} from the first to the second")
        }
        CustomersBy::Nothing(_) => "Probability of the next purchase".to_owned(),
    };
    funnel::table(&all, "Of", &what, |s| match s.dimension.as_str() {
        "all" => format!("all, from purchase {}", s.step),
        _ => s.segment.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_curve_begins_at_nothing_and_ends_at_the_longest_follow_up() {
        let gaps = Gaps { closed: BTreeMap::from([(10, 1)]), open: BTreeMap::from([(30, 1), (900, 2)]) };
        let points = curve(&gaps);
        assert_eq!(points.first().map(|p| (p.0, p.1)), Some((0, 0.0)));
        assert_eq!(points[1..].iter().map(|p| (p.0, p.1)).collect::<Vec<_>>(), [(10, 0.25), (365, 0.25)]);
        assert_eq!(json!(points[0]), Value::from(vec![json!(0), json!(0.0), json!(0.0), json!(0.0)]));
    }
}

//! Repeat purchases: the funnel, how soon the next purchase comes, and who was active.

use std::collections::BTreeMap;

use sarafan_core::statistics::survival::Gaps;
use sarafan_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::figure::{Column, Figure, Key, Table};
use super::format::{count, decimal, interval, month, percent};
use super::rows::{Day, rows};
use super::scope::{CustomersBy, Scope};

/// Steps of the funnel that are drawn.
const STEPS: u32 = 10;
/// Steps whose curve is drawn.
const CURVES: u32 = 3;
/// Days of the curves.
const CURVE_DAYS: u32 = 365;
/// Months of activity.
const MONTHS: usize = 24;

/// A step of the funnel, of the whole or of a segment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Step {
    dimension: String,
    segment: String,
    step: u32,
    pub(super) customers: f64,
    pub(super) next_customers: f64,
    pub(super) conversion: f64,
    by: Vec<Horizon>,
    median_gap_days: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Gap {
    step: u32,
    gap_days: u32,
    closed: f64,
    open: f64,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Month {
    month: Day,
    new: f64,
    returning: f64,
    reactivated: f64,
    active: f64,
    lapsed: f64,
    retention: Option<f64>,
}

/// A horizon in days, the probability within it where it is known, and its interval where there is one.
type Horizon = (u32, Option<f64>, Option<f64>, Option<f64>);

/// A point of a curve: day, probability, and its interval where there is one.
type Point = (u32, f64, Option<f64>, Option<f64>);

/// Purchases of customers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Repeat {
    steps: Vec<Step>,
    segments: Vec<Step>,
    curves: Vec<Vec<Point>>,
    months: Vec<Month>,
}

impl Repeat {
    /// Reads it.
    pub(super) async fn read(store: &Store, scope: &Scope) -> anyhow::Result<Self> {
        let cut = match &scope.customers_by {
            CustomersBy::One(name) => name,
            CustomersBy::Nothing(_) => "all",
        };
        let sql = format!(
            "SELECT dimension, segment, step, toFloat64(customers) AS customers, toFloat64(next_customers) AS next_customers, \
             conversion, [(30, p30, p30_low, p30_high), (60, p60, p60_low, p60_high), (90, p90, p90_low, p90_high), \
             (180, p180, p180_low, p180_high), (365, p365, p365_low, p365_high)] AS by, median_gap_days FROM {} \
             WHERE (dimension = 'all' AND step <= {STEPS}) OR (dimension = {{cut:String}} AND step = 1) \
             ORDER BY dimension = 'all' DESC, step, customers DESC, segment",
            scope.funnel()
        );
        let all: Vec<Step> = rows(store, &sql, &[("cut", cut)]).await?;
        let (steps, segments): (Vec<Step>, Vec<Step>) = all.into_iter().partition(|s| s.dimension == "all");
        let curves = if scope.is_past() {
            steps.iter().take(CURVES as usize).map(Step::points).collect()
        } else {
            curves(store).await?
        };
        Ok(Self { steps, segments, curves, months: months(store, scope).await? })
    }

    /// The first step: everybody who bought.
    pub(super) fn first(&self) -> Option<&Step> {
        self.steps.first()
    }

    /// Its charts.
    pub(super) fn figures(&self, scope: &Scope) -> Vec<Figure> {
        vec![self.funnel(), self.curves(scope), self.activity(scope)]
    }

    fn funnel(&self) -> Figure {
        let title = "From the first purchase to the tenth";
        let Some(first) = self.first() else {
            return Figure::empty("funnel", title, "No customer has bought anything yet.");
        };
        let bar = |s: &Step| json!({ "step": s.step, "customers": s.customers, "conversion": s.conversion });
        let said = self.steps.iter().map(|s| format!("{} at least {}", count(s.customers), s.step));
        Figure {
            id: "funnel",
            title: title.to_owned(),
            about: format!("{} customers with a purchase", count(first.customers)),
            summary: format!("Customers by purchases: {}.", said.collect::<Vec<_>>().join(", ")),
            legend: vec![Key::new("box c1", "customers with at least so many purchases")],
            note: "In percent: how many of those on a step have reached the next. Whoever bought only lately counts as lost here; the \
                   curves beside do not do that."
                .to_owned(),
            table: funnel_table(&self.steps, "Step", "Customers by number of purchases", |s| {
                s.step.to_string()
            }),
            data: self.steps.iter().map(bar).collect(),
        }
    }

    fn curves(&self, scope: &Scope) -> Figure {
        let title = "How soon the next purchase comes";
        let Some(last) = self.curves.first().and_then(|curve| curve.last()) else {
            return Figure::empty("curves", title, "No customer has been followed long enough.");
        };
        let step = |k: usize| ["first to second", "second to third", "third to fourth"][k.min(2)];
        let by_segment = match &scope.customers_by {
            CustomersBy::One(name) if !self.segments.is_empty() => {
                format!(" The table has every segment of {name}.")
            }
            CustomersBy::Nothing(why) if self.segments.is_empty() => format!(" {why}"),
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
            legend: (0..self.curves.len())
                .map(|k| Key::new(format!("line c{}", k + 1), format!("{} purchase", step(k))))
                .collect(),
            note: format!(
                "Customers who have not had the time yet are not counted as lost. Shaded: 95% interval. {drawn}{by_segment}"
            ),
            table: self.curves_table(scope),
            data: json!({ "stepped": !scope.is_past(), "curves": self.curves }),
        }
    }

    fn curves_table(&self, scope: &Scope) -> Table {
        let steps = self.steps.iter().take(CURVES as usize).chain(&self.segments);
        let all: Vec<Step> = steps.cloned().collect();
        let what = match &scope.customers_by {
            CustomersBy::One(name) => {
                format!("Probability of the next purchase; by {name} from the first to the second")
            }
            CustomersBy::Nothing(_) => "Probability of the next purchase".to_owned(),
        };
        funnel_table(&all, "Of", &what, |s| match s.dimension.as_str() {
            "all" => format!("all, from purchase {}", s.step),
            _ => s.segment.clone(),
        })
    }

    fn activity(&self, scope: &Scope) -> Figure {
        let title = "Active customers by month";
        let Some(last) = self.months.last() else {
            return Figure::empty("activity", title, "No customer has bought anything yet.");
        };
        let row = |m: &Month| {
            let mut row = vec![month(m.month.0)];
            row.extend([m.new, m.returning, m.reactivated, m.active, m.lapsed].map(count));
            row.push(percent(m.retention));
            row
        };
        let numbers = ["New", "Returning", "Reactivated", "Active", "Lapsed", "Retention"];
        Figure {
            id: "activity",
            title: title.to_owned(),
            about: match scope.is_past() {
                true => "Customers with a purchase in the month; months that were over by the day".to_owned(),
                false => "Customers with a purchase in the month; the last month is not over".to_owned(),
            },
            summary: format!(
                "{} customers active in {}: {} new, {} returning, {} reactivated.",
                count(last.active),
                month(last.month.0),
                count(last.new),
                count(last.returning),
                count(last.reactivated)
            ),
            legend: vec![
                Key::new("box c1", "returning: bought the month before too"),
                Key::new("box c2", "reactivated: bought earlier"),
                Key::new("box c3", "new: first purchase"),
            ],
            note: "Lapsed, in the table: active the month before and not in this one.".to_owned(),
            table: Table {
                caption: "Customers by month".to_owned(),
                columns: [Column::Text("Month")].into_iter().chain(numbers.map(Column::Number)).collect(),
                rows: self.months.iter().rev().map(row).collect(),
            },
            data: json!(self.months),
        }
    }
}

impl Step {
    /// The probability within `days`, with its interval.
    pub(super) fn within(&self, days: u32) -> (Option<f64>, Option<f64>, Option<f64>) {
        self.by.iter().find(|by| by.0 == days).map_or((None, None, None), |by| (by.1, by.2, by.3))
    }

    fn points(&self) -> Vec<Point> {
        let known = self.by.iter().filter_map(|by| Some((by.0, by.1?, by.2, by.3)));
        [(0, 0.0, Some(0.0), Some(0.0))].into_iter().chain(known).collect()
    }
}

async fn curves(store: &Store) -> anyhow::Result<Vec<Vec<Point>>> {
    // A purchase dated after today has waited for no day yet.
    let sql = format!(
        "SELECT step, toUInt32(greatest(gap_days, 0)) AS gap_days, toFloat64(sum(g.closed)) AS closed, \
         toFloat64(sum(g.open)) AS open FROM repeat_gaps AS g WHERE dimension = 'all' AND step <= {CURVES} \
         GROUP BY step, gap_days ORDER BY step"
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

async fn months(store: &Store, scope: &Scope) -> anyhow::Result<Vec<Month>> {
    // What a view says of a month is said of all of it.
    let over = if scope.is_past() { "toLastDayOfMonth(activity.month)" } else { "activity.month" };
    let sql = format!(
        "SELECT toString(month) AS month, toFloat64(new) AS new, toFloat64(returning) AS returning, \
         toFloat64(reactivated) AS reactivated, toFloat64(active) AS active, toFloat64(lapsed) AS lapsed, retention \
         FROM activity WHERE dimension = 'all' AND {over} <= '{}' ORDER BY activity.month DESC LIMIT {MONTHS}",
        scope.day
    );
    let mut months: Vec<Month> = rows(store, &sql, &[]).await?;
    months.reverse();
    Ok(months)
}

fn funnel_table(steps: &[Step], first: &'static str, caption: &str, name: impl Fn(&Step) -> String) -> Table {
    let row = |s: &Step| {
        let mut row = vec![name(s), count(s.customers), count(s.next_customers), percent(Some(s.conversion))];
        for days in [90, 365] {
            let (value, low, high) = s.within(days);
            row.extend([percent(value), interval(low, high, percent)]);
        }
        row.push(decimal(s.median_gap_days.map(f64::from), 0));
        row
    };
    let numbers = [
        "Customers",
        "Bought again",
        "Conversion",
        "Within 90 days",
        "95% interval",
        "Within 365 days",
        "95% interval",
        "Median days",
    ];
    Table {
        caption: caption.to_owned(),
        columns: [Column::Text(first)].into_iter().chain(numbers.map(Column::Number)).collect(),
        rows: steps.iter().map(row).collect(),
    }
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

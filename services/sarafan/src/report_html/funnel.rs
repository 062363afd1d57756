//! The funnel of repeat purchases.

use sarafan_store::Store;
use serde::Deserialize;
use serde_json::json;

use super::figure::{Column, Figure, Key, Table};
use super::format::{count, decimal, interval, percent};
use super::rows::rows;
use super::scope::Scope;

/// Steps of the funnel that are drawn.
const STEPS: u32 = 10;

/// A step of the funnel, of the whole or of a segment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Step {
    pub(super) dimension: String,
    pub(super) segment: String,
    pub(super) step: u32,
    pub(super) customers: f64,
    pub(super) next_customers: f64,
    pub(super) conversion: f64,
    pub(super) by: Vec<Horizon>,
    median_gap_days: Option<u32>,
}

/// A horizon in days, the probability within it where it is known, and its interval where there is one.
pub(super) type Horizon = (u32, Option<f64>, Option<f64>, Option<f64>);

/// The steps of the whole, and the first step of every segment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Funnel {
    pub(super) steps: Vec<Step>,
    pub(super) segments: Vec<Step>,
}

impl Funnel {
    /// Reads it.
    pub(super) async fn read(store: &Store, scope: &Scope) -> anyhow::Result<Self> {
        let sql = format!(
            "SELECT dimension, segment, step, toFloat64(customers) AS customers, toFloat64(next_customers) AS next_customers, \
             conversion, [(30, p30, p30_low, p30_high), (60, p60, p60_low, p60_high), (90, p90, p90_low, p90_high), \
             (180, p180, p180_low, p180_high), (365, p365, p365_low, p365_high)] AS by, median_gap_days FROM {} \
             WHERE (dimension = 'all' AND step <= {STEPS}) OR (dimension = {{cut:String}} AND step = 1) \
             ORDER BY dimension = 'all' DESC, step, customers DESC, segment",
            scope.funnel()
        );
        let all: Vec<Step> = rows(store, &sql, &[("cut", scope.customers_cut())]).await?;
        let (steps, segments): (Vec<Step>, Vec<Step>) = all.into_iter().partition(|s| s.dimension == "all");
        Ok(Self { steps, segments })
    }

    /// The first step: everybody who bought.
    pub(super) fn first(&self) -> Option<&Step> {
        self.steps.first()
    }

    /// Its chart.
    pub(super) fn figure(&self) -> Figure {
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
            table: table(&self.steps, "Step", "Customers by number of purchases", |s| {
                s.step.to_string()
            }),
            data: self.steps.iter().map(bar).collect(),
        }
    }
}

impl Step {
    /// The probability within `days`, with its interval.
    pub(super) fn within(&self, days: u32) -> (Option<f64>, Option<f64>, Option<f64>) {
        self.by.iter().find(|by| by.0 == days).map_or((None, None, None), |by| (by.1, by.2, by.3))
    }
}

/// Steps with what is known of each.
pub(super) fn table(
    steps: &[Step],
    first: &'static str,
    caption: &str,
    name: impl Fn(&Step) -> String,
) -> Table {
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

//! Cohorts by month of the first order.

use jiff::civil::Date;
use sarafan_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::figure::{Column, Figure, Key, Table};
use super::format::{count, decimal, month, percent};
use super::rows::{Day, rows};
use super::scope::Scope;

/// Months of a cohort that are drawn.
const MONTHS: u16 = 24;

/// A month of a cohort.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Cohort {
    cohort: Day,
    index: u16,
    customers: f64,
    size: f64,
    value: Option<f64>,
}

/// Reads the cohorts in the currency with most revenue, and makes their chart.
pub(super) async fn read(store: &Store, scope: &Scope) -> anyhow::Result<Figure> {
    let sql = format!(
        "SELECT toString(cohort_month) AS cohort, month_index AS index, toFloat64(customers) AS customers, \
         toFloat64(cohort_size) AS size, cumulative_margin_per_customer AS value FROM cohorts \
         WHERE dimension = 'all' AND currency = {{currency:String}} AND month_index < {MONTHS} \
         AND cohort_month > toStartOfMonth(toDate('{}')) - INTERVAL {MONTHS} MONTH ORDER BY cohort, index",
        scope.deployment.today.0
    );
    let cohorts: Vec<Cohort> = rows(store, &sql, &[("currency", &scope.deployment.currency)]).await?;
    Ok(figure(scope, &filled(&cohorts, scope.deployment.today.0)))
}

fn figure(scope: &Scope, cohorts: &[Cohort]) -> Figure {
    let title = "Cohorts: who still buys, month after month";
    let (Some(first), Some(last)) = (cohorts.first(), cohorts.last()) else {
        return Figure::empty("cohorts", title, "No customer has bought anything yet.");
    };
    let row = |c: &Cohort| {
        vec![
            month(c.cohort.0),
            c.index.to_string(),
            count(c.size),
            count(c.customers),
            percent(Some(c.customers / c.size)),
            decimal(c.value, 2),
        ]
    };
    let numbers = ["Month", "Size", "Bought", "Share", "Margin per customer so far"];
    Figure {
        id: "cohorts",
        title: title.to_owned(),
        about: format!(
            "Share of a month's new customers who bought so many months later, {}",
            scope.deployment.currency
        ),
        summary: format!(
            "Cohorts of {} to {}; the table has the share of each that bought in each month after the first.",
            month(first.cohort.0),
            month(last.cohort.0)
        ),
        legend: vec![Key::new("scale", "darker: a larger share bought in the month")],
        note: format!(
            "{}Month 0, in which everybody bought, is not drawn; the last month of each row is the current one, not over yet.",
            scope.only_now()
        ),
        table: Table {
            caption: "Cohorts by month of the first order".to_owned(),
            columns: [Column::Text("Cohort")].into_iter().chain(numbers.map(Column::Number)).collect(),
            rows: cohorts.iter().map(row).collect(),
        },
        data: json!(
            cohorts.iter().map(|c| json!([c.cohort, c.index, c.customers, c.size])).collect::<Vec<_>>()
        ),
    }
}

/// The cohorts with the months in which nobody bought: the view has rows of activity alone.
fn filled(cohorts: &[Cohort], today: Date) -> Vec<Cohort> {
    let months = |day: Date| i32::from(day.year()) * 12 + i32::from(day.month());
    let mut filled: Vec<Cohort> = Vec::new();
    for cohort in cohorts.chunk_by(|a, b| a.cohort == b.cohort) {
        let age = (months(today) - months(cohort[0].cohort.0)).clamp(0, i32::from(MONTHS) - 1);
        for index in 0..=u16::try_from(age).unwrap_or_default() {
            let known = cohort.iter().rev().find(|c| c.index <= index).unwrap_or(&cohort[0]);
            let customers = if known.index == index { known.customers } else { 0.0 };
            filled.push(Cohort { index, customers, ..known.clone() });
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_in_which_nobody_bought_is_a_month_of_nobody() {
        let cohort = |month: i8, index, customers, value| Cohort {
            cohort: Day(Date::constant(2026, month, 1)),
            index,
            customers,
            size: 10.0,
            value: Some(value),
        };
        let known = [cohort(8, 0, 10.0, 5.0), cohort(8, 2, 4.0, 7.0), cohort(10, 0, 10.0, 3.0)];
        let found: Vec<_> = filled(&known, Date::constant(2026, 11, 22))
            .iter()
            .map(|c| (c.index, c.customers, c.value))
            .collect();
        let expected = [
            (0, 10.0, Some(5.0)),
            (1, 0.0, Some(5.0)),
            (2, 4.0, Some(7.0)),
            (3, 0.0, Some(7.0)),
            (0, 10.0, Some(3.0)),
            (1, 0.0, Some(3.0)),
        ];
        assert_eq!(found, expected);
    }
}

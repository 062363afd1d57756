//! Who was active, month by month.

use sarafan_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::figure::{Column, Figure, Key, Table};
use super::format::{count, month, percent};
use super::rows::{Day, rows};
use super::scope::Scope;

/// Months of activity.
const MONTHS: usize = 24;

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

/// Reads the months, and makes their chart.
pub(super) async fn read(store: &Store, scope: &Scope) -> anyhow::Result<Figure> {
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
    Ok(figure(scope, &months))
}

fn figure(scope: &Scope, months: &[Month]) -> Figure {
    let title = "Active customers by month";
    let Some(last) = months.last() else {
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
        about: if scope.is_past() {
            "Customers with a purchase in the month; months that were over by the day"
        } else {
            "Customers with a purchase in the month; the last month is not over"
        }
        .to_owned(),
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
            rows: months.iter().rev().map(row).collect(),
        },
        data: json!(months),
    }
}

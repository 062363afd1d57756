//! Value at the same age.

use sarafan_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::figure::{Column, Figure, Key, Table};
use super::format::{count, decimal};
use super::ltv::Ltvs;
use super::rows::rows;
use super::scope::{CustomersBy, Scope};

/// Value of the whole or of a segment at an age.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub(super) struct AtAge {
    dimension: String,
    segment: String,
    pub(super) age_days: u16,
    pub(super) customers: f64,
    pub(super) margin_per_customer: Option<f64>,
}

/// The whole and its segments, in the currency with most revenue.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AtAges(Vec<AtAge>);

impl AtAges {
    /// Reads them.
    pub(super) async fn read(store: &Store, scope: &Scope) -> anyhow::Result<Self> {
        let sql = "SELECT dimension, segment, age_days, toFloat64(customers) AS customers, margin_per_customer \
            FROM value_at_age AS v WHERE dimension IN ('all', {cut:String}) AND currency = {currency:String} \
            AND v.customers > 0 ORDER BY age_days, segment";
        let parameters = [("cut", scope.customers_cut()), ("currency", &scope.deployment.currency)];
        Ok(Self(rows(store, sql, &parameters).await?))
    }

    /// The whole at an age.
    pub(super) fn whole_at(&self, age_days: u16) -> Option<&AtAge> {
        self.0.iter().find(|v| v.dimension == "all" && v.age_days == age_days)
    }

    /// Its chart, of the segments that are drawn of the lifetime value.
    pub(super) fn figure(&self, scope: &Scope, ltvs: &Ltvs) -> Figure {
        let title = match &scope.customers_by {
            CustomersBy::One(name) => format!("Value at the same age, by {name}"),
            CustomersBy::Nothing(_) => "Value at the same age".to_owned(),
        };
        let of = |segment: &str, dimension_is_all: bool| -> Vec<&AtAge> {
            let same = |v: &&AtAge| (v.dimension == "all") == dimension_is_all && v.segment == segment;
            self.0.iter().filter(same).collect()
        };
        let whole = of("all", true);
        let Some(oldest) = whole.last() else {
            return Figure::empty("at-age", title, "No customer is 90 days old yet.");
        };
        let mut series = vec![json!({ "name": "the whole", "points": whole })];
        let mut legend = vec![Key::new("line whole", "the whole")];
        for (place, segment) in ltvs.largest(scope).into_iter().enumerate() {
            series.push(json!({ "name": segment.segment, "points": of(&segment.segment, false) }));
            legend.push(Key::new(format!("line c{}", place + 1), segment.segment.clone()));
        }
        let currency = &scope.deployment.currency;
        Figure {
            id: "at-age",
            title,
            about: format!("Margin per customer within so many days of the first order, {currency}"),
            summary: format!(
                "A customer has brought {} {currency} of margin by day {}, of {} customers that old.",
                decimal(oldest.margin_per_customer, 2),
                oldest.age_days,
                count(oldest.customers)
            ),
            legend,
            note: format!(
                "{}Each point is of the customers who are old enough; hollow marks stand for fewer than 30.",
                scope.only_now()
            ),
            table: table(&self.0),
            data: json!({ "currency": currency, "series": series }),
        }
    }
}

fn table(at_age: &[AtAge]) -> Table {
    let row = |v: &AtAge| {
        vec![v.segment.clone(), v.age_days.to_string(), count(v.customers), decimal(v.margin_per_customer, 2)]
    };
    Table {
        caption: "Margin per customer at the same age".to_owned(),
        columns: vec![
            Column::Text("Segment"),
            Column::Number("Age, days"),
            Column::Number("Customers old enough (n)"),
            Column::Number("Margin per customer"),
        ],
        rows: at_age.iter().map(row).collect(),
    }
}

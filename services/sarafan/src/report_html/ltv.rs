//! Realised lifetime value and its factors.

use sarafan_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::figure::{Column, Figure, Key, Table};
use super::format::{count, decimal, percent};
use super::rows::rows;
use super::scope::{CustomersBy, Scope};

/// Segments that are drawn: as many as can be told apart.
const SEGMENTS: usize = 6;

/// Realised lifetime value, of the whole or of a segment.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub(super) struct Ltv {
    dimension: String,
    pub(super) segment: String,
    currency: String,
    pub(super) customers: f64,
    pub(super) purchases: f64,
    revenue: f64,
    margin: f64,
    average_check: Option<f64>,
    orders_per_month: Option<f64>,
    margin_rate: Option<f64>,
    months: Option<f64>,
    pub(super) ltv: Option<f64>,
}

/// The whole and its segments, in every currency; that with most revenue first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ltvs(Vec<Ltv>);

impl Ltvs {
    /// Reads them.
    pub(super) async fn read(store: &Store, scope: &Scope) -> anyhow::Result<Self> {
        let sql = "SELECT dimension, segment, currency, toFloat64(customers) AS customers, toFloat64(purchases) AS purchases, \
            toFloat64(revenue) AS revenue, toFloat64(margin) AS margin, average_check, orders_per_month, margin_rate, months, \
            ltv FROM ltv AS l WHERE dimension IN ('all', {cut:String}) AND l.customers > 0 \
            ORDER BY dimension = 'all' DESC, currency = {currency:String} DESC, currency, customers DESC, segment";
        let parameters = [("cut", scope.customers_cut()), ("currency", &scope.deployment.currency)];
        Ok(Self(rows(store, sql, &parameters).await?))
    }

    /// The whole, in the currency with most revenue.
    pub(super) fn whole(&self) -> Option<&Ltv> {
        self.0.first().filter(|l| l.dimension == "all")
    }

    /// The largest segments, in that currency.
    pub(super) fn largest(&self, scope: &Scope) -> Vec<&Ltv> {
        let segments =
            self.0.iter().filter(|l| l.dimension != "all" && l.currency == scope.deployment.currency);
        segments.take(SEGMENTS).collect()
    }

    /// Its chart.
    pub(super) fn figure(&self, scope: &Scope) -> Figure {
        let title = match &scope.customers_by {
            CustomersBy::One(name) => format!("Realised lifetime value by {name}"),
            CustomersBy::Nothing(_) => "Realised lifetime value".to_owned(),
        };
        let Some(whole) = self.whole() else {
            return Figure::empty("ltv", title, "No customer has bought anything yet.");
        };
        let money = |value: Option<f64>| format!("{} {}", decimal(value, 2), whole.currency);
        let equation = format!(
            "{} average check × {} purchases a month × {} margin × {} months = {} a customer",
            money(whole.average_check),
            decimal(whole.orders_per_month, 2),
            percent(whole.margin_rate),
            decimal(whole.months, 1),
            money(whole.ltv)
        );
        let why = match &scope.customers_by {
            CustomersBy::Nothing(why) => format!(" {why}"),
            CustomersBy::One(_) => String::new(),
        };
        let mut legend = vec![Key::new("box whole", "the whole")];
        if !self.largest(scope).is_empty() {
            legend.push(Key::new("box c1", format!("segment, the largest {SEGMENTS} at most")));
        }
        let drawn: Vec<&Ltv> = [whole].into_iter().chain(self.largest(scope)).collect();
        Figure {
            id: "ltv",
            title,
            about: format!(
                "LTV = S × C × P × t, margin to date, {} customers of the whole",
                count(whole.customers)
            ),
            summary: format!("Of the whole: {equation}."),
            legend,
            note: format!(
                "{}{equation}. It grows with age: compare old and young segments by the value at the same age.{why}",
                scope.only_now()
            ),
            table: table(&self.0),
            data: json!({ "currency": whole.currency, "rows": drawn }),
        }
    }
}

fn table(ltv: &[Ltv]) -> Table {
    let row = |l: &Ltv| {
        let mut row = vec![l.segment.clone(), l.currency.clone()];
        row.extend([count(l.customers), count(l.purchases), count(l.revenue), count(l.margin)]);
        row.extend([
            decimal(l.average_check, 2),
            decimal(l.orders_per_month, 2),
            percent(l.margin_rate),
            decimal(l.months, 1),
            decimal(l.ltv, 2),
        ]);
        row
    };
    let numbers = [
        "Customers",
        "Purchases",
        "Revenue",
        "Margin",
        "Average check (S)",
        "Purchases a month (C)",
        "Margin rate (P)",
        "Months (t)",
        "LTV",
    ];
    Table {
        caption: "Realised lifetime value, money in the currency of the row".to_owned(),
        columns: [Column::Text("Segment"), Column::Text("Currency")]
            .into_iter()
            .chain(numbers.map(Column::Number))
            .collect(),
        rows: ltv.iter().map(row).collect(),
    }
}

//! Lifetime value: its factors, the value at the same age, and the cohorts.

use sarafan_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::figure::{Column, Figure, Key, Table};
use super::format::{count, decimal, month, percent, total};
use super::rows::{Day, rows};
use super::scope::{CustomersBy, Scope};

/// Segments that are drawn: as many as can be told apart.
const SEGMENTS: usize = 6;
/// Months of a cohort that are drawn.
const MONTHS: u16 = 24;

/// Realised lifetime value, of the whole or of a segment.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub(super) struct Ltv {
    dimension: String,
    segment: String,
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

/// Value at the same age.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub(super) struct AtAge {
    dimension: String,
    segment: String,
    pub(super) age_days: u16,
    pub(super) customers: f64,
    pub(super) margin_per_customer: Option<f64>,
}

/// A month of a cohort.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Cohort {
    cohort: Day,
    index: u16,
    customers: f64,
    size: f64,
    value: Option<f64>,
}

/// What customers are worth.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    ltv: Vec<Ltv>,
    at_age: Vec<AtAge>,
    cohorts: Vec<Cohort>,
}

impl Value {
    /// Reads it, in the currency with most revenue; realised value in every currency.
    pub(super) async fn read(store: &Store, scope: &Scope) -> anyhow::Result<Self> {
        let cut = match &scope.customers_by {
            CustomersBy::One(name) => name.as_str(),
            CustomersBy::Nothing(_) => "all",
        };
        let parameters = [("cut", cut), ("currency", scope.deployment.currency.as_str())];
        let ltv = "SELECT dimension, segment, currency, toFloat64(customers) AS customers, toFloat64(purchases) AS purchases, \
            toFloat64(revenue) AS revenue, toFloat64(margin) AS margin, average_check, orders_per_month, margin_rate, months, \
            ltv FROM ltv AS l WHERE dimension IN ('all', {cut:String}) AND l.customers > 0 \
            ORDER BY dimension = 'all' DESC, currency = {currency:String} DESC, currency, customers DESC, segment";
        let at_age = "SELECT dimension, segment, age_days, toFloat64(customers) AS customers, margin_per_customer \
            FROM value_at_age AS v WHERE dimension IN ('all', {cut:String}) AND currency = {currency:String} \
            AND v.customers > 0 ORDER BY age_days, segment";
        let cohorts = format!(
            "SELECT toString(cohort_month) AS cohort, month_index AS index, toFloat64(customers) AS customers, \
             toFloat64(cohort_size) AS size, cumulative_margin_per_customer AS value FROM cohorts \
             WHERE dimension = 'all' AND currency = {{currency:String}} AND month_index < {MONTHS} \
             AND cohort_month > toStartOfMonth(toDate('{}')) - INTERVAL {MONTHS} MONTH ORDER BY cohort, index",
            scope.deployment.today.0
        );
        Ok(Self {
            ltv: rows(store, ltv, &parameters).await?,
            at_age: rows(store, at_age, &parameters).await?,
            cohorts: rows(store, &cohorts, &parameters).await?,
        })
    }

    /// The whole, in the currency with most revenue.
    pub(super) fn whole(&self) -> Option<&Ltv> {
        self.ltv.first().filter(|l| l.dimension == "all")
    }

    /// The whole at an age.
    pub(super) fn whole_at(&self, age_days: u16) -> Option<&AtAge> {
        self.at_age.iter().find(|v| v.dimension == "all" && v.age_days == age_days)
    }

    /// Its charts.
    pub(super) fn figures(&self, scope: &Scope) -> Vec<Figure> {
        vec![self.factors(scope), self.at_age(scope), self.cohorts(scope)]
    }

    /// The largest segments of the main currency.
    fn largest(&self, scope: &Scope) -> Vec<&Ltv> {
        let segments =
            self.ltv.iter().filter(|l| l.dimension != "all" && l.currency == scope.deployment.currency);
        segments.take(SEGMENTS).collect()
    }

    fn factors(&self, scope: &Scope) -> Figure {
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
            table: ltv_table(&self.ltv),
            data: json!({ "currency": whole.currency, "rows": drawn }),
        }
    }

    fn at_age(&self, scope: &Scope) -> Figure {
        let title = match &scope.customers_by {
            CustomersBy::One(name) => format!("Value at the same age, by {name}"),
            CustomersBy::Nothing(_) => "Value at the same age".to_owned(),
        };
        let of = |segment: &str, dimension_is_all: bool| -> Vec<&AtAge> {
            let same = |v: &&AtAge| (v.dimension == "all") == dimension_is_all && v.segment == segment;
            self.at_age.iter().filter(same).collect()
        };
        let whole = of("all", true);
        let Some(oldest) = whole.last() else {
            return Figure::empty("at-age", title, "No customer is 90 days old yet.");
        };
        let mut series = vec![json!({ "name": "the whole", "points": whole })];
        let mut legend = vec![Key::new("line whole", "the whole")];
        for (place, segment) in self.largest(scope).into_iter().enumerate() {
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
            table: at_age_table(&self.at_age),
            data: json!({ "currency": currency, "series": series }),
        }
    }

    fn cohorts(&self, scope: &Scope) -> Figure {
        let title = "Cohorts: who still buys, month after month";
        let (Some(first), Some(last)) = (self.cohorts.first(), self.cohorts.last()) else {
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
                rows: self.cohorts.iter().map(row).collect(),
            },
            data: json!(
                self.cohorts
                    .iter()
                    .map(|c| json!([c.cohort, c.index, c.customers, c.size]))
                    .collect::<Vec<_>>()
            ),
        }
    }
}

fn ltv_table(ltv: &[Ltv]) -> Table {
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

fn at_age_table(at_age: &[AtAge]) -> Table {
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

/// Revenue of a period beside that of the one before.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Sales {
    revenue: f64,
    before: f64,
    orders: f64,
}

impl Sales {
    /// Reads the days of the window that headlines, and as many before.
    pub(super) async fn read(store: &Store, scope: &Scope) -> anyhow::Result<Option<Self>> {
        let (day, days) = (scope.day, scope.deployment.window_days);
        let sql = format!(
            "SELECT toFloat64(sumIf(s.revenue, s.day > toDate('{day}') - {days})) AS revenue, \
             toFloat64(sumIf(s.revenue, s.day <= toDate('{day}') - {days})) AS before, \
             toFloat64(sumIf(s.orders, s.day > toDate('{day}') - {days})) AS orders FROM sales_daily AS s \
             WHERE dimension = 'all' AND currency = {{currency:String}} AND s.day <= '{day}' AND s.day > toDate('{day}') - 2 * {days}"
        );
        Ok(rows(store, &sql, &[("currency", &scope.deployment.currency)]).await?.into_iter().next())
    }

    /// The revenue and its unit.
    pub(super) fn revenue(&self, currency: &str) -> (String, String) {
        total(self.revenue, currency)
    }

    /// Its orders.
    pub(super) fn orders(&self) -> String {
        count(self.orders)
    }

    /// Against the period before, as a fraction of it; none when there was no revenue then.
    pub(super) fn growth(&self) -> Option<f64> {
        (self.before > 0.0).then(|| self.revenue / self.before - 1.0)
    }
}

//! The figures that are known of the data sets from outside of this project, and how they are read from the views.

use std::time::{Duration, Instant};

use sarafan_store::Store;

use super::Finding;
use super::monitoring::{Monitoring, recorded};
use super::site::Site;

const NPS: &str = "30.98";
const POLL: Duration = Duration::from_millis(200);
/// Much longer than two scrapes and an evaluation take.
const PATIENCE: Duration = Duration::from_secs(60);

/// `(figure, known value, query)`.
type Known = (&'static str, &'static str, &'static str);

const KNOWN: &[Known] = &[
    ("orders of customers", "18536", "SELECT sum(orders) FROM ltv WHERE dimension = 'all'"),
    ("customers", "4339", "SELECT sum(customers) FROM ltv WHERE dimension = 'all'"),
    ("gross, GBP", "8911407.904", "SELECT gross FROM ltv WHERE dimension = 'all' AND currency = 'GBP'"),
    (
        "refunded, with refund_only, GBP",
        "611342.09",
        "SELECT refunded + refund_only FROM ltv WHERE dimension = 'all' AND currency = 'GBP'",
    ),
    (
        "revenue, less refund_only, GBP",
        "8300065.814",
        "SELECT revenue - refund_only FROM ltv WHERE dimension = 'all' AND currency = 'GBP'",
    ),
    ("guest orders", "3525", "SELECT count() FROM orders WHERE customer_id IS NULL"),
    ("gross of guest orders, GBP", "1744214.58", "SELECT sum(amount) FROM orders WHERE customer_id IS NULL"),
    ("guest orders that count", "3525", "SELECT sum(guests) FROM sales_daily WHERE dimension = 'all'"),
    ("credits of customers", "3654", "SELECT count() FROM refunds WHERE customer_id IS NOT NULL"),
    ("credits of guests", "182", "SELECT count() FROM refunds WHERE customer_id IS NULL"),
    (
        "customers with credits alone",
        "33",
        "SELECT uniqExact(customer_id) FROM refunds WHERE customer_id IS NOT NULL AND customer_id NOT IN \
         (SELECT customer_id FROM orders WHERE counted AND customer_id IS NOT NULL)",
    ),
    ("scored answers", "2650", "SELECT responses FROM nps WHERE HEADLINE"),
    ("promoters", "1268", "SELECT promoters FROM nps WHERE HEADLINE"),
    ("detractors", "447", "SELECT detractors FROM nps WHERE HEADLINE"),
    ("NPS", NPS, "SELECT round(nps, 2) FROM nps WHERE HEADLINE"),
    (
        "NPS, 95 % interval",
        "28.12 .. 33.77",
        "SELECT concat(toString(round(nps_low, 2)), ' .. ', toString(round(nps_high, 2))) FROM nps WHERE HEADLINE",
    ),
    ("answers without a score", "159", "SELECT no_score FROM nps WHERE HEADLINE"),
];

/// Customers with at least so many purchases, from one on.
const FUNNEL: [u32; 11] = [4339, 2845, 2010, 1502, 1115, 872, 700, 557, 459, 391, 337];

/// All answers of the survey: they span a month.
const HEADLINE: &str =
    "survey = 'airport_2018' AND population = 'responses' AND window_days = 365 AND dimension = 'all'";

/// Reads every known figure from the views.
pub(crate) async fn known_figures(store: &Store) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (what, expected, sql) in KNOWN {
        let found = scalar(store, &sql.replace("HEADLINE", HEADLINE)).await?;
        findings.push(Finding { what: (*what).to_owned(), expected: (*expected).to_owned(), found });
    }
    for (step, customers) in (1..).zip(FUNNEL) {
        let sql = format!("SELECT customers FROM repeat_funnel WHERE dimension = 'all' AND step = {step}");
        let what = format!("customers with {step} or more purchases");
        findings.push(Finding { what, expected: customers.to_string(), found: scalar(store, &sql).await? });
    }
    Ok(findings)
}

/// The NPS as Prometheus records it, which is that of the view as soon as all partitions are scraped: it is waited for.
pub(crate) async fn recorded_nps(site: &Site, monitoring: &Monitoring) -> anyhow::Result<Finding> {
    const SERIES: &str = "survey=\"airport_2018\", population=\"responses\", window_days=\"365\", period=\"rolling\", dimension=\"all\"";
    let series = format!("sarafan:nps{{deployment=\"{}\", {SERIES}}}", site.deployment.clickhouse.database);
    let deadline = Instant::now() + PATIENCE;
    let found = loop {
        match recorded(&monitoring.prometheus, series.clone()).await? {
            Some(nps) => break format!("{nps:.2}"),
            None if Instant::now() > deadline => break "absent".to_owned(),
            None => tokio::time::sleep(POLL).await,
        }
    };
    Ok(Finding { what: "NPS, as Prometheus records it".to_owned(), expected: NPS.to_owned(), found })
}

/// The one value of a query; empty when there is no row.
pub(super) async fn scalar(store: &Store, sql: &str) -> anyhow::Result<String> {
    let rows = store.query(sql, &[]).await?;
    Ok(rows.columns.first().and_then(|column| rows.text(0, &column.name)).unwrap_or_default())
}

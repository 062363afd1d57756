//! Revenue of the window that headlines.

use sarafan_store::Store;
use serde::Deserialize;

use super::format::{count, total};
use super::rows::rows;
use super::scope::Scope;

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

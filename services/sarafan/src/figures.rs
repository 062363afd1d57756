//! The figures that a report shows: which views, which columns.

use jiff::civil::Date;
use sarafan_core::definitions::Definitions;
use sarafan_store::{Rows, Store, StoreError};

/// One table of a report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Section {
    /// What it is about.
    pub(crate) title: String,
    /// Its rows.
    pub(crate) rows: Rows,
}

/// What to show.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice {
    /// Of this survey; of all when none.
    pub(crate) survey: Option<String>,
    /// Cut by this dimension; the whole when none.
    pub(crate) dimension: Option<String>,
    /// As it was on this day; as of now when none.
    pub(crate) as_of: Option<Date>,
}

impl Choice {
    fn dimension(&self) -> &str {
        self.dimension.as_deref().unwrap_or("all")
    }

    fn day(&self) -> String {
        self.as_of.map_or_else(|| "as of now".to_owned(), |day| format!("as of {day}"))
    }
}

/// NPS in every rolling window.
pub(crate) async fn nps(
    store: &Store,
    definitions: &Definitions,
    choice: &Choice,
) -> Result<Section, StoreError> {
    let source = match choice.as_of {
        None => "nps".to_owned(),
        Some(day) => {
            let windows = definitions.metrics.windows.iter();
            let at = |window| format!("SELECT * FROM nps_at(as_of = '{day}', window_days = {window})");
            format!("({})", windows.map(at).collect::<Vec<_>>().join(" UNION ALL "))
        }
    };
    let sql = format!(
        "SELECT survey, population, window_days, segment, responses, promoters, passives, detractors, \
         round(nps, 2) AS nps, round(nps_low, 2) AS nps_low, round(nps_high, 2) AS nps_high, \
         round(change, 2) AS change, significant, no_score, round(response_rate, 4) AS response_rate \
         FROM {source} WHERE dimension = {{dimension:String}} AND ({{survey:String}} = '' OR survey = {{survey:String}}) \
         ORDER BY survey, population, window_days, segment"
    );
    let survey = choice.survey.as_deref().unwrap_or_default();
    let rows = store.query(&sql, &[("dimension", choice.dimension()), ("survey", survey)]).await?;
    Ok(Section { title: format!("Net Promoter Score, rolling windows, {}", choice.day()), rows })
}

/// The repeat-purchase funnel.
pub(crate) async fn funnel(store: &Store, choice: &Choice) -> Result<Section, StoreError> {
    let source = match choice.as_of {
        None => "repeat_funnel".to_owned(),
        Some(day) => format!("repeat_funnel_at(as_of = '{day}')"),
    };
    let sql = format!(
        "SELECT segment, step, customers, next_customers, round(conversion, 4) AS conversion, round(p30, 4) AS p30, \
         round(p90, 4) AS p90, round(p180, 4) AS p180, round(p365, 4) AS p365, median_gap_days FROM {source} \
         WHERE dimension = {{dimension:String}} AND step <= 12 ORDER BY segment, step"
    );
    let rows = store.query(&sql, &[("dimension", choice.dimension())]).await?;
    let title = format!(
        "Repeat purchases, {}: p30..p365 = probability of the next within so many days",
        choice.day()
    );
    Ok(Section { title, rows })
}

/// Realised lifetime value. The view knows today alone.
pub(crate) async fn ltv(store: &Store, choice: &Choice) -> Result<Section, StoreError> {
    let sql = "SELECT segment, currency, customers, orders, gross, refunded, revenue, margin, refund_only, \
               round(average_check, 2) AS average_check, round(orders_per_month, 3) AS orders_per_month, \
               round(margin_rate, 4) AS margin_rate, round(months, 2) AS months, round(ltv, 2) AS ltv FROM ltv \
               WHERE dimension = {dimension:String} ORDER BY currency, segment";
    let rows = store.query(sql, &[("dimension", choice.dimension())]).await?;
    Ok(Section { title: "Realised lifetime value (margin to date), as of now".to_owned(), rows })
}

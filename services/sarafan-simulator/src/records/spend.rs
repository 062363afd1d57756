//! The advertising platform's daily bill.

use serde::Serialize;

use super::Iso;
use crate::money::Cents;

/// What a campaign cost in a region on a day.
#[derive(Debug, Serialize)]
pub(crate) struct SpendRecord {
    pub(crate) campaign: &'static str,
    /// `20260227`.
    pub(crate) day: i64,
    pub(crate) region: &'static str,
    pub(crate) reported: Iso,
    pub(crate) currency: &'static str,
    pub(crate) costs: Vec<Clicks>,
}

/// Clicks at one price.
#[derive(Debug, Serialize)]
pub(crate) struct Clicks {
    pub(crate) clicks: i64,
    pub(crate) price: Cents,
}

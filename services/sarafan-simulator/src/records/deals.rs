//! The sales team's book: one record for each stage that a deal enters.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Iso;

/// A deal entered a stage.
#[derive(Debug, Serialize)]
pub(crate) struct DealRecord<'a> {
    pub(crate) deal: &'a str,
    pub(crate) account: &'a str,
    pub(crate) owner: &'static str,
    pub(crate) changed: Iso,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order: Option<&'a str>,
    /// Stage -> when it was entered.
    pub(crate) stages: BTreeMap<&'static str, Iso>,
}

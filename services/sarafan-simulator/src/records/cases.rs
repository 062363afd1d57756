//! The service desk's cases.

use serde::Serialize;

use super::Iso;

/// A case as it stands; fields that have no value yet are left out.
#[derive(Debug, Serialize)]
pub(crate) struct CaseRecord<'a> {
    pub(crate) case: &'a str,
    pub(crate) customer: Option<&'a str>,
    pub(crate) answer: &'a str,
    pub(crate) owner: &'static str,
    pub(crate) updated: Iso,
    pub(crate) opened: Iso,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contacted: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resolved: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<&'static str>,
}

//! What the mailing tool says about the questions it sent.

use serde::Serialize;

use super::Iso;

/// An invitation, or what became of it.
#[derive(Debug, Serialize)]
pub(crate) struct MailingRecord<'a> {
    pub(crate) id: &'a str,
    pub(crate) customer: Option<&'a str>,
    /// Whose it was until now; null says: a guest's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous_customer: Option<Option<&'a str>>,
    pub(crate) order: Option<&'a str>,
    pub(crate) form: &'static str,
    pub(crate) at: Iso,
    pub(crate) sent_at: Iso,
    pub(crate) event: &'static str,
    pub(crate) via: &'static str,
    pub(crate) touchpoint: &'static str,
    pub(crate) store: &'static str,
    pub(crate) region: &'static str,
    pub(crate) manager: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reminder_of: Option<&'a str>,
}

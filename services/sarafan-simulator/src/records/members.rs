//! The loyalty programme's change data.

use serde::Serialize;

use super::Millis;

/// A changed row.
#[derive(Debug, Serialize)]
pub(crate) struct MemberRecord<'a> {
    /// `c` for created, `u` for updated.
    pub(crate) op: &'static str,
    pub(crate) ts_ms: Millis,
    pub(crate) after: Profile<'a>,
}

/// The row as it is now.
#[derive(Debug, Serialize)]
pub(crate) struct Profile<'a> {
    pub(crate) member: &'a str,
    /// `person`, or `staff`.
    pub(crate) kind: &'static str,
    pub(crate) tier: &'static str,
    pub(crate) region: &'static str,
    pub(crate) home_store: &'static str,
    pub(crate) language: &'static str,
}

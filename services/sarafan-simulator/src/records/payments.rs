//! The payment provider's refunds.

use serde::Serialize;

use super::Millis;

/// Money given back.
#[derive(Debug, Serialize)]
pub(crate) struct PaymentRecord<'a> {
    pub(crate) provider: &'static str,
    pub(crate) refund: u64,
    pub(crate) payer: Option<&'a str>,
    /// None: it names no order.
    pub(crate) order: Option<&'a str>,
    pub(crate) booked: Millis,
    pub(crate) changed: Millis,
    pub(crate) cents: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) margin_cents: Option<i64>,
    pub(crate) currency: &'static str,
    pub(crate) store: &'static str,
    pub(crate) code: u16,
}

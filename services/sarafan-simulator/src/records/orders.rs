//! The shop's order events: whole when an order is placed, corrected or claimed, else only what changed.

use serde::Serialize;

use super::Iso;
use crate::money::Cents;

/// An order event.
#[derive(Debug, Serialize)]
pub(crate) struct OrderRecord<'a> {
    pub(crate) event: &'static str,
    pub(crate) number: &'a str,
    pub(crate) customer: Buyer<'a>,
    pub(crate) changed_at: Iso,
    pub(crate) state: &'static str,
    #[serde(flatten)]
    pub(crate) content: Option<OrderContent<'a>>,
}

/// The shop is alive.
#[derive(Debug, Serialize)]
pub(crate) struct Heartbeat {
    pub(crate) event: &'static str,
    pub(crate) changed_at: Iso,
}

/// Who bought.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Buyer<'a> {
    /// None: a guest.
    pub(crate) id: Option<&'a str>,
    /// Whose the order was until now; null says: a guest's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous_id: Option<Option<&'a str>>,
}

/// All of an order.
#[derive(Debug, Serialize)]
pub(crate) struct OrderContent<'a> {
    pub(crate) created_at: Iso,
    pub(crate) channel: &'static str,
    pub(crate) store: &'static str,
    pub(crate) region: &'static str,
    pub(crate) manager: &'static str,
    pub(crate) seller: Option<&'static str>,
    pub(crate) basket: Option<&'a str>,
    pub(crate) campaign: Option<&'static str>,
    pub(crate) referrer: Option<&'a str>,
    pub(crate) currency: &'static str,
    pub(crate) totals: Totals,
    pub(crate) lines: Vec<OrderLine>,
}

/// Amounts of an order.
#[derive(Debug, Serialize)]
pub(crate) struct Totals {
    pub(crate) goods: Cents,
    /// Below zero, as this shop writes it.
    pub(crate) discount: Cents,
    pub(crate) tax: Cents,
    pub(crate) shipping: Cents,
    /// Not known of a marketplace's order.
    pub(crate) margin: Option<Cents>,
}

/// A line of an order.
#[derive(Debug, Serialize)]
pub(crate) struct OrderLine {
    pub(crate) sku: &'static str,
    pub(crate) category: &'static str,
    pub(crate) brand: &'static str,
    pub(crate) quantity: i64,
    pub(crate) price: Cents,
    pub(crate) total: Cents,
}

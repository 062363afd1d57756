//! What is derived for a customer as a whole: `customer_figures` and `customer_money`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::orders::purchase_days;
use super::{Settled, Settling, symbol};
use crate::state::holder::{Holder, ORDERS};
use crate::state::layout::{customer, order};
use crate::statistics::ltv::Sums;
use crate::vocabulary::{Day, Instant, Symbol};

/// One row of `customer_figures`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) excluded_reason: Option<Symbol>,
    /// First and latest counted order.
    pub(crate) orders_at: Option<(Instant, Instant)>,
    pub(crate) days: Option<(Day, Day)>,
    pub(crate) orders: u32,
    pub(crate) purchases: u32,
    pub(crate) answers: u32,
    pub(crate) years_bought: u16,
    /// Of the headline survey.
    pub(crate) latest: Option<(i64, Instant)>,
    pub(crate) referred_by: Option<Symbol>,
    pub(crate) cuts: Vec<u32>,
}

/// A customer's money in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Purse {
    pub(crate) currency: Symbol,
    pub(crate) text: Arc<str>,
    pub(crate) orders: i128,
    /// Days of the purchases in this currency; empty when there are only refunds.
    pub(crate) days: Vec<Day>,
    pub(crate) gross: i128,
    pub(crate) refunded: i128,
    pub(crate) revenue: i128,
    pub(crate) margin: i128,
}

impl Purse {
    /// Lifetime in units of 1/487 month.
    pub(crate) fn months_487(&self) -> i128 {
        match (self.days.first(), self.days.last()) {
            (Some(first), Some(last)) => Sums::months_487(last.since(*first)),
            _ => 0,
        }
    }

    /// Refunds that name no order, from a customer who has bought nothing in this currency.
    pub(crate) fn is_refund_only(&self) -> bool {
        self.days.is_empty()
    }
}

pub(super) fn settle(settled: &mut Settled, holder: &Holder, excluded: bool, with: &mut Settling<'_>) {
    settled.purses = purses(settled, holder, with);
    let reason = with.customer(holder).and_then(|c| symbol(c, customer::EXCLUDED_REASON));
    let (first, last) = (settled.orders.first(), settled.orders.last());
    let purchases = &settled.purchases;
    let scored = || settled.answers.iter().filter(|a| a.score.is_some());
    let latest = scored().rfind(|a| Some(a.survey) == with.words.headline);
    let years: BTreeSet<i32> = purchases.iter().map(|p| p.day.year()).collect();
    settled.figures = Some(Figures {
        excluded_reason: reason.filter(|_| excluded),
        orders_at: first.zip(last).map(|(f, l)| (f.at, l.at)),
        days: purchases.first().zip(purchases.last()).map(|(f, l)| (f.day, l.day)),
        orders: settled.orders.len() as u32,
        purchases: purchases.len() as u32,
        answers: scored().count() as u32,
        years_bought: years.len() as u16,
        latest: latest.and_then(|a| a.score.map(|score| (score, a.at))),
        referred_by: first.and_then(|o| symbol(&holder.of(ORDERS)[o.place], order::REFERRED_BY)),
        cuts: settled.cuts.clone(),
    });
}

fn purses(settled: &Settled, holder: &Holder, with: &Settling<'_>) -> Vec<Purse> {
    let mut by_text: BTreeMap<Arc<str>, Purse> = BTreeMap::new();
    let purse = |currency: Symbol| {
        let text = Arc::clone(with.symbols.text(currency));
        let days = Vec::new();
        Purse { currency, text, orders: 0, days, gross: 0, refunded: 0, revenue: 0, margin: 0 }
    };
    for o in &settled.orders {
        let p = by_text.entry(Arc::clone(with.symbols.text(o.currency))).or_insert_with(|| purse(o.currency));
        p.orders += 1;
        p.gross += i128::from(o.amount);
        p.refunded += i128::from(o.refunded);
        p.revenue += i128::from(o.revenue());
        p.margin += o.margin;
    }
    for r in &settled.loose {
        let p = by_text.entry(Arc::clone(with.symbols.text(r.currency))).or_insert_with(|| purse(r.currency));
        p.refunded += i128::from(r.amount);
        p.revenue -= i128::from(r.amount);
        p.margin -= r.margin;
    }
    let mut purses: Vec<Purse> = by_text.into_values().collect();
    for p in &mut purses {
        p.days = purchase_days(settled.orders.iter().filter(|o| o.currency == p.currency), holder, with);
    }
    purses
}

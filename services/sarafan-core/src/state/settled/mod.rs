//! What follows from all the records under one key: the orders and answers that count, and what is derived for each.
//!
//! A pure function of the holder and the definitions (METRICS 1, 2); every metric and every derived row starts here.

mod answers;
mod cutting;
mod figures;
mod invitations;
mod orders;

use std::sync::Arc;

use crate::cuts::Cuts;
use crate::definitions::Definitions;
use crate::state::entity::Entity;
use crate::state::holder::{CUSTOMERS, Holder};
use crate::state::layout::{Layout, customer};
use crate::vocabulary::{Day, Instant, Symbol, Symbols};
use crate::words::Words;

pub(crate) use figures::{Figures, Purse};

/// What settling needs beside the holder.
pub(crate) struct Settling<'a> {
    pub(crate) definitions: &'a Definitions,
    pub(crate) layouts: &'a [Layout; 5],
    pub(crate) words: &'a Words,
    pub(crate) symbols: &'a mut Symbols,
    pub(crate) cuts: &'a mut Cuts,
}

/// What follows from a holder.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// A customer's and not a guest's.
    pub(crate) is_customer: bool,
    /// Cuts of the customer as a whole: `all` and each customer dimension.
    pub(crate) cuts: Vec<u32>,
    /// Orders that count, by `(ordered_at, order_id)`.
    pub(crate) orders: Vec<Order>,
    /// Purchases, in order of time.
    pub(crate) purchases: Vec<Purchase>,
    /// Every refund, on its own day.
    pub(crate) booked: Vec<Booked>,
    /// Refunds that name no order.
    pub(crate) loose: Vec<Loose>,
    /// Answers in figures, scored or not, by `(answered_at, response_id)`.
    pub(crate) answers: Vec<Answer>,
    /// Invitations in figures.
    pub(crate) invitations: Vec<Invitation>,
    /// Derived columns, in the order of the holder's entities.
    pub(crate) order_rows: Vec<OrderRow>,
    pub(crate) refund_days: Vec<Option<Day>>,
    pub(crate) response_rows: Vec<ResponseRow>,
    pub(crate) invitation_rows: Vec<InvitationRow>,
    /// Of customers only.
    pub(crate) figures: Option<Figures>,
    pub(crate) purses: Vec<Purse>,
}

/// An order that counts.
#[derive(Debug)]
pub(crate) struct Order {
    /// Its place among the holder's orders.
    pub(crate) place: usize,
    pub(crate) at: Instant,
    pub(crate) day: Day,
    pub(crate) amount: i64,
    pub(crate) refunded: i64,
    pub(crate) margin: i128,
    pub(crate) currency: Symbol,
    pub(crate) purchase: usize,
    /// The first order of its purchase.
    pub(crate) opens_purchase: bool,
    /// `all`, the customer's and the order's dimensions.
    pub(crate) cuts: Vec<u32>,
}

impl Order {
    pub(crate) fn revenue(&self) -> i64 {
        self.amount - self.refunded
    }
}

/// One step of the funnel: the orders that share a `purchase_id`, on the first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Purchase {
    pub(crate) day: Day,
}

/// A refund on its own day.
#[derive(Debug)]
pub(crate) struct Booked {
    pub(crate) day: Day,
    pub(crate) amount: i64,
    pub(crate) currency: Symbol,
    pub(crate) cuts: Vec<u32>,
}

/// A refund that names no order.
#[derive(Debug)]
pub(crate) struct Loose {
    pub(crate) day: Day,
    pub(crate) amount: i64,
    pub(crate) margin: i128,
    pub(crate) currency: Symbol,
}

/// An answer in figures.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its place among the holder's responses.
    pub(crate) place: usize,
    pub(crate) at: Instant,
    pub(crate) day: Day,
    pub(crate) survey: Symbol,
    /// 0..=10; none without a score.
    pub(crate) score: Option<i64>,
    pub(crate) order: Option<Symbol>,
    /// `all`, the customer's and the answer's dimensions.
    pub(crate) cuts: Vec<u32>,
}

/// An invitation in figures, its reminders included.
#[derive(Debug)]
pub(crate) struct Invitation {
    pub(crate) day: Day,
    pub(crate) survey: Symbol,
    pub(crate) delivered: bool,
    pub(crate) answered: bool,
    pub(crate) cuts: Vec<u32>,
}

/// Derived columns of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OrderRow {
    pub(crate) day: Option<Day>,
    pub(crate) counted: bool,
    pub(crate) refunded: i64,
    pub(crate) over_refunded: i128,
    pub(crate) revenue: i64,
    pub(crate) net_margin: i128,
    pub(crate) nth: Option<u32>,
    pub(crate) is_first: bool,
    pub(crate) days_since_previous: Option<i32>,
}

/// Derived columns of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResponseRow {
    pub(crate) day: Option<Day>,
    pub(crate) counted: bool,
    pub(crate) superseded_on: Option<Day>,
    /// The response dimensions' cuts only.
    pub(crate) cuts: Vec<u32>,
}

/// Derived columns of an invitation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct InvitationRow {
    pub(crate) day: Option<Day>,
    pub(crate) counted: bool,
    pub(crate) reminders: u32,
    pub(crate) response_id: Option<Arc<str>>,
}

impl Settled {
    /// Settles a holder.
    pub(crate) fn of(holder: &Holder, with: &mut Settling<'_>) -> Self {
        let mut settled = Self { is_customer: holder.is_customer(), ..Self::default() };
        let excluded = with.customer(holder).is_some_and(|c| with.has_text(c, customer::EXCLUDED_REASON));
        let refunds = orders::settle(&mut settled, holder, excluded, with);
        settled.cuts = with.customer_cuts(holder, &settled.orders);
        orders::cut(&mut settled, holder, &refunds, excluded, with);
        let families = invitations::Families::of(holder, with.words);
        let latest = answers::settle(&mut settled, holder, excluded, &families, with);
        invitations::settle(&mut settled, holder, excluded, (&families, &latest), with);
        if settled.is_customer {
            figures::settle(&mut settled, holder, excluded, with);
        }
        settled
    }
}

impl Settled {
    /// The customer's cuts, and a record's own.
    fn cuts_with(&self, own: &[u32]) -> Vec<u32> {
        [&self.cuts, own].concat()
    }
}

impl Settling<'_> {
    /// The customer's own entity, if it is alive.
    pub(crate) fn customer<'h>(&self, holder: &'h Holder) -> Option<&'h Entity> {
        let id = holder.key.strip_prefix("c:")?;
        let entity = holder.find(CUSTOMERS, id)?;
        (!entity.erased && !entity.is(customer::DELETED)).then_some(entity)
    }

    /// Whether a slot holds a text that is not empty.
    fn has_text(&self, entity: &Entity, slot: u8) -> bool {
        symbol(entity, slot).is_some_and(|s| s != self.words.empty)
    }
}

/// The symbol in a slot.
pub(crate) fn symbol(entity: &Entity, slot: u8) -> Option<Symbol> {
    let number = u32::try_from(entity.get(slot)?).ok()?;
    Some(Symbol::from_number(number))
}

/// The instant in a slot.
pub(crate) fn instant(entity: &Entity, slot: u8) -> Option<Instant> {
    entity.get(slot).map(Instant::from_micros)
}

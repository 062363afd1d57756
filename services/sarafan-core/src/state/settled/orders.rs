//! Orders that count, their refunds and margins, and the purchases they make up (METRICS 1).

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::cutting::Cutting;
use super::{Booked, Loose, Order, OrderRow, Purchase, Settled, Settling, instant, symbol};
use crate::definitions::DimensionKind;
use crate::state::entity::Entity;
use crate::state::holder::{Holder, ORDERS, REFUNDS};
use crate::state::layout::{order, refund};
use crate::vocabulary::{Day, Symbol, Symbols};

/// A refund that is complete and alive.
pub(super) struct Refund<'a> {
    place: usize,
    entity: &'a Entity,
    day: Day,
    amount: i64,
    margin: Option<i64>,
    currency: Symbol,
    order: Option<Symbol>,
}

/// What the refunds of one order in one currency add up to.
#[derive(Default)]
struct Given {
    amount: i128,
    /// The refunds' own margins; `None` as soon as one has none.
    margin: Option<i128>,
}

type GivenBack<'a> = BTreeMap<(&'a str, Symbol), Given>;

/// Settles the orders; returns the refunds, whose cuts need the customer's own.
pub(super) fn settle<'h>(
    settled: &mut Settled,
    holder: &'h Holder,
    excluded: bool,
    with: &mut Settling<'_>,
) -> Vec<Refund<'h>> {
    let refunds = refunds_of(holder, with);
    settled.refund_days = holder.of(REFUNDS).iter().map(|e| day_of(e, refund::REFUNDED_AT, with)).collect();
    let symbols: &Symbols = with.symbols;
    let given = given_back(&refunds, symbols);
    for (place, entity) in holder.of(ORDERS).iter().enumerate() {
        let (row, counted) = weigh(place, entity, &given, excluded, with);
        settled.order_rows.push(row);
        settled.orders.extend(counted);
    }
    let id = |o: &Order| Arc::clone(&holder.of(ORDERS)[o.place].id);
    settled.orders.sort_by_cached_key(|o| (o.at, id(o)));
    group(settled, holder, with);
    number(settled);
    if !excluded {
        settled.loose = refunds.iter().filter(|r| r.order.is_none()).map(|r| loose(r, with)).collect();
    }
    refunds
}

/// Cuts of orders and refunds: they need the customer's own, which need the orders.
pub(super) fn cut(
    settled: &mut Settled,
    holder: &Holder,
    refunds: &[Refund<'_>],
    excluded: bool,
    with: &mut Settling<'_>,
) {
    for index in 0..settled.orders.len() {
        let entity = &holder.of(ORDERS)[settled.orders[index].place];
        let own = with.record_cuts(DimensionKind::Order, Cutting { own: (entity, ORDERS), order: None });
        settled.orders[index].cuts = settled.cuts_with(&own);
    }
    if excluded {
        return;
    }
    for r in refunds {
        let counted = counted_order(settled, holder, r.order, with.symbols);
        let own = counted.map_or((r.entity, REFUNDS), |o| (o, ORDERS));
        let own = with.record_cuts(DimensionKind::Order, Cutting { own, order: None });
        let cuts = settled.cuts_with(&own);
        settled.booked.push(Booked { day: r.day, amount: r.amount, currency: r.currency, cuts });
    }
}

/// The order that a refund, an answer or an invitation names, if it counts.
pub(super) fn counted_order<'h>(
    settled: &Settled,
    holder: &'h Holder,
    named: Option<Symbol>,
    symbols: &Symbols,
) -> Option<&'h Entity> {
    let (orders, id) = (holder.of(ORDERS), symbols.text(named?));
    let place = orders.binary_search_by(|e| e.id.cmp(id)).ok()?;
    settled.order_rows[place].counted.then(|| &orders[place])
}

fn day_of(entity: &Entity, slot: u8, with: &Settling<'_>) -> Option<Day> {
    instant(entity, slot).map(|at| with.definitions.zone.day(at))
}

fn refunds_of<'h>(holder: &'h Holder, with: &Settling<'_>) -> Vec<Refund<'h>> {
    let complete = |(place, entity): (usize, &'h Entity)| {
        let dead = entity.erased || entity.is(refund::DELETED) || entity.is(refund::MOVED);
        if dead {
            return None;
        }
        Some(Refund {
            place,
            entity,
            day: day_of(entity, refund::REFUNDED_AT, with)?,
            amount: entity.get(refund::AMOUNT)?,
            margin: entity.get(refund::MARGIN),
            currency: symbol(entity, refund::CURRENCY)?,
            order: symbol(entity, refund::ORDER_ID),
        })
    };
    let mut refunds: Vec<Refund<'h>> = holder.of(REFUNDS).iter().enumerate().filter_map(complete).collect();
    refunds.sort_by_key(|r| (r.day, r.place));
    refunds
}

fn given_back<'a>(refunds: &[Refund<'_>], symbols: &'a Symbols) -> GivenBack<'a> {
    let mut given: GivenBack<'a> = BTreeMap::new();
    for r in refunds {
        let Some(order) = r.order else { continue };
        let start = || Given { amount: 0, margin: Some(0) };
        let sum = given.entry((symbols.text(order), r.currency)).or_insert_with(start);
        sum.amount += i128::from(r.amount);
        sum.margin = sum.margin.zip(r.margin).map(|(a, b)| a + i128::from(b));
    }
    given
}

/// The derived columns of an order, and the order itself if it counts.
fn weigh(
    place: usize,
    entity: &Entity,
    given: &GivenBack<'_>,
    excluded: bool,
    with: &Settling<'_>,
) -> (OrderRow, Option<Order>) {
    let mut row = OrderRow { day: day_of(entity, order::ORDERED_AT, with), ..OrderRow::default() };
    if entity.is(order::DELETED) || entity.is(order::MOVED) {
        return (row, None);
    }
    let known = instant(entity, order::ORDERED_AT).zip(entity.get(order::AMOUNT));
    let (Some((at, amount)), Some(currency), Some(day)) = (known, symbol(entity, order::CURRENCY), row.day)
    else {
        return (row, None);
    };
    let none = Given { amount: 0, margin: Some(0) };
    let back = given.get(&(entity.id.as_ref(), currency)).unwrap_or(&none);
    let refunded = back.amount.min(i128::from(amount));
    row.refunded = refunded as i64;
    row.over_refunded = back.amount - refunded;
    let wholly = amount > 0 && refunded >= i128::from(amount);
    let positive = amount > 0 || (amount == 0 && with.definitions.metrics.count_zero_amount);
    if excluded || wholly || !positive || !is_sale(entity, with) {
        return (row, None);
    }
    let margin = net_margin(entity, amount, refunded, back.margin, with);
    row.counted = true;
    row.revenue = amount - row.refunded;
    row.net_margin = margin;
    let counted = Order {
        place,
        at,
        day,
        amount,
        refunded: row.refunded,
        margin,
        currency,
        purchase: 0,
        opens_purchase: false,
        cuts: Vec::new(),
    };
    (row, Some(counted))
}

/// A sale in a status that counts, and not excluded.
fn is_sale(entity: &Entity, with: &Settling<'_>) -> bool {
    let sale = symbol(entity, order::KIND).is_none_or(|kind| kind == with.words.sale);
    let status = symbol(entity, order::STATUS).is_some_and(|status| with.words.is_counted(status));
    sale && status && !with.has_text(entity, order::EXCLUDED_REASON)
}

/// What the record says, else amount x rate; refunds reduce it pro rata unless they all carry their own.
fn net_margin(entity: &Entity, amount: i64, refunded: i128, own: Option<i128>, with: &Settling<'_>) -> i128 {
    let said = entity.get(order::MARGIN).map(i128::from);
    let margin = said.unwrap_or_else(|| with.definitions.margin_rate.of(i128::from(amount)));
    match own {
        Some(own) => margin - own,
        None if amount == 0 => margin,
        None => margin - crate::vocabulary::divide_half_even(margin * refunded, i128::from(amount)),
    }
}

fn loose(refund: &Refund<'_>, with: &Settling<'_>) -> Loose {
    let rate = with.definitions.margin_rate;
    let margin = refund.margin.map_or_else(|| rate.of(i128::from(refund.amount)), i128::from);
    Loose { day: refund.day, amount: refund.amount, margin, currency: refund.currency }
}

/// What makes two orders one purchase.
#[derive(PartialEq, Eq, Hash)]
enum Joined {
    Purchase(Symbol),
    Alone(usize),
}

/// Numbers the purchases of all counted orders, whatever their currency.
fn group(settled: &mut Settled, holder: &Holder, with: &Settling<'_>) {
    let mut joined = Joiner::new(holder, with);
    for index in 0..settled.orders.len() {
        let (number, opens) = joined.purchase(&settled.orders[index]);
        let order = &mut settled.orders[index];
        (order.purchase, order.opens_purchase) = (number, opens);
        if opens {
            settled.purchases.push(Purchase { day: order.day });
        }
    }
}

/// Days of the purchases that some of the orders make up (those of one currency).
pub(super) fn purchase_days<'o>(
    orders: impl Iterator<Item = &'o Order>,
    holder: &Holder,
    with: &Settling<'_>,
) -> Vec<Day> {
    let mut joined = Joiner::new(holder, with);
    orders.filter_map(|order| joined.purchase(order).1.then_some(order.day)).collect()
}

/// Joins orders, handed over in order of time, to purchases.
struct Joiner<'a> {
    holder: &'a Holder,
    by_day: bool,
    symbols: &'a Symbols,
    /// Whether any order names a purchase: if none does, every order is one.
    named: bool,
    numbers: FxHashMap<Joined, usize>,
    days: Vec<Day>,
}

impl<'a> Joiner<'a> {
    fn new(holder: &'a Holder, with: &'a Settling<'_>) -> Self {
        let named = holder.of(ORDERS).iter().any(|e| e.get(order::PURCHASE_ID).is_some());
        let by_day = with.definitions.metrics.merge_same_day;
        Self { holder, by_day, symbols: with.symbols, named, numbers: FxHashMap::default(), days: Vec::new() }
    }

    /// The number of the order's purchase, and whether it is its first order.
    fn purchase(&mut self, order: &Order) -> (usize, bool) {
        let joined = self.named.then(|| self.joined(order));
        if let Some(number) = joined.as_ref().and_then(|j| self.numbers.get(j)) {
            return (*number, false);
        }
        let opens = !(self.by_day && self.days.last() == Some(&order.day));
        if opens {
            self.days.push(order.day);
        }
        let number = self.days.len() - 1;
        self.numbers.extend(joined.map(|j| (j, number)));
        (number, opens)
    }

    fn joined(&self, order: &Order) -> Joined {
        let entity = &self.holder.of(ORDERS)[order.place];
        let named = symbol(entity, order::PURCHASE_ID).or_else(|| self.symbols.find(&entity.id));
        named.map_or(Joined::Alone(order.place), Joined::Purchase)
    }
}

/// The place of each order in its customer's row of purchases.
fn number(settled: &mut Settled) {
    if !settled.is_customer {
        return;
    }
    for (index, order) in settled.orders.iter().enumerate() {
        let row = &mut settled.order_rows[order.place];
        row.nth = u32::try_from(order.purchase + 1).ok();
        row.is_first = index == 0;
        let previous = order.purchase.checked_sub(1).map(|p| settled.purchases[p].day);
        row.days_since_previous = previous.map(|day| settled.purchases[order.purchase].day.since(day));
    }
}

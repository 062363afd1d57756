//! Orders and what the shop writes of them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::customers::Channel;
use super::{Now, Task, World};
use crate::calendar::opening_hours;
use crate::catalogue::Line;
use crate::money::Cents;
use crate::places::Store;
use crate::records::{Buyer, Heartbeat, Iso, OrderContent, OrderLine, OrderRecord, Topic, Totals};

/// An order as it was placed. What goes wrong with it is decided then.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) number: String,
    pub(super) customer: usize,
    pub(super) placed: Timestamp,
    pub(super) channel: Channel,
    pub(super) store: &'static Store,
    pub(super) manager: &'static str,
    pub(super) touch: f64,
    pub(super) seller: Option<&'static str>,
    /// Orders of one purchase share it.
    pub(super) basket: Option<String>,
    pub(super) campaign: Option<&'static str>,
    pub(super) referrer: Option<String>,
    pub(super) lines: Vec<Line>,
    pub(super) discount: Cents,
    pub(super) is_late: bool,
    pub(super) is_defective: bool,
}

impl Order {
    /// Goods after the discount.
    pub(super) fn amount(&self) -> Cents {
        let goods: Cents = self.lines.iter().map(Line::total).sum();
        Cents(goods.0 - self.discount.0)
    }

    fn totals(&self) -> Totals {
        let amount = self.amount();
        let kept: Cents = self.lines.iter().map(|line| line.total().part(line.margin)).sum();
        let shipping = if self.channel == Channel::Store { Cents(0) } else { Cents(495) };
        Totals {
            goods: amount,
            discount: Cents(-self.discount.0),
            tax: amount.part(0.19),
            shipping,
            margin: (self.channel != Channel::Marketplace).then_some(Cents(kept.0 - self.discount.0)),
        }
    }

    fn content(&self) -> OrderContent<'_> {
        let line = |line: &Line| OrderLine {
            sku: line.sku,
            category: line.category,
            brand: line.brand,
            quantity: line.quantity,
            price: line.price,
            total: line.total(),
        };
        OrderContent {
            created_at: Iso(self.placed),
            channel: self.channel.name(),
            store: self.store.code,
            region: self.store.region,
            manager: self.manager,
            seller: self.seller,
            basket: self.basket.as_deref(),
            campaign: self.campaign,
            referrer: self.referrer.as_deref(),
            currency: self.store.currency,
            totals: self.totals(),
            lines: self.lines.iter().map(line).collect(),
        }
    }
}

/// What the test store orders.
fn test_order(at: Timestamp) -> OrderContent<'static> {
    OrderContent {
        created_at: Iso(at),
        channel: Channel::Web.name(),
        store: "T99",
        region: "Test",
        manager: "test",
        seller: None,
        basket: None,
        campaign: None,
        referrer: None,
        currency: "EUR",
        totals: Totals {
            goods: Cents(100),
            discount: Cents(0),
            tax: Cents(19),
            shipping: Cents(0),
            margin: None,
        },
        lines: Vec::new(),
    }
}

/// How much of an order an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// All of it.
    Whole,
    /// All of it, and that it was a guest's until now.
    Claimed,
    /// The new state alone.
    State,
}

impl World {
    /// Whose an order is, as the shop knows it now.
    pub(super) fn buyer(&self, order: &Order) -> Option<String> {
        let customer = &self.customers[order.customer];
        customer.is_member.then(|| customer.id.clone())
    }

    pub(super) fn write_order(&mut self, now: Now, order: &Order, state: &'static str, telling: Telling) {
        let buyer = self.buyer(order);
        let record = OrderRecord {
            event: if telling == Telling::State { "order.state" } else { "order.changed" },
            number: &order.number,
            customer: Buyer {
                id: buyer.as_deref(),
                previous_id: (telling == Telling::Claimed).then_some(None),
            },
            changed_at: Iso(now.at),
            state,
            content: (telling != Telling::State).then(|| order.content()),
        };
        self.write(now, Topic::Orders, &order.number, &record);
    }

    /// The parcel is there.
    pub(super) fn deliver(&mut self, now: Now, order: &Arc<Order>) {
        self.write_order(now, order, "done", Telling::State);
        self.after_delivery(now, order);
    }

    /// It is called off.
    pub(super) fn cancel(&mut self, now: Now, order: &Order) {
        self.write_order(now, order, "void", Telling::State);
    }

    /// The shop's ledger was wrong: a line was one piece too many, or a price too high.
    pub(super) fn correct(&mut self, now: Now, order: &Order) {
        let mut corrected = order.clone();
        if let Some(line) = corrected.lines.first_mut() {
            if line.quantity > 1 {
                line.quantity -= 1;
            } else {
                line.price = line.price.part(0.9);
            }
        }
        corrected.discount = corrected.discount.min(Cents(corrected.amount().0 / 2));
        self.write_order(now, &corrected, "done", Telling::Whole);
    }

    /// A heartbeat a day, and now and then an order of the test store.
    pub(super) fn noise(&mut self, now: Now) {
        let beat = Heartbeat { event: "heartbeat", changed_at: Iso(now.at) };
        self.write(now, Topic::Orders, "heartbeat", &beat);
        if self.chance.happens(0.1) {
            let number = format!("t-{}", now.at.as_second());
            let test = OrderRecord {
                event: "order.changed",
                number: &number,
                customer: Buyer { id: Some("test"), previous_id: None },
                changed_at: Iso(now.at),
                state: "paid",
                content: Some(test_order(now.at)),
            };
            self.write(now, Topic::Orders, &number, &test);
        }
        let tomorrow = crate::calendar::day_of(now.due).tomorrow().unwrap_or(jiff::civil::Date::MAX);
        let at = opening_hours(&mut self.chance, tomorrow);
        self.queue.push(at.max(now.due + SignedDuration::from_hours(1)), Task::Noise);
    }
}

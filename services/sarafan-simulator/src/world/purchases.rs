//! A purchase: what is ordered, and what will go wrong.

use std::sync::Arc;

use jiff::SignedDuration;

use super::customers::Channel;
use super::orders::{Order, Telling};
use super::{Now, Task, World, next};
use crate::calendar::{day_of, days};
use crate::catalogue::Line;
use crate::money::Cents;
use crate::places::{Manager, Store, any_store};
use crate::truths;

const SPLIT: f64 = 0.08;
const CALLED_OFF: f64 = 0.025;
const CORRECTED: f64 = 0.015;
/// Purchases elsewhere than at one's own store.
const STRAYING: f64 = 0.06;
const SELLERS: [&str; 3] = ["brightshop", "casa24", "nordic-home"];

impl World {
    /// A customer buys; the order may be shipped in two.
    pub(super) fn buy(&mut self, now: Now, customer: usize, channel: Channel, lines: Vec<Line>) {
        self.customers[customer].purchases += 1;
        self.customers[customer].last_bought = now.due;
        let is_split = channel != Channel::Store && lines.len() > 1 && self.chance.happens(SPLIT);
        if !is_split {
            let order = self.order(now, customer, channel, lines, None);
            return self.place(now, order);
        }
        let basket = format!("b-{:06}", next(&mut self.made.baskets));
        let (first, second) = lines.split_at(lines.len() / 2);
        for lines in [first.to_vec(), second.to_vec()] {
            let order = self.order(now, customer, channel, lines, Some(basket.clone()));
            self.place(now, order);
        }
    }

    fn order(
        &mut self,
        now: Now,
        customer: usize,
        channel: Channel,
        lines: Vec<Line>,
        basket: Option<String>,
    ) -> Order {
        let person = &self.customers[customer];
        let is_first = person.purchases == 1;
        let (home, campaign, referrer) = (person.store, person.campaign, person.referrer.clone());
        let store = if self.chance.happens(STRAYING) { any_store(&mut self.chance) } else { home };
        let Manager { id: manager, touch } = self.chance.pick(store.managers);
        let campaign = campaign.filter(|_| is_first);
        let goods: Cents = lines.iter().map(Line::total).sum();
        let discount = goods.part(match campaign {
            Some(truths::BAD_CAMPAIGN) => 0.35,
            Some(_) => 0.10,
            None => 0.0,
        });
        let has_collapsed = self.has_collapsed(now, store);
        Order {
            number: format!("o-{:07}", next(&mut self.made.orders)),
            customer,
            placed: now.at,
            channel,
            store,
            manager,
            touch,
            seller: (channel == Channel::Marketplace).then(|| self.chance.pick(&SELLERS)),
            basket,
            campaign,
            referrer: referrer.filter(|_| is_first),
            lines,
            discount,
            is_late: channel != Channel::Store && self.chance.happens(if has_collapsed { 0.7 } else { 0.11 }),
            is_defective: self.chance.happens(if has_collapsed { 0.12 } else { 0.04 }),
        }
    }

    /// Whether this store's service has collapsed by now.
    pub(super) fn has_collapsed(&self, now: Now, store: &Store) -> bool {
        store.code == truths::COLLAPSED_STORE && day_of(now.due) >= self.collapse
    }

    fn place(&mut self, now: Now, order: Order) {
        let order = Arc::new(order);
        if let Some(trace) = &mut self.customers[order.customer].trace {
            trace.order.get_or_insert_with(|| Arc::clone(&order));
        }
        let is_taken_away = order.channel == Channel::Store;
        self.write_order(now, &order, if is_taken_away { "done" } else { "paid" }, Telling::Whole);
        if self.chance.happens(CORRECTED) {
            let wait = self.chance.wait(days(3)) + SignedDuration::from_hours(1);
            self.later(now, wait, Task::Correct(Arc::clone(&order)));
        } else if self.chance.happens(CALLED_OFF) {
            let wait = SignedDuration::from_mins(self.chance.between(10, 1_200));
            return self.later(now, wait, Task::Cancel(order));
        }
        if is_taken_away {
            return self.after_delivery(now, &order);
        }
        let on_the_way = if order.is_late { (100, 260) } else { (24, 84) };
        let wait = SignedDuration::from_mins(60 * self.chance.between(on_the_way.0, on_the_way.1));
        let wait = wait + SignedDuration::from_millis(self.chance.between(0, 3_600_000));
        self.later(now, wait, Task::Deliver(order));
    }

    /// What follows once the goods are there: money back, and a question.
    pub(super) fn after_delivery(&mut self, now: Now, order: &Arc<Order>) {
        self.maybe_refund(now, order);
        let person = &self.customers[order.customer];
        let is_asked = if person.is_member { 0.92 } else { 0.6 };
        if !person.is_staff && self.chance.happens(is_asked) {
            let wait = SignedDuration::from_mins(self.chance.between(180, 1_800));
            self.later(now, wait, Task::Ask(Arc::clone(order)));
        }
    }

    /// A new member claims what was bought and said as a guest.
    pub(super) fn claim(&mut self, now: Now, customer: usize) {
        let Some(trace) = self.customers[customer].trace.take() else { return };
        if let Some(order) = &trace.order {
            self.write_order(now, order, "done", Telling::Claimed);
        }
        if let Some(invitation) = &trace.invitation {
            self.claim_invitation(now, invitation);
        }
        for answer in &trace.answers {
            self.claim_answer(now, answer);
        }
    }
}

//! Who comes, and who comes back.

use jiff::SignedDuration;

use super::customers::{Channel, Tier};
use super::{Now, Task, World};
use crate::calendar::{busy_moment, days};
use crate::catalogue::basket;
use crate::truths;

/// Guests who become members later.
const REGISTERING: f64 = 0.35;

impl World {
    /// Somebody comes for the first time.
    pub(super) fn appear(&mut self, now: Now) {
        let customer = self.newcomer(now);
        let newcomer = &self.customers[customer];
        let (channel, is_member) = (newcomer.channel, newcomer.is_member);
        if is_member {
            self.write_member(now, customer, "c");
        } else if self.chance.happens(REGISTERING) {
            let wait = days(self.chance.between(20, 60));
            self.later(now, wait, Task::Register(customer));
        } else {
            self.customers[customer].trace = None;
        }
        let lines = basket(&mut self.chance);
        self.buy(now, customer, channel, lines);
        if is_member {
            self.plan_return(now, customer);
        }
    }

    /// After the history, people go on coming.
    pub(super) fn flow(&mut self, now: Now) {
        self.appear(now);
        let wait = self.chance.wait(self.flow);
        self.later(now, wait, Task::Flow);
    }

    /// A customer comes back.
    pub(super) fn come_back(&mut self, now: Now, customer: usize) {
        // People are loyal to a channel, too.
        let to_web = if self.customers[customer].channel == Channel::Web { 0.75 } else { 0.25 };
        let channel = if self.chance.happens(to_web) { Channel::Web } else { Channel::Store };
        let lines = basket(&mut self.chance);
        self.buy(now, customer, channel, lines);
        if channel == Channel::Store {
            self.maybe_open_deal(now, customer);
        }
        self.promote(now, customer);
        self.plan_return(now, customer);
    }

    /// A guest becomes a member, claims what is theirs, and may come back as one.
    pub(super) fn register(&mut self, now: Now, customer: usize) {
        self.customers[customer].is_member = true;
        self.write_member(now, customer, "c");
        self.claim(now, customer);
        self.plan_return(now, customer);
    }

    /// Whether and when the customer comes back.
    pub(super) fn plan_return(&mut self, now: Now, customer: usize) {
        let person = &self.customers[customer];
        let (returns, mean_days) = match person.tier {
            Tier::Gold => (0.96, 27),
            Tier::Silver => (0.91, 38),
            Tier::Bronze => (0.76, 56),
        };
        let returns = match (person.channel, person.campaign) {
            (Channel::Marketplace, _) => 0.0,
            (_, Some(truths::BAD_CAMPAIGN)) => 0.16,
            // Whoever has come back once knows why.
            _ if person.purchases > 1 => returns,
            _ => returns * 0.86,
        };
        if self.chance.happens(returns) {
            let gap = SignedDuration::from_hours(20) + self.chance.gap(days(mean_days));
            let earliest = now.due.saturating_add(gap).unwrap_or(now.due);
            let at = busy_moment(&mut self.chance, earliest);
            self.queue.push(at, Task::Return(customer));
        }
    }
}

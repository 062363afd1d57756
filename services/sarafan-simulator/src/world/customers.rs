//! Customers: what kind of person each is, and what the loyalty programme writes of them.

use std::sync::Arc;

use jiff::Timestamp;

use super::answers::Answer;
use super::invitations::Invitation;
use super::orders::Order;
use super::{Now, World};
use crate::places::{Store, any_store};
use crate::records::{MemberRecord, Millis, Profile, Topic};
use crate::truths;

const GUESTS: f64 = 0.08;
const STAFF: f64 = 0.006;
const REFERRED: f64 = 0.09;

/// A customer, or a guest.
#[derive(Debug)]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) tier: Tier,
    pub(super) store: &'static Store,
    /// Of the first purchase.
    pub(super) channel: Channel,
    /// That won the customer.
    pub(super) campaign: Option<&'static str>,
    /// Whoever told them of the shop.
    pub(super) referrer: Option<String>,
    pub(super) language: &'static str,
    /// Points that the person adds to every answer.
    pub(super) temper: f64,
    pub(super) is_staff: bool,
    pub(super) is_member: bool,
    pub(super) purchases: u32,
    pub(super) last_bought: Timestamp,
    /// Of a guest who will become a member: what is to be claimed then.
    pub(super) trace: Option<Trace>,
}

/// What a guest left behind.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) order: Option<Arc<Order>>,
    pub(super) invitation: Option<Arc<Invitation>>,
    pub(super) answers: Vec<Arc<Answer>>,
}

/// The programme's tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    Bronze,
    Silver,
    Gold,
}

impl Tier {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bronze => "bronze",
            Self::Silver => "silver",
            Self::Gold => "gold",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Bronze => Self::Silver,
            Self::Silver | Self::Gold => Self::Gold,
        }
    }
}

/// Where a purchase is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Store,
    Web,
    Marketplace,
}

impl Channel {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Web => "web",
            Self::Marketplace => truths::ONE_TIME_CHANNEL,
        }
    }
}

impl World {
    /// Somebody new, without a word written yet.
    pub(super) fn newcomer(&mut self, now: Now) -> usize {
        const CHANNELS: [Channel; 3] = [Channel::Store, Channel::Web, Channel::Marketplace];
        const TIERS: [Tier; 3] = [Tier::Bronze, Tier::Silver, Tier::Gold];
        const LANGUAGES: [&str; 3] = ["en", "de", "fr"];
        let number = self.customers.len() + 1;
        let channel = CHANNELS[self.chance.weighted([0.48, 0.40, 0.12].into_iter())];
        let is_guest = channel == Channel::Web && self.chance.happens(GUESTS / 0.40);
        let campaign = if channel == Channel::Marketplace || is_guest {
            None
        } else {
            self.campaigns.winning(now.due, &mut self.chance)
        };
        let is_referred = channel != Channel::Marketplace && campaign.is_none() && !is_guest;
        let referrer = if is_referred && self.chance.happens(REFERRED) { self.somebody() } else { None };
        let customer = Customer {
            id: format!("c-{number:06}"),
            tier: TIERS[self.chance.weighted([0.52, 0.32, 0.16].into_iter())],
            store: any_store(&mut self.chance),
            channel,
            campaign,
            referrer,
            language: LANGUAGES[self.chance.weighted([0.55, 0.35, 0.10].into_iter())],
            temper: self.chance.normal(0.0, 0.4),
            is_staff: !is_guest && self.chance.happens(STAFF),
            is_member: !is_guest,
            purchases: 0,
            last_bought: now.due,
            trace: is_guest.then(Trace::default),
        };
        self.customers.push(customer);
        number - 1
    }

    /// A member who was there before, if there is one.
    fn somebody(&mut self) -> Option<String> {
        let place = self.chance.between(0, self.customers.len() as i64 - 1);
        let member = self.customers.get(usize::try_from(place).ok()?)?;
        (member.is_member && !member.is_staff).then(|| member.id.clone())
    }

    /// What the loyalty programme writes when a member's row changed.
    pub(super) fn write_member(&mut self, now: Now, customer: usize, op: &'static str) {
        let Customer { id, tier, store, language, is_staff, .. } = &self.customers[customer];
        let id = id.clone();
        let after = Profile {
            member: &id,
            kind: if *is_staff { "staff" } else { "person" },
            tier: tier.name(),
            region: store.region,
            home_store: store.code,
            language,
        };
        self.write(now, Topic::Members, &id, &MemberRecord { op, ts_ms: Millis(now.at), after });
    }

    /// Regulars rise, some of them.
    pub(super) fn promote(&mut self, now: Now, customer: usize) {
        let member = &self.customers[customer];
        let risen = member.tier.next();
        let due = matches!(member.purchases, 5 | 12) && risen != member.tier && member.is_member;
        if due && self.chance.happens(0.5) {
            self.customers[customer].tier = risen;
            self.write_member(now, customer, "u");
        }
    }
}

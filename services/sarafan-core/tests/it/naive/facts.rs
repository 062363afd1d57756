//! Orders, refunds and purchases that count (METRICS 1).

use std::collections::{BTreeMap, BTreeSet};

use sarafan_core::vocabulary::{Money, Subject};

use super::answers::{self, Answer, Invitation};
use super::half_even;
use super::merge::{Entity, World};

const COUNTED: [&str; 5] = ["placed", "paid", "shipped", "delivered", "completed"];

/// Money given back.
#[derive(Debug, Clone)]
pub(crate) struct Refund<'w> {
    pub(crate) key: &'w str,
    pub(crate) order_id: Option<&'w str>,
    pub(crate) entity: &'w Entity,
    pub(crate) day: i32,
    pub(crate) amount: i128,
    pub(crate) margin: Option<i128>,
    pub(crate) currency: &'w str,
}

/// What the refunds that name an order take from it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GivenBack {
    pub(crate) refunded: i128,
    pub(crate) over_refunded: i128,
    /// The refunds' own margins, when all of them carry one.
    own_margin: Option<i128>,
}

/// An order that counts.
#[derive(Debug, Clone)]
pub(crate) struct Order<'w> {
    pub(crate) key: &'w str,
    pub(crate) id: &'w str,
    pub(crate) entity: &'w Entity,
    pub(crate) at: i64,
    pub(crate) day: i32,
    pub(crate) amount: i128,
    pub(crate) refunded: i128,
    pub(crate) revenue: i128,
    pub(crate) margin: i128,
    pub(crate) currency: &'w str,
}

/// Orders that share a purchase: one step of the funnel, on its first day.
#[derive(Debug, Clone)]
pub(crate) struct Purchase<'f> {
    pub(crate) day: i32,
    pub(crate) orders: Vec<&'f Order<'f>>,
}

/// What counts, by (ordered_at, order_id) and (answered_at, response_id).
pub(crate) struct Facts<'w> {
    pub(crate) world: &'w World<'w>,
    pub(crate) excluded: BTreeSet<&'w str>,
    refunds: Vec<Refund<'w>>,
    pub(crate) orders: Vec<Order<'w>>,
    pub(crate) answers: Vec<Answer<'w>>,
    pub(crate) invitations: Vec<Invitation<'w>>,
}

impl<'w> Facts<'w> {
    /// Derives what counts from the merged records.
    pub(crate) fn settle(world: &'w World<'w>) -> Self {
        let excluded = world.excluded();
        let refunds = world.alive(Subject::Refund);
        let refunds = refunds.filter_map(|(key, _, entity)| Refund::of(world, key, entity)).collect();
        let mut facts = Self {
            world,
            excluded,
            refunds,
            orders: Vec::new(),
            answers: Vec::new(),
            invitations: Vec::new(),
        };
        let mut orders: Vec<_> = world
            .alive(Subject::Order)
            .filter_map(|(key, id, entity)| facts.counted(key, id, entity))
            .collect();
        orders.sort_by_key(|o| (o.at, o.id, o.key));
        facts.orders = orders;
        facts.answers = answers::counted(world, &facts.excluded);
        facts.invitations = answers::invitations(world, &facts.excluded, &facts.answers);
        facts
    }

    /// What the refunds of its key and currency that name an order take from it.
    pub(crate) fn given_back(&self, key: &str, id: &str, entity: &Entity) -> GivenBack {
        let (Some(amount), Some(currency)) = (entity.money("amount"), entity.text("currency")) else {
            return GivenBack::default();
        };
        let mine = || {
            let named = self.refunds.iter().filter(|r| r.key == key && r.order_id == Some(id));
            named.filter(|r| r.currency == currency)
        };
        let given: i128 = mine().map(|r| r.amount).sum();
        let refunded = given.min(amount);
        let own_margin = mine().map(|r| r.margin).sum();
        GivenBack { refunded, over_refunded: given - refunded, own_margin }
    }

    fn counted(&self, key: &'w str, id: &'w str, entity: &'w Entity) -> Option<Order<'w>> {
        let metrics = &self.world.definitions.metrics;
        let at = entity.instant("ordered_at")?;
        let amount = entity.money("amount")?;
        let currency = entity.text("currency")?;
        let given = self.given_back(key, id, entity);
        let counts = !self.excluded.contains(key)
            && entity.text("excluded_reason").is_none()
            && entity.text("kind").unwrap_or("sale") == "sale"
            && entity.text("status").is_some_and(|status| COUNTED.contains(&status))
            && (amount > 0 || (amount == 0 && metrics.count_zero_amount))
            && !(amount > 0 && given.refunded >= amount);
        if !counts {
            return None;
        }
        let full = entity.money("margin").unwrap_or_else(|| self.usual_margin(amount));
        let lost = match given.own_margin {
            Some(own) => own,
            None if amount == 0 => 0,
            None => half_even(full * given.refunded, amount),
        };
        let (day, refunded) = (self.world.day(at), given.refunded);
        let (revenue, margin) = (amount - refunded, full - lost);
        Some(Order { key, id, entity, at, day, amount, refunded, revenue, margin, currency })
    }

    /// The configured share of an amount.
    fn usual_margin(&self, amount: i128) -> i128 {
        let rate: Money = self.world.definitions.metrics.margin_rate.parse().expect("a decimal");
        half_even(amount * i128::from(rate.units()), 10_000)
    }

    /// Refunds that are in the figures: the finance view of money given back.
    pub(crate) fn booked(&self) -> impl Iterator<Item = &Refund<'w>> {
        self.refunds.iter().filter(|r| !self.excluded.contains(r.key))
    }

    /// Refunds of customers that name no order.
    pub(crate) fn loose(&self) -> impl Iterator<Item = &Refund<'w>> {
        self.booked().filter(|r| r.order_id.is_none() && r.key.starts_with("c:"))
    }

    /// What a loose refund takes from the margin.
    pub(crate) fn loose_margin(&self, refund: &Refund<'_>) -> i128 {
        refund.margin.unwrap_or_else(|| self.usual_margin(refund.amount))
    }

    /// The counted order of that identity.
    pub(crate) fn order(&self, key: &str, id: Option<&str>) -> Option<&Order<'w>> {
        self.orders.iter().find(|o| o.key == key && Some(o.id) == id)
    }

    /// Counted orders of each customer.
    pub(crate) fn by_customer(&self) -> BTreeMap<&str, Vec<&Order<'w>>> {
        let mut found: BTreeMap<&str, Vec<&Order<'w>>> = BTreeMap::new();
        for order in self.orders.iter().filter(|o| o.key.starts_with("c:")) {
            found.entry(order.key).or_default().push(order);
        }
        found
    }

    /// The purchases that these orders of one customer, in their order, make.
    pub(crate) fn purchases<'f>(&self, orders: &[&'f Order<'f>]) -> Vec<Purchase<'f>> {
        let mut purchases: Vec<(&str, Purchase<'f>)> = Vec::new();
        for order in orders {
            let name = order.entity.text("purchase_id").unwrap_or(order.id);
            match purchases.iter_mut().find(|(n, _)| *n == name) {
                Some((_, purchase)) => purchase.orders.push(order),
                None => purchases.push((name, Purchase { day: order.day, orders: vec![order] })),
            }
        }
        let mut merged: Vec<Purchase<'f>> = Vec::new();
        for (_, purchase) in purchases {
            match merged.last_mut() {
                Some(last) if self.world.definitions.metrics.merge_same_day && last.day == purchase.day => {
                    last.orders.extend(purchase.orders);
                }
                _ => merged.push(purchase),
            }
        }
        merged
    }
}

impl<'w> Refund<'w> {
    fn of(world: &World<'_>, key: &'w str, entity: &'w Entity) -> Option<Self> {
        Some(Self {
            key,
            order_id: entity.text("order_id"),
            entity,
            day: world.day(entity.instant("refunded_at")?),
            amount: entity.money("amount")?,
            margin: entity.money("margin"),
            currency: entity.text("currency")?,
        })
    }
}

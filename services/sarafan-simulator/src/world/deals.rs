//! Deals: a kitchen is planned over weeks.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;

use super::customers::Channel;
use super::{Now, Task, World, next};
use crate::catalogue::kitchen;
use crate::records::{DealRecord, Iso, Topic};

/// Visits of a store that end in a talk about a kitchen.
const OPENED: f64 = 0.03;
/// Deals that go on from a stage.
const GOES_ON: f64 = 0.84;
/// The stages, in their order.
const STAGES: [&str; 9] = [
    "new",
    "qualified",
    "consulted",
    "called",
    "offered",
    "called back",
    CONTRACTED,
    "nps_collected",
    "closed",
];
const CONTRACTED: &str = "contracted";

/// A deal that is about to enter a stage.
#[derive(Debug, Clone)]
pub(super) struct Deal {
    id: String,
    customer: usize,
    owner: &'static str,
    stage: usize,
    /// The order that it has led to.
    order: Option<String>,
}

impl World {
    /// A visit may be the start of one.
    pub(super) fn maybe_open_deal(&mut self, now: Now, customer: usize) {
        if self.chance.happens(OPENED) {
            let owner = self.chance.pick(self.customers[customer].store.managers).id;
            let id = format!("d-{:05}", next(&mut self.made.deals));
            self.move_on(now, &Deal { id, customer, owner, stage: 0, order: None });
        }
    }

    /// The deal enters its stage; most go on to the next.
    pub(super) fn move_on(&mut self, now: Now, deal: &Deal) {
        let Some(stage) = STAGES.get(deal.stage).copied() else { return };
        let mut deal = deal.clone();
        if stage == CONTRACTED {
            let lines = kitchen(&mut self.chance);
            self.buy(now, deal.customer, Channel::Store, lines);
            deal.order = Some(format!("o-{:07}", self.made.orders));
        }
        let account = self.customers[deal.customer].id.clone();
        let record = DealRecord {
            deal: &deal.id,
            account: &account,
            owner: deal.owner,
            changed: Iso(now.at),
            order: deal.order.as_deref(),
            stages: BTreeMap::from([(stage, Iso(now.at))]),
        };
        self.write(now, Topic::Deals, &deal.id, &record);
        if self.chance.happens(GOES_ON) {
            let wait = self.chance.wait(SignedDuration::from_hours(70)) + SignedDuration::from_hours(2);
            deal.stage += 1;
            self.later(now, wait, Task::Deal(Arc::new(deal)));
        }
    }
}

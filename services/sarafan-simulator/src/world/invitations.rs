//! Questions, and the mailing tool's word on them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::customers::{Channel, Tier};
use super::orders::Order;
use super::{Now, Task, World, next};
use crate::calendar::{day_of, days, midnight};
use crate::places::Store;
use crate::records::{Iso, MailingRecord, Topic};

const BOUNCED: f64 = 0.03;
const REMINDED: f64 = 0.6;
/// Customers of the last year who are asked about the relation in a month.
const ASKED_A_MONTH: f64 = 0.12;

/// A question that was sent.
#[derive(Debug)]
pub(super) struct Invitation {
    pub(super) id: String,
    pub(super) customer: usize,
    /// Whom the mailing tool knows; none is a guest.
    pub(super) asked: Option<String>,
    pub(super) about: Subject,
    pub(super) via: &'static str,
    pub(super) sent: Timestamp,
}

/// What is asked about.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    /// One purchase.
    Purchase(Arc<Order>),
    /// The relation as a whole, in a wave.
    Relation(&'static Store, Arc<str>),
}

impl Subject {
    pub(super) const fn form(&self) -> &'static str {
        match self {
            Self::Purchase(_) => "after_delivery",
            Self::Relation(..) => "relationship",
        }
    }

    pub(super) fn touchpoint(&self) -> &'static str {
        match self {
            Self::Relation(..) => "relation",
            Self::Purchase(order) if order.channel == Channel::Store => "visit",
            Self::Purchase(_) => "delivery",
        }
    }

    pub(super) fn order(&self) -> Option<&Arc<Order>> {
        match self {
            Self::Purchase(order) => Some(order),
            Self::Relation(..) => None,
        }
    }

    pub(super) fn store(&self) -> &'static Store {
        match self {
            Self::Purchase(order) => order.store,
            Self::Relation(store, _) => store,
        }
    }
}

/// What the mailing tool has to say.
#[derive(Debug, Clone, Copy)]
struct News<'a> {
    event: &'static str,
    sent: Timestamp,
    reminder: Option<&'a str>,
    is_claimed: bool,
}

impl World {
    /// Asks about an order.
    pub(super) fn ask(&mut self, now: Now, order: &Arc<Order>) {
        let asked = self.buyer(order);
        self.invite(now, order.customer, asked, Subject::Purchase(Arc::clone(order)));
    }

    /// Begins the month's wave.
    pub(super) fn wave(&mut self, now: Now) {
        let day = day_of(now.due);
        let wave: Arc<str> = format!("{:04}-{:02}", day.year(), day.month()).into();
        let since = now.due.saturating_sub(days(365)).unwrap_or(Timestamp::MIN);
        for customer in 0..self.customers.len() {
            let person = &self.customers[customer];
            let may_be_asked = person.is_member && !person.is_staff && person.last_bought > since;
            if may_be_asked && self.chance.happens(ASKED_A_MONTH) {
                let wait = SignedDuration::from_mins(self.chance.between(0, 20 * 1_440));
                self.later(now, wait, Task::AskInWave(customer, Arc::clone(&wave)));
            }
        }
        let next_month = day.first_of_month().saturating_add(1.month());
        self.queue.push(midnight(next_month) + SignedDuration::from_hours(8), Task::Wave);
    }

    /// Asks about the relation.
    pub(super) fn ask_in_wave(&mut self, now: Now, customer: usize, wave: &Arc<str>) {
        let person = &self.customers[customer];
        let (asked, subject) = (person.id.clone(), Subject::Relation(person.store, Arc::clone(wave)));
        self.invite(now, customer, Some(asked), subject);
    }

    fn invite(&mut self, now: Now, customer: usize, asked: Option<String>, about: Subject) {
        const CHANNELS: [&str; 3] = ["mail", "sms", "app"];
        let invitation = Arc::new(Invitation {
            id: format!("i-{:07}", next(&mut self.made.invitations)),
            customer,
            asked,
            about,
            via: CHANNELS[self.chance.weighted([0.62, 0.23, 0.15].into_iter())],
            sent: now.at,
        });
        if let Some(trace) = &mut self.customers[customer].trace {
            trace.invitation.get_or_insert_with(|| Arc::clone(&invitation));
        }
        let news = |event| News { event, sent: now.at, reminder: None, is_claimed: false };
        if self.chance.happens(BOUNCED) {
            return self.write_mailing(now, &invitation, news("HARD_BOUNCE"));
        }
        if self.chance.happens(0.15) {
            self.write_mailing(now, &invitation, news("SENT"));
            let wait = self.chance.wait(SignedDuration::from_mins(20)) + SignedDuration::from_secs(1);
            return self.later(now, wait, Task::Reach(invitation));
        }
        self.reach(now, &invitation);
    }

    /// The question is in its inbox; it is answered, or not yet.
    pub(super) fn reach(&mut self, now: Now, invitation: &Arc<Invitation>) {
        let news = News { event: "DELIVERED", sent: invitation.sent, reminder: None, is_claimed: false };
        self.write_mailing(now, invitation, news);
        let person = &self.customers[invitation.customer];
        let answers = match (&invitation.about, person.channel, person.tier) {
            (Subject::Relation(..), _, _) => 0.38,
            (_, Channel::Marketplace, _) => 0.30,
            (_, _, Tier::Gold) => 0.70,
            (_, _, Tier::Silver) => 0.66,
            (_, _, Tier::Bronze) => 0.62,
        };
        if self.chance.happens(answers) {
            let wait = self.chance.wait(SignedDuration::from_hours(20)) + SignedDuration::from_mins(2);
            self.later(now, wait, Task::Answer(Arc::clone(invitation)));
        } else if self.chance.happens(REMINDED) {
            self.later(now, days(4), Task::Remind(Arc::clone(invitation)));
        }
    }

    /// Asks again.
    pub(super) fn remind(&mut self, now: Now, invitation: &Arc<Invitation>) {
        let id = format!("i-{:07}", next(&mut self.made.invitations));
        let news = News { event: "DELIVERED", sent: now.at, reminder: Some(&id), is_claimed: false };
        self.write_mailing(now, invitation, news);
        if self.chance.happens(0.25) {
            let wait = self.chance.wait(SignedDuration::from_hours(20)) + SignedDuration::from_mins(2);
            self.later(now, wait, Task::Answer(Arc::clone(invitation)));
        }
    }

    /// The question was a guest's; now it is a member's.
    pub(super) fn claim_invitation(&mut self, now: Now, invitation: &Invitation) {
        let news = News { event: "DELIVERED", sent: invitation.sent, reminder: None, is_claimed: true };
        self.write_mailing(now, invitation, news);
    }

    fn write_mailing(&mut self, now: Now, invitation: &Invitation, news: News<'_>) {
        let Invitation { id, customer, asked, about, via, .. } = invitation;
        let claimed_by = news.is_claimed.then(|| self.customers[*customer].id.clone());
        let record = MailingRecord {
            id: news.reminder.unwrap_or(id),
            customer: claimed_by.as_deref().or(asked.as_deref()),
            previous_customer: news.is_claimed.then_some(None),
            order: about.order().map(|order| order.number.as_str()),
            form: about.form(),
            at: Iso(now.at),
            sent_at: Iso(news.sent),
            event: news.event,
            via,
            touchpoint: about.touchpoint(),
            store: about.store().code,
            region: about.store().region,
            manager: about.order().map(|order| order.manager),
            reminder_of: news.reminder.map(|_| id.as_str()),
        };
        self.write(now, Topic::Mailings, record.id, &record);
    }
}

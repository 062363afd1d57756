//! The world: who there is, what falls due, and what is written about it.

mod advertising;
mod answers;
mod campaigns;
mod customers;
mod deals;
mod desk;
mod invitations;
mod orders;
mod purchases;
mod refunds;
mod visits;

use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::Serialize;

use self::answers::{Answer, Moods};
use self::campaigns::Campaigns;
use self::customers::Customer;
use self::deals::Deal;
use self::desk::Case;
use self::invitations::Invitation;
use self::orders::Order;
use self::refunds::Refund;
use crate::calendar::{demand, first_days, midnight, opening_hours};
use crate::chance::Chance;
use crate::queue::Queue;
use crate::records::{Fault, Record, Topic, spoiled, text};
use crate::settings::Settings;
use crate::truths;

/// Records that the source got wrong.
const SPOILED: f64 = 0.002;
/// Records that arrive twice, byte for byte.
const DOUBLED: f64 = 0.006;
/// Records that the source sends again after a timeout, with another attempt number.
const SENT_AGAIN: f64 = 0.004;

/// Two times: in history they are one.
#[derive(Debug, Clone, Copy)]
struct Now {
    /// By the world's own calendar: what comes next is reckoned from it.
    due: Timestamp,
    /// What records say.
    at: Timestamp,
}

/// Something that falls due.
#[derive(Debug)]
enum Task {
    /// A record reaches the brokers.
    Arrive(Box<Record>),
    /// A customer of the history appears.
    Appear,
    /// After the history, customers go on appearing.
    Flow,
    /// A customer comes back.
    Return(usize),
    /// A guest becomes a member, and claims the order.
    Register(usize),
    /// An order reaches its buyer.
    Deliver(Arc<Order>),
    /// An order is called off.
    Cancel(Arc<Order>),
    /// An order turns out to have been another one.
    Correct(Arc<Order>),
    /// Money is given back.
    Refund(Arc<Refund>),
    /// A question is sent about an order.
    Ask(Arc<Order>),
    /// The question has reached its inbox.
    Reach(Arc<Invitation>),
    /// Nobody has answered yet.
    Remind(Arc<Invitation>),
    /// Somebody answers.
    Answer(Arc<Invitation>),
    /// Somebody has more to say.
    Comment(Arc<Answer>, &'static str),
    /// The month's questions about the relation as a whole.
    Wave,
    /// One of them.
    AskInWave(usize, Arc<str>),
    /// A case on a bad answer.
    Desk(Arc<Case>),
    /// A deal moves on, or does not.
    Deal(Arc<Deal>),
    /// What advertising cost on the day before.
    Bill,
    /// The shop's own noise.
    Noise,
}

/// A world.
#[derive(Debug)]
pub(crate) struct World {
    chance: Chance,
    queue: Queue<Task>,
    customers: Vec<Customer>,
    campaigns: Campaigns,
    moods: Moods,
    /// How many of each were made: their numbers.
    made: Made,
    collapse: Date,
    /// The end of the history.
    end: Timestamp,
    /// Mean time between two new customers after the history.
    flow: SignedDuration,
}

/// Counters of ids.
#[derive(Debug, Default)]
struct Made {
    orders: u64,
    baskets: u64,
    refunds: u64,
    invitations: u64,
    answers: u64,
    cases: u64,
    deals: u64,
}

/// The next number.
fn next(counter: &mut u64) -> u64 {
    *counter += 1;
    *counter
}

impl World {
    /// A world before its first day.
    pub(crate) fn new(settings: &Settings) -> Self {
        let (first, until) = (settings.start(), settings.until);
        let end = midnight(until.saturating_add(1.day()));
        let days = first_days(first, until);
        let total: f64 = days.iter().map(|(_, weight)| weight).sum();
        let today = days.last().map_or(1.0, |(day, weight)| weight / demand(*day));
        let per_day = f64::from(settings.customers) * today / total.max(f64::MIN_POSITIVE);
        let mut world = Self {
            chance: Chance::of(settings.seed),
            queue: Queue::new(),
            customers: Vec::new(),
            campaigns: Campaigns::until(until),
            moods: Moods::default(),
            made: Made::default(),
            collapse: truths::collapse_day(until),
            end,
            flow: SignedDuration::from_millis((86_400_000.0 / per_day.max(1e-6)) as i64),
        };
        for _ in 0..settings.customers {
            let place = world.chance.weighted(days.iter().map(|(_, weight)| *weight));
            let at = opening_hours(&mut world.chance, days.get(place).map_or(until, |(day, _)| *day));
            world.queue.push(at, Task::Appear);
        }
        let start = midnight(first);
        world.queue.push(end, Task::Flow);
        world.queue.push(start + SignedDuration::from_mins(5), Task::Noise);
        world.queue.push(start + SignedDuration::from_hours(29), Task::Bill);
        world.queue.push(start + SignedDuration::from_hours(8), Task::Wave);
        world
    }

    /// The next record that arrives within the history.
    pub(crate) fn next_of_history(&mut self) -> Option<Record> {
        loop {
            let (due, task) = self.queue.pop_before(self.end)?;
            if let Some(record) = self.perform(Now { due, at: due }, task) {
                return Some(record);
            }
        }
    }

    /// The next record that arrives after it. Each thing that happens on the way is dated by `clock`.
    pub(crate) fn next_live(&mut self, mut clock: impl FnMut() -> Timestamp) -> Option<Record> {
        loop {
            let (due, task) = self.queue.pop()?;
            if let Some(record) = self.perform(Now { due, at: clock() }, task) {
                return Some(record);
            }
        }
    }

    /// Does it. A record that arrives is handed out.
    fn perform(&mut self, now: Now, task: Task) -> Option<Record> {
        match task {
            Task::Arrive(record) => return Some(*record),
            Task::Appear => self.appear(now),
            Task::Flow => self.flow(now),
            Task::Return(customer) => self.come_back(now, customer),
            Task::Register(customer) => self.register(now, customer),
            Task::Deliver(order) => self.deliver(now, &order),
            Task::Cancel(order) => self.cancel(now, &order),
            Task::Correct(order) => self.correct(now, &order),
            Task::Refund(refund) => self.refund(now, &refund),
            Task::Ask(order) => self.ask(now, &order),
            Task::Reach(invitation) => self.reach(now, &invitation),
            Task::Remind(invitation) => self.remind(now, &invitation),
            Task::Answer(invitation) => self.answer(now, &invitation),
            Task::Comment(answer, comment) => self.comment(now, &answer, comment),
            Task::Wave => self.wave(now),
            Task::AskInWave(customer, wave) => self.ask_in_wave(now, customer, &wave),
            Task::Desk(case) => self.work_on(now, &case),
            Task::Deal(deal) => self.move_on(now, &deal),
            Task::Bill => self.bill(now),
            Task::Noise => self.noise(now),
        }
        None
    }

    fn later(&mut self, now: Now, wait: SignedDuration, task: Task) {
        self.queue.push(now.due.saturating_add(wait).unwrap_or(Timestamp::MAX), task);
    }

    /// Writes a record. It arrives after a while; a few arrive much later, twice, or beside a broken one.
    fn write(&mut self, now: Now, topic: Topic, key: &str, body: &impl Serialize) {
        let text = text(body);
        if self.chance.happens(SPOILED) {
            let fault = Fault::any(topic, &mut self.chance);
            self.send(now, topic, key, spoiled(topic, &text, fault));
        }
        if self.chance.happens(DOUBLED) {
            self.send(now, topic, key, text.clone());
        }
        if self.chance.happens(SENT_AGAIN) {
            self.send(now, topic, key, text.replacen('{', "{\"attempt\":2,", 1));
        }
        self.send(now, topic, key, text);
    }

    fn send(&mut self, now: Now, topic: Topic, key: &str, value: String) {
        let delay = self.delay();
        let arrives = now.due.saturating_add(delay).unwrap_or(Timestamp::MAX);
        let record = Record { topic, arrives, key: key.to_owned(), value };
        self.queue.push(arrives, Task::Arrive(Box::new(record)));
    }

    /// Most records take seconds; of the others, some wait for an hour in a queue and a few for days in a shop without
    /// a connection.
    fn delay(&mut self) -> SignedDuration {
        match self.chance.weighted([0.935, 0.055, 0.01].into_iter()) {
            0 => self.chance.wait(SignedDuration::from_secs(8)),
            1 => self.chance.wait(SignedDuration::from_mins(45)),
            _ => self.chance.wait(SignedDuration::from_hours(40)),
        }
    }
}

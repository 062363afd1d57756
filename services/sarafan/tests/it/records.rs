//! Random canonical records of all subjects: corrections, cancellations, refunds, moves, exclusions, erasures, partial
//! records and ties, in which the recount and METRICS are of one mind. Not in them, because the recount follows METRICS
//! not as far: `moved` on refunds, answers to reminders, and days that are merged.

use fastrand::Rng;
use sarafan_core::Event;
use sarafan_core::event::Origin;
use sarafan_core::vocabulary::{FieldValue, Instant, Item, Money, Score, Stamp, Subject};
use sarafan_wire::{record_hash, sort_fields};

const CUSTOMERS: usize = 14;
const ORDERS: usize = 90;
const OTHERS: usize = 60;
const DAY: i64 = 86_400_000_000;

/// Makes records; the same seed makes the same ones.
pub(crate) struct Records {
    random: Rng,
    /// Nothing happens after it.
    now: i64,
}

type Fields = Vec<(String, FieldValue)>;

impl Records {
    pub(crate) fn new(seed: u64, now: jiff::Timestamp) -> Self {
        Self { random: Rng::with_seed(seed), now: now.as_microsecond() }
    }

    /// So many records, some of them twice, in a random order.
    pub(crate) fn many(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            let more = self.some();
            events.extend(more);
        }
        let again: Vec<Event> = events.iter().filter(|_| self.random.f64() < 0.1).cloned().collect();
        events.extend(again);
        self.random.shuffle(&mut events);
        events
    }

    fn some(&mut self) -> Vec<Event> {
        match self.random.u32(0..100) {
            0..45 => self.order(),
            45..60 => vec![self.refund()],
            60..80 => vec![self.response()],
            80..88 => vec![self.invitation()],
            88..95 => vec![self.customer()],
            _ => vec![self.other()],
        }
    }

    /// An order, or a change of one; sometimes it goes over to another customer.
    fn order(&mut self) -> Vec<Event> {
        let number = self.random.usize(0..ORDERS);
        let (id, owner) = (format!("o{number}"), owner(number));
        let mut fields: Fields = Vec::new();
        let statuses =
            ["pending", "placed", "paid", "shipped", "delivered", "completed", "cancelled", "returned"];
        self.set(&mut fields, "status", 0.95, |r| text(statuses[r.usize(0..statuses.len())]));
        if self.random.f64() < 0.85 {
            let at = self.instant(800);
            fields.push(("ordered_at".to_owned(), at));
            fields.push(("amount".to_owned(), self.money(2_000_000)));
            fields.push(("currency".to_owned(), currency(number)));
        }
        self.set(&mut fields, "kind", 0.1, |r| text(["sale", "exchange", "sample"][r.usize(0..3)]));
        let margin = self.money(500_000);
        self.set(&mut fields, "margin", 0.3, |_| margin);
        self.set(&mut fields, "purchase_id", 0.2, |r| text(&format!("p{}", r.u8(0..20))));
        self.set_or_clear(&mut fields, "channel", 0.6, &["web", "app", "shop"]);
        self.set_or_clear(&mut fields, "store", 0.6, &["north", "south"]);
        self.set_or_clear(&mut fields, "excluded_reason", 0.08, &["test", "fraud"]);
        self.set(&mut fields, "deleted", 0.06, |r| FieldValue::Flag(r.bool()));
        self.set(&mut fields, "items", 0.2, items);
        self.set(&mut fields, "attributes.gift", 0.2, |r| text(if r.bool() { "yes" } else { "no" }));
        if self.random.f64() > 0.06 {
            return vec![self.event(Subject::Order, &id, owner, None, fields)];
        }
        let other = Some(format!("c{}", self.random.usize(0..CUSTOMERS)));
        let gone = vec![("moved".to_owned(), FieldValue::Flag(true))];
        let left = self.event(Subject::Order, &id, owner, None, gone);
        fields.push(("moved".to_owned(), FieldValue::Cleared));
        vec![left, self.event(Subject::Order, &id, other, None, fields)]
    }

    /// A refund of an order, of an unknown one, or of none; always whole, because the recount wants it so.
    fn refund(&mut self) -> Event {
        let id = format!("r{}", self.random.usize(0..OTHERS));
        let number = self.random.usize(0..ORDERS);
        let names_order = self.random.f64() < 0.7;
        let mut fields = vec![
            ("refunded_at".to_owned(), self.instant(600)),
            ("amount".to_owned(), self.money(800_000)),
            ("currency".to_owned(), if names_order { currency(number) } else { text("EUR") }),
        ];
        let margin = self.money(200_000);
        self.set(&mut fields, "margin", 0.3, |_| margin);
        self.set_or_clear(&mut fields, "store", 0.3, &["north", "south"]);
        self.set(&mut fields, "deleted", 0.05, |r| FieldValue::Flag(r.bool()));
        let order = names_order.then(|| format!("o{number}"));
        fields.push(("order_id".to_owned(), order.as_deref().map_or(FieldValue::Cleared, text)));
        let id = format!("{id}-{}", order.as_deref().unwrap_or("none"));
        self.event(Subject::Refund, &id, owner(number), order, fields)
    }

    fn response(&mut self) -> Event {
        let number = self.random.usize(0..ORDERS);
        let order = (self.random.f64() < 0.6).then(|| format!("o{number}"));
        let id = format!("a{}-{}", self.random.usize(0..OTHERS), order.as_deref().unwrap_or("none"));
        let mut fields = Vec::new();
        self.set(&mut fields, "survey", 0.95, |r| text(["relation", "delivery"][r.usize(0..2)]));
        let at = self.instant(400);
        self.set(&mut fields, "answered_at", 0.95, |_| at);
        let score = |r: &mut Rng| Score::new(r.i64(0..=10)).map_or(FieldValue::Cleared, FieldValue::Score);
        self.set(&mut fields, "score", 0.9, score);
        self.set(&mut fields, "invitation_id", 0.3, |r| text(&format!("i{}", r.usize(0..OTHERS))));
        self.set_or_clear(&mut fields, "touchpoint", 0.5, &["till", "courier"]);
        self.set_or_clear(&mut fields, "excluded_reason", 0.05, &["test"]);
        self.set(&mut fields, "moved", 0.03, |_| FieldValue::Flag(true));
        self.set(&mut fields, "deleted", 0.04, |r| FieldValue::Flag(r.bool()));
        self.set(&mut fields, "comment", 0.4, |r| text(&format!("comment {}", r.u16(..))));
        self.set(&mut fields, "answers.price", 0.2, |r| text(if r.bool() { "fair" } else { "high" }));
        fields.extend(order.as_deref().map(|order| ("order_id".to_owned(), text(order))));
        self.event(Subject::SurveyResponse, &id, owner(number), order, fields)
    }

    /// Reminders have ids of their own: no answer names one.
    fn invitation(&mut self) -> Event {
        let number = self.random.usize(0..OTHERS);
        let mut fields =
            vec![("survey".to_owned(), text("delivery")), ("invited_at".to_owned(), self.instant(100))];
        self.set(&mut fields, "status", 0.9, |r| text(["sent", "delivered", "bounced"][r.usize(0..3)]));
        let reminder = self.random.f64() < 0.3;
        let id = if reminder { format!("m{number}") } else { format!("i{number}") };
        if reminder {
            fields.push(("reminder_of".to_owned(), text(&format!("i{number}"))));
        }
        self.event(Subject::SurveyInvitation, &id, owner(number), None, fields)
    }

    fn customer(&mut self) -> Event {
        let id = format!("c{}", self.random.usize(0..CUSTOMERS));
        let mut fields = Vec::new();
        self.set_or_clear(&mut fields, "attributes.tier", 0.9, &["gold", "silver", "none"]);
        self.set_or_clear(&mut fields, "attributes.city", 0.3, &["a", "b"]);
        self.set_or_clear(&mut fields, "excluded_reason", 0.15, &["employee"]);
        self.set(&mut fields, "deleted", 0.05, |r| FieldValue::Flag(r.bool()));
        self.event(Subject::Customer, &id, Some(id.clone()), None, fields)
    }

    /// Of subjects that no figure needs yet.
    fn other(&mut self) -> Event {
        let number = self.random.usize(0..OTHERS);
        let at = self.instant(50);
        let (subject, fields) = match self.random.u8(0..3) {
            0 => {
                (Subject::FollowUp, vec![("opened_at".to_owned(), at), ("assignee".to_owned(), text("anna"))])
            }
            1 => {
                let amount = self.money(9_000_000);
                let money = [("amount", amount), ("currency", text("EUR")), ("campaign", text("spring"))];
                (Subject::Spend, money.map(|(name, value)| (name.to_owned(), value)).into())
            }
            _ => (Subject::Deal, vec![("stages.called".to_owned(), text("2026-01-02T03:04:05Z"))]),
        };
        self.event(subject, &format!("x{number}"), owner(number), None, fields)
    }

    /// Few moments and revisions, so that versions tie.
    fn event(
        &mut self,
        subject: Subject,
        id: &str,
        customer: Option<String>,
        order: Option<String>,
        fields: Fields,
    ) -> Event {
        let updated_at = Instant::from_micros(self.now - DAY * self.random.i64(0..6));
        let mapping_revision = if self.random.f64() < 0.05 { 2 } else { 1 };
        let order_id = if customer.is_none() { order } else { None };
        let mut event = Event {
            subject,
            id: id.to_owned(),
            customer_id: customer,
            order_id,
            stamp: Stamp::new(updated_at, mapping_revision, 0),
            erased: self.random.f64() < 0.01,
            fields,
            origin: Origin { source: "random".to_owned(), topic: "random".to_owned(), ..Origin::default() },
        };
        sort_fields(&mut event);
        event.stamp = Stamp::new(updated_at, mapping_revision, record_hash(&event));
        event
    }

    fn set(
        &mut self,
        fields: &mut Fields,
        name: &str,
        share: f64,
        value: impl FnOnce(&mut Rng) -> FieldValue,
    ) {
        if self.random.f64() < share {
            fields.push((name.to_owned(), value(&mut self.random)));
        }
    }

    fn set_or_clear(&mut self, fields: &mut Fields, name: &str, share: f64, values: &[&str]) {
        self.set(fields, name, share, |random| match random.usize(0..=values.len()) {
            index if index < values.len() => text(values[index]),
            _ => FieldValue::Cleared,
        });
    }

    /// Within so many days before now, at any second.
    fn instant(&mut self, days: i64) -> FieldValue {
        let seconds = self.random.i64(0..days * 86_400);
        FieldValue::Instant(Instant::from_micros(self.now - seconds * 1_000_000))
    }

    /// Up to so many ten-thousandths; sometimes nothing.
    fn money(&mut self, most: i128) -> FieldValue {
        let units = if self.random.f64() < 0.05 { 0 } else { self.random.i128(0..most) };
        FieldValue::Money(Money::from_units(units).unwrap())
    }
}

/// An order belongs to one customer, or to a guest, from the start.
fn owner(number: usize) -> Option<String> {
    (!number.is_multiple_of(9)).then(|| format!("c{}", number * 7 % CUSTOMERS))
}

fn currency(number: usize) -> FieldValue {
    text(if number.is_multiple_of(5) { "USD" } else { "EUR" })
}

fn text(text: &str) -> FieldValue {
    FieldValue::Text(text.to_owned())
}

fn items(random: &mut Rng) -> FieldValue {
    let money = |units: i128| Money::from_units(units).unwrap();
    let item = |sku: u8| Item {
        sku: format!("sku{sku}"),
        category: sku.is_multiple_of(2).then(|| "toys".to_owned()),
        brand: None,
        quantity: money(20_000),
        price: money(35_500),
        amount: money(71_000),
    };
    FieldValue::Items((0..random.u8(1..4)).map(item).collect())
}

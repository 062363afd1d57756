//! Records as a script says them: `order("o1").by("ann").worth(10_000)`.

use sarafan_core::vocabulary::{FieldValue, Instant, Money, Stamp, Subject};
use sarafan_core::{Event, Origin};
use sarafan_wire::{record_hash, sort_fields};

const HOUR: i64 = 3_600_000_000;
/// 2023-12-28.
const START: i64 = 1_703_721_600_000_000;

/// A record that is being put together.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    subject: Subject,
    id: String,
    customer: Option<String>,
    fields: Vec<(String, FieldValue)>,
    hour: i64,
}

/// A paid order of the first day.
pub(crate) fn order(id: &str) -> Record {
    let record = Record::new(Subject::Order, id).says("status", text("paid")).says("currency", text("RUB"));
    record.says("ordered_at", FieldValue::Instant(Instant::from_micros(START)))
}

/// A refund of the second day.
pub(crate) fn refund(id: &str) -> Record {
    let record = Record::new(Subject::Refund, id).says("currency", text("RUB"));
    record.says("refunded_at", FieldValue::Instant(Instant::from_micros(START + 24 * HOUR)))
}

/// What is said of a customer: the tier.
pub(crate) fn customer(name: &str, tier: &str) -> Record {
    Record::new(Subject::Customer, name).by(name).says("attributes.tier", text(tier))
}

fn text(text: &str) -> FieldValue {
    FieldValue::Text(text.to_owned())
}

impl Record {
    fn new(subject: Subject, id: &str) -> Self {
        Self { subject, id: id.to_owned(), customer: None, fields: Vec::new(), hour: 0 }
    }

    /// Whose it is.
    pub(crate) fn by(mut self, customer: &str) -> Self {
        self.customer = Some(customer.to_owned());
        self
    }

    /// In which hour it was last changed: of two records that speak of one thing the later one counts.
    pub(crate) fn at(mut self, hour: i64) -> Self {
        self.hour = hour;
        self
    }

    /// Ten thousandths of a rouble.
    pub(crate) fn worth(self, units: i128) -> Self {
        self.says("amount", FieldValue::Money(Money::from_units(units).unwrap()))
    }

    /// The order that a refund gives money back for.
    pub(crate) fn of(self, order: &str) -> Self {
        self.says("order_id", text(order))
    }

    /// A detail that no figure needs.
    pub(crate) fn noted(self, note: &str) -> Self {
        self.says("attributes.note", text(note))
    }

    fn says(mut self, name: &str, value: FieldValue) -> Self {
        self.fields.push((name.to_owned(), value));
        self
    }

    pub(super) fn event(self) -> Event {
        let mut event = Event {
            subject: self.subject,
            id: self.id,
            customer_id: self.customer,
            order_id: None,
            stamp: Stamp::from_bits(0),
            erased: false,
            fields: self.fields,
            origin: Origin { source: "shop".to_owned(), ..Origin::default() },
        };
        sort_fields(&mut event);
        let updated_at = Instant::from_micros(START + self.hour * HOUR);
        event.stamp = Stamp::new(updated_at, 1, record_hash(&event));
        event
    }
}

//! Records from a domain so small that they meet: three customers and guests, three orders each, refunds that name them,
//! answers, attributes that move a customer to another segment, orders that move to another customer.

use std::sync::Arc;

use fastrand::Rng;
use sarafan_core::definitions::{
    Definitions, DimensionKind, DimensionSection, FieldNames, MetricsSection, Scale, SurveyKind,
    SurveySection,
};
use sarafan_core::vocabulary::{FieldValue, Instant, Money, Score, Stamp, Subject};
use sarafan_core::{Event, Origin};
use sarafan_wire::{record_hash, sort_fields};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// 2023-12-28: a month and a year end within the week.
const START: i64 = 1_703_721_600_000_000;
const CUSTOMERS: [&str; 3] = ["ann", "bob", "eve"];

/// One survey, a customer's tier and an order's store as dimensions, one window.
pub(crate) fn definitions() -> Arc<Definitions> {
    defined(7, &[])
}

/// The same with another window, and a dimension by what nothing had read before: another epoch.
pub(crate) fn other_definitions() -> Arc<Definitions> {
    defined(3, &[dimension("note", DimensionKind::Order, "attributes.note")])
}

fn dimension(name: &str, kind: DimensionKind, field: &str) -> DimensionSection {
    DimensionSection { name: name.to_owned(), kind, field: FieldNames::One(field.to_owned()) }
}

fn defined(window: u16, more: &[DimensionSection]) -> Arc<Definitions> {
    let metrics =
        MetricsSection { windows: vec![window], margin_rate: "0.3".to_owned(), ..MetricsSection::default() };
    let survey = SurveySection {
        id: "s".to_owned(),
        kind: SurveyKind::Relational,
        scale: Scale::ZeroToTen,
        headline: true,
        band: Default::default(),
    };
    let mut dimensions = vec![
        dimension("tier", DimensionKind::Customer, "attributes.tier"),
        dimension("store", DimensionKind::Order, "store"),
    ];
    dimensions.extend_from_slice(more);
    Arc::new(Definitions::resolve(metrics, vec![survey], &dimensions).unwrap())
}

type Fields = Vec<(String, FieldValue)>;

/// What happens once: one record, or the two of a move.
pub(crate) fn something(random: &mut Rng) -> Vec<Event> {
    let subject = match random.u32(0..20) {
        0..8 => Subject::Order,
        8..13 => Subject::Refund,
        13..16 => Subject::SurveyResponse,
        16 => Subject::SurveyInvitation,
        17..19 => Subject::Customer,
        _ => return moved(random),
    };
    let customer = customer(random);
    let (customer, id) = match (subject, customer) {
        (Subject::Customer, customer) => {
            let name = customer.unwrap_or("bob");
            (Some(name), name.to_owned())
        }
        (subject, customer) => (customer, id(random, subject)),
    };
    let fields = fields(random, subject);
    let erased = random.u32(0..60) == 0;
    vec![event(random, subject, &id, customer, fields, erased)]
}

fn customer(random: &mut Rng) -> Option<&'static str> {
    match random.usize(0..8) {
        0 => None,
        n => CUSTOMERS.get(n % 3).copied(),
    }
}

fn id(random: &mut Rng, subject: Subject) -> String {
    let kind = subject.name().chars().next().unwrap_or('x');
    format!("{kind}{}", random.u32(1..=3))
}

/// An order goes from one key to another: *moved* for the old one, a whole record for the new one.
fn moved(random: &mut Rng) -> Vec<Event> {
    let (from, to, id) = (customer(random), customer(random), id(random, Subject::Order));
    let mut whole = fields(random, Subject::Order);
    whole.retain(|(name, _)| name != "moved");
    whole.push(("moved".to_owned(), FieldValue::Flag(false)));
    let leave = vec![("moved".to_owned(), FieldValue::Flag(true))];
    vec![
        event(random, Subject::Order, &id, from, leave, false),
        event(random, Subject::Order, &id, to, whole, false),
    ]
}

fn event(
    random: &mut Rng,
    subject: Subject,
    id: &str,
    customer: Option<&str>,
    mut fields: Fields,
    erased: bool,
) -> Event {
    let guest = customer.is_none() && subject != Subject::Order;
    let order_id = guest.then(|| format!("o{}", random.u32(1..=3)));
    if let Some(named) = &order_id {
        // A guest's record is keyed by the order that it names.
        for (_, value) in fields.iter_mut().filter(|(name, _)| name == "order_id") {
            *value = FieldValue::Text(named.clone());
        }
    }
    let mut event = Event {
        subject,
        id: id.to_owned(),
        customer_id: customer.map(str::to_owned),
        order_id,
        stamp: Stamp::from_bits(0),
        erased,
        fields,
        origin: Origin { source: format!("source-{}", random.u32(0..2)), ..Origin::default() },
    };
    sort_fields(&mut event);
    let updated_at = Instant::from_micros(START + random.i64(0..12) * HOUR);
    event.stamp = Stamp::new(updated_at, 1, record_hash(&event));
    // Of one content there is one record.
    event.origin.source = format!("source-{}", event.stamp.record_hash() % 2);
    event
}

/// Each field as often as not; what decides a figure nearly always.
fn fields(random: &mut Rng, subject: Subject) -> Fields {
    let mut fields = Fields::new();
    let mut say = |name: &str, percent: u32, value: FieldValue, random: &mut Rng| {
        if random.u32(0..100) < percent {
            let cleared = random.u32(0..40) == 0;
            fields.push((name.to_owned(), if cleared { FieldValue::Cleared } else { value }));
        }
    };
    match subject {
        Subject::Order => {
            say("ordered_at", 90, on_a_day(random), random);
            say("status", 90, word(random, &["paid", "paid", "delivered", "cancelled"]), random);
            say("amount", 90, money(random, &[0, 10_000, 25_005, 333_333]), random);
            say("currency", 95, word(random, &["RUB", "RUB", "RUB", "EUR"]), random);
            say("store", 60, word(random, &["north", "south"]), random);
            say("deleted", 3, FieldValue::Flag(true), random);
            say("attributes.note", 30, word(random, &["a", "b", "c"]), random);
        }
        Subject::Refund => {
            say("refunded_at", 90, on_a_day(random), random);
            say("amount", 90, money(random, &[1, 5_005, 10_000, 25_005]), random);
            say("currency", 95, word(random, &["RUB", "RUB", "RUB", "EUR"]), random);
            say("order_id", 75, word(random, &["o1", "o2", "o3"]), random);
        }
        Subject::SurveyResponse => {
            say("survey", 97, word(random, &["s"]), random);
            say("answered_at", 90, on_a_day(random), random);
            let score = Score::new(random.i64(0..=10)).unwrap();
            say("score", 90, FieldValue::Score(score), random);
            say("order_id", 50, word(random, &["o1", "o2", "o3"]), random);
            say("comment", 50, word(random, &["good", "bad"]), random);
        }
        Subject::SurveyInvitation => {
            say("survey", 97, word(random, &["s"]), random);
            say("invited_at", 90, on_a_day(random), random);
            say("status", 90, word(random, &["sent", "delivered", "bounced"]), random);
        }
        _ => {
            say("attributes.tier", 90, word(random, &["gold", "silver", "none"]), random);
            say("excluded_reason", 8, word(random, &["test"]), random);
        }
    }
    fields
}

fn on_a_day(random: &mut Rng) -> FieldValue {
    let day = [0, 1, 3, 4, 8, 35, 95][random.usize(0..7)];
    FieldValue::Instant(Instant::from_micros(START + day * DAY + random.i64(0..3) * 9 * HOUR))
}

fn word(random: &mut Rng, words: &[&str]) -> FieldValue {
    FieldValue::Text(words[random.usize(0..words.len())].to_owned())
}

fn money(random: &mut Rng, units: &[i128]) -> FieldValue {
    FieldValue::Money(Money::from_units(units[random.usize(0..units.len())]).unwrap())
}

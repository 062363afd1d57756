//! Random histories: few customers, few ids and few moments, so that records meet, correct and contradict each other.

use std::fmt;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sarafan_core::vocabulary::{Field, FieldValue, Instant, Item, Kind, Money, Role, Score, Stamp, Subject};
use sarafan_core::{Event, Origin};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// 2023-12-28T00:00:00Z: a year and a month end within the first week.
const START: i64 = 1_703_721_600_000_000;

/// One record and the moments at which the topic delivers it: more than one is a duplicate.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) event: Event,
    pub(crate) places: Vec<u16>,
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { subject, id, stamp, erased, fields, .. } = &self.event;
        let erased = if *erased { " erased" } else { "" };
        write!(f, "{} {id} of {}{erased} at {:?}", subject.name(), self.event.key(), self.places)?;
        write!(f, ", {} r{} h{:x}:", stamp.updated_at(), stamp.mapping_revision(), stamp.record_hash())?;
        fields.iter().try_for_each(|(name, value)| match value {
            FieldValue::Instant(at) => write!(f, " {name}={at}"),
            FieldValue::Money(money) => write!(f, " {name}={money}"),
            FieldValue::Text(text) => write!(f, " {name}={text}"),
            other => write!(f, " {name}={other:?}"),
        })
    }
}

/// Records in the order in which the topic delivers them.
pub(crate) fn delivered(history: &[Sent]) -> Vec<Event> {
    let each = history.iter().flat_map(|sent| sent.places.iter().map(move |place| (*place, &sent.event)));
    let mut all: Vec<(u16, &Event)> = each.collect();
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, event)| event.clone()).collect()
}

/// What a history is about: the fewer customers and ids, the more often records meet.
#[derive(Debug, Clone, Copy)]
struct Theme {
    /// Customers, the likely ones more than once; none is a guest.
    customers: &'static [Option<&'static str>],
    /// How many ids of each subject there are.
    ids: u8,
    /// How many records there are for each one-field correction or erasure.
    healthy: u32,
    /// Orders, refunds, answers, invitations, customers, follow-ups, moves: how often each.
    weights: [u32; 7],
}

const EVERYTHING: Theme = Theme {
    customers: &[Some("ann"), Some("ann"), Some("bob"), Some("eve"), None],
    ids: 5,
    healthy: 2,
    weights: [10, 5, 8, 4, 4, 1, 3],
};
const A_REGULAR: Theme =
    Theme { customers: &[Some("ann")], ids: 9, healthy: 6, weights: [12, 5, 1, 0, 1, 0, 0] };
const SHOPPERS: Theme = Theme {
    customers: &[Some("ann"), Some("bob"), None],
    ids: 4,
    healthy: 4,
    weights: [10, 8, 0, 0, 2, 0, 2],
};
const RESPONDENTS: Theme = Theme {
    customers: &[Some("ann"), Some("ann"), None],
    ids: 4,
    healthy: 5,
    weights: [4, 1, 12, 6, 1, 1, 0],
};

/// Any history: everything that METRICS 1 knows, in any order, with duplicates.
pub(crate) fn history(longest: usize) -> impl Strategy<Value = Vec<Sent>> {
    let of = move |theme: &'static Theme| {
        let sent = (step(theme), vec(any::<u16>(), 2), option::weighted(0.15, any::<u16>()));
        vec(sent, 1..longest).prop_map(|steps| {
            let mut history = Vec::new();
            for (events, places, again) in steps {
                for (event, place) in events.into_iter().zip(places) {
                    history.push(Sent { event, places: [place].into_iter().chain(again).collect() });
                }
            }
            history
        })
    };
    prop_oneof![of(&EVERYTHING), of(&A_REGULAR), of(&SHOPPERS), of(&RESPONDENTS)]
}

/// One thing that happens: one record, or the two of a move.
fn step(theme: &'static Theme) -> impl Strategy<Value = Vec<Event>> {
    let one = |subject: Subject| record(theme, subject).prop_map(|event| vec![event]);
    let [orders, refunds, answers, invitations, customers, follow_ups, moves] = theme.weights;
    prop_oneof![
        orders => one(Subject::Order),
        refunds => one(Subject::Refund),
        answers => one(Subject::SurveyResponse),
        invitations => one(Subject::SurveyInvitation),
        customers => one(Subject::Customer),
        follow_ups => one(Subject::FollowUp),
        moves => moved(theme),
    ]
}

/// A record: mostly a whole one, else one field changed or cleared; rarely an erasure.
fn record(theme: &'static Theme, subject: Subject) -> impl Strategy<Value = Event> {
    let fields = prop_oneof![theme.healthy => whole(subject), 1 => one_field(subject).boxed()];
    let erased = prop::bool::weighted(0.04 / f64::from(theme.healthy));
    let identity = (id(theme, subject), who(theme));
    (identity, fields, moment(), erased).prop_map(move |((id, (customer, order)), fields, at, erased)| {
        let (customer, id) = match (subject, customer) {
            // A customer's record is the customer's own.
            (Subject::Customer, named) => {
                let name = named.unwrap_or_else(|| "bob".to_owned());
                (Some(name.clone()), name)
            }
            (_, customer) => (customer, id),
        };
        event(subject, &id, customer.as_deref(), order, fields, at, erased)
    })
}

/// An order goes from one customer (or a guest) to another: *moved* for the old key, a whole record for the new one.
fn moved(theme: &'static Theme) -> impl Strategy<Value = Vec<Event>> {
    let identity = (id(theme, Subject::Order), who(theme), who(theme));
    (identity, whole(Subject::Order), moment()).prop_map(|((id, (from, _), (to, _)), mut fields, at)| {
        fields.retain(|(name, _)| name != "moved" && name != "deleted");
        fields.push(("moved".to_owned(), FieldValue::Flag(false)));
        let leave = vec![("moved".to_owned(), FieldValue::Flag(true))];
        let old = event(Subject::Order, &id, from.as_deref(), None, leave, at, false);
        let new = event(Subject::Order, &id, to.as_deref(), None, fields, at, false);
        vec![old, new]
    })
}

/// A customer, or a guest with the order that it names.
fn who(theme: &'static Theme) -> impl Strategy<Value = (Option<String>, Option<String>)> {
    let named = option::weighted(0.7, id(theme, Subject::Order));
    (select(theme.customers), named).prop_map(|(customer, order)| match customer {
        Some(customer) => (Some(customer.to_owned()), None),
        None => (None, order),
    })
}

fn id(theme: &'static Theme, subject: Subject) -> impl Strategy<Value = String> {
    let prefix = match subject {
        Subject::Order => "o",
        Subject::Refund => "r",
        Subject::SurveyResponse => "a",
        Subject::SurveyInvitation => "i",
        _ => "x",
    };
    (1..=theme.ids).prop_map(move |n| format!("{prefix}{n}"))
}

/// `updated_at` and the mapping's revision: few values, so that many are equal and the hash decides.
fn moment() -> impl Strategy<Value = (i64, u16)> {
    (0..8_i64, prop_oneof![6 => Just(1_u16), 1 => Just(2_u16)])
}

/// An event with the stamp that its content gives it.
fn event(
    subject: Subject,
    id: &str,
    customer: Option<&str>,
    order: Option<String>,
    mut fields: Vec<(String, FieldValue)>,
    (at, revision): (i64, u16),
    erased: bool,
) -> Event {
    let order_id = order.filter(|_| subject != Subject::Order && customer.is_none());
    if let Some(named) = &order_id {
        // The field and the key of a guest's record name the same order, unless the record does not speak of it.
        for (_, value) in fields.iter_mut().filter(|(name, _)| name == "order_id") {
            *value = FieldValue::Text(named.clone());
        }
    }
    let hash = xxhash_rust::xxh3::xxh3_64(format!("{fields:?} {erased}").as_bytes());
    let updated_at = Instant::from_micros(START + at * HOUR);
    Event {
        subject,
        id: id.to_owned(),
        customer_id: customer.map(str::to_owned),
        order_id,
        stamp: Stamp::new(updated_at, revision, hash),
        erased,
        fields,
        // A function of the record, as a duplicate of it comes from the same place.
        origin: Origin { source: format!("source-{}", hash % 3), ..Origin::default() },
    }
}

/// How often a whole record speaks of a field, in percent.
fn frequency(subject: Subject, field: &str) -> f64 {
    match (subject, field) {
        (_, "ordered_at" | "answered_at" | "refunded_at" | "invited_at" | "amount" | "currency") => 0.97,
        (Subject::Order | Subject::SurveyInvitation, "status") => 0.97,
        (_, "survey") => 0.97,
        (_, "score") => 0.85,
        (Subject::Refund, "order_id") => 0.75,
        (Subject::SurveyResponse, "order_id" | "invitation_id") => 0.6,
        (_, "margin" | "purchase_id") => 0.2,
        (_, "reminder_of") => 0.3,
        (_, "store" | "channel" | "reasons") => 0.6,
        (_, "excluded_reason" | "moved" | "deleted" | "kind") => 0.03,
        (Subject::Customer, _) => 0.7,
        _ => 0.15,
    }
}

/// A whole record: each field as often as its frequency says.
fn whole(subject: Subject) -> BoxedStrategy<Vec<(String, FieldValue)>> {
    let field = |(name, field): (String, &'static Field)| {
        let value = option::weighted(frequency(subject, &name), value(subject, field));
        value.prop_map(move |value| value.map(|v| (name.clone(), v))).boxed()
    };
    let each: Vec<_> = named_fields(subject).into_iter().map(field).collect();
    each.prop_map(|fields| fields.into_iter().flatten().collect()).boxed()
}

/// One field gets another value, or is cleared.
fn one_field(subject: Subject) -> impl Strategy<Value = Vec<(String, FieldValue)>> {
    // Those that decide what counts are changed more often than the others.
    let decisive =
        ["status", "amount", "order_id", "excluded_reason", "deleted", "moved", "score", "ordered_at"];
    let mut fields = named_fields(subject);
    let again: Vec<_> =
        fields.iter().filter(|(name, _)| decisive.contains(&name.as_str())).cloned().collect();
    fields.extend(again.iter().chain(&again).cloned());
    select(fields).prop_flat_map(move |(name, field)| {
        let value = prop_oneof![4 => value(subject, field), 1 => Just(FieldValue::Cleared)];
        value.prop_map(move |value| vec![(name.clone(), value)])
    })
}

/// The fields of a subject, free attributes by name.
fn named_fields(subject: Subject) -> Vec<(String, &'static Field)> {
    let names = |field: &'static Field| match field.kind {
        Kind::Named => ["tier", "region"].iter().map(|n| format!("{}.{n}", field.name)).collect(),
        _ => vec![field.name.to_owned()],
    };
    let folded = subject.is_folded();
    let fields =
        subject.fields().iter().filter(|f| folded || (f.role == Role::Detail && f.kind == Kind::Text));
    fields.flat_map(|field| names(field).into_iter().map(move |name| (name, field))).collect()
}

/// A value that the field may hold.
fn value(subject: Subject, field: &'static Field) -> BoxedStrategy<FieldValue> {
    let refund = subject == Subject::Refund;
    let words = |words: &[&'static str]| {
        select(words.to_vec()).prop_map(|word| FieldValue::Text(word.to_owned())).boxed()
    };
    match (field.name, field.kind) {
        ("status", Kind::Code(codes)) if codes.contains(&"paid") => words(&[
            "paid",
            "paid",
            "paid",
            "delivered",
            "completed",
            "placed",
            "shipped",
            "cancelled",
            "pending",
        ]),
        ("currency", _) => words(&["RUB", "RUB", "RUB", "EUR"]),
        ("survey", _) => {
            words(&["relation", "relation", "relation", "relation", "delivery", "stars", "undeclared"])
        }
        ("order_id" | "purchase_id", _) => words(&["o1", "o1", "o2", "o2", "o3", "o4", "o5", "o6"]),
        ("invitation_id" | "reminder_of", _) => words(&["i1", "i2", "i3", "i4"]),
        ("referred_by", _) => words(&["ann", "bob", "zoe"]),
        ("amount", _) if refund => money(&[0, 1, 3_333, 3_333, 5_005, 10_000, 25_005]),
        ("amount", _) => money(&[0, 1, 10_000, 10_000, 25_005, 333_333, 999_999]),
        ("margin", _) => money(&[-5_001, 0, 1, 3_333, 100_000]),
        (_, Kind::Code(codes)) => words(codes),
        (_, Kind::Money) => money(&[0, 10_000]),
        (_, Kind::Instant) => instant(),
        (_, Kind::Score) => (0..=10_i64).prop_map(|s| FieldValue::Score(Score::new(s).unwrap())).boxed(),
        (_, Kind::Flag) => any::<bool>().prop_map(FieldValue::Flag).boxed(),
        (_, Kind::Texts) => reasons(),
        (_, Kind::Items) => items(),
        (_, Kind::Text | Kind::Named) => words(&["north", "south", "gold"]),
    }
}

fn money(units: &[i128]) -> BoxedStrategy<FieldValue> {
    select(units.to_vec()).prop_map(|u| FieldValue::Money(Money::from_units(u).unwrap())).boxed()
}

/// Few days, close together and around the windows and ages; hours on either side of midnight in other zones.
fn instant() -> BoxedStrategy<FieldValue> {
    let day = prop_oneof![
        6 => 0..8_i64,
        3 => 28..40_i64,
        2 => 88..93_i64,
        1 => 362..370_i64,
        1 => 728..735_i64,
    ];
    let hour = select(vec![0, 9, 9, 20, 21, 23]);
    (day, hour).prop_map(|(day, hour)| instant_of(day, hour)).boxed()
}

fn instant_of(day: i64, hour: i64) -> FieldValue {
    FieldValue::Instant(Instant::from_micros(START + day * DAY + hour * HOUR))
}

fn reasons() -> BoxedStrategy<FieldValue> {
    let reason = select(vec!["price", "courier", "quality"]).prop_map(str::to_owned);
    vec(reason, 1..3).prop_map(FieldValue::Texts).boxed()
}

fn items() -> BoxedStrategy<FieldValue> {
    let item = (select(vec!["tea", "mug"]), 1..4_i128).prop_map(|(sku, pieces)| Item {
        sku: sku.to_owned(),
        category: None,
        brand: Some("own".to_owned()),
        quantity: Money::from_units(pieces * 10_000).unwrap(),
        price: Money::from_units(5_000).unwrap(),
        amount: Money::from_units(pieces * 5_000).unwrap(),
    });
    vec(item, 0..3).prop_map(FieldValue::Items).boxed()
}

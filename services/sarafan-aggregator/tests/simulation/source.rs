//! What source systems say, in JSON of their own, and what each record means: told before ingest has seen it, by nothing
//! that ingest or its mapping share.

use fastrand::Rng;
use sarafan_core::Event;
use sarafan_core::vocabulary::{FieldValue, Instant, Stamp, Subject};
use sarafan_wire::{record_hash, sort_fields};

use crate::domain::something;

/// The deployment's configuration, as ingest reads it.
pub(crate) const CONFIG: &str = r#"
[kafka]
brokers = "nowhere:9092"

[topics]
events = "events"
dead_letters = "dead"

[ingest]
group = "ingest"
session_timeout_ms = 10_000
batch = { max_age_ms = 50 }

[[survey]]
id = "s"
kind = "relational"
headline = true

[[source]]
name = "shop"
topic = "shop"
updated_at = "at"
mapping_revision = 2
skip = [{ rule = "tests", when = { path = "test", equals = true } }]

[[source.record]]
subject = "order"
when = { path = "kind", equals = "sale" }
id = "id"
customer_id = "customer"
previous_customer_id = "previous"
erased = { path = "forget", equals = true }
ordered_at = "when"
status = { path = "state", map = { P = "paid", D = "delivered", X = "cancelled" } }
amount = "sum"
currency = "cur"
store = "shop"
deleted = "gone"
attributes.note = "note"

# A sale that names the buyer's tier speaks of the buyer too.
[[source.record]]
subject = "customer"
when = [{ path = "kind", equals = "sale" }, { path = "tier", exists = true }]
id = "customer"
erased = { path = "forget", equals = true }
attributes.tier = "tier"

[[source.record]]
subject = "refund"
when = { path = "kind", equals = "credit" }
id = "id"
customer_id = "customer"
previous_customer_id = "previous"
erased = { path = "forget", equals = true }
refunded_at = "when"
amount = "sum"
currency = "cur"
order_id = "order"

[[source.record]]
subject = "customer"
when = { path = "kind", equals = "buyer" }
id = "id"
erased = { path = "forget", equals = true }
attributes.tier = "tier"
excluded_reason = "why"

[[source]]
name = "survey"
topic = "answers"
updated_at = "at"
timestamps = "epoch_ms"
skip = [{ rule = "tests", when = { path = "test", equals = true } }]

[[source.record]]
subject = "survey_response"
when = { path = "kind", equals = "answer" }
id = "id"
customer_id = "customer"
previous_customer_id = "previous"
erased = { path = "forget", equals = true }
survey = "poll"
answered_at = "when"
score = "mark"
order_id = "order"
comment = "words"

[[source.record]]
subject = "survey_invitation"
when = { path = "kind", equals = "question" }
id = "id"
customer_id = "customer"
previous_customer_id = "previous"
key_order_id = "order"
erased = { path = "forget", equals = true }
survey = "poll"
invited_at = "when"
status = "state"
"#;

/// The source topics.
pub(crate) const TOPICS: [&str; 2] = ["shop", "answers"];

/// When sources write: later than anything that they speak of.
const WRITTEN_MS: i64 = 1_720_000_000_000;
const WEEK_MS: i64 = 7 * 24 * 3_600_000;

/// What must become of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meaning {
    /// All of these events; their origin is not in them yet.
    Events(Vec<Event>),
    /// Nothing: it is left out on purpose.
    Nothing,
    /// A dead letter with this reason.
    DeadLetter(&'static str),
}

/// A record of a source.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) topic: &'static str,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) meaning: Meaning,
}

/// An entity as a source has it.
struct Said {
    event: Event,
    previous: Option<Option<String>>,
    /// What a sale says of its buyer.
    tier: Option<&'static str>,
}

/// What a source says next.
pub(crate) fn statement(random: &mut Rng) -> Statement {
    let said = said(random);
    let topic = topic_of(said.event.subject);
    let text = Text::of(&said);
    let whole = |value: String, meaning| Statement {
        topic,
        value: Some(value.into_bytes()),
        timestamp_ms: Some(WRITTEN_MS),
        meaning,
    };
    match random.u32(0..24) {
        0..2 => broken(random, text, topic),
        2 => whole(text.with("test", "true").written(), Meaning::Nothing),
        _ => whole(text.written(), meaning(said)),
    }
}

fn topic_of(subject: Subject) -> &'static str {
    match subject {
        Subject::SurveyResponse | Subject::SurveyInvitation => TOPICS[1],
        _ => TOPICS[0],
    }
}

fn said(random: &mut Rng) -> Said {
    let mut events = something(random);
    let left = (events.len() > 1).then(|| events.remove(0).customer_id);
    let mut event = events.remove(0);
    event.fields.retain(|(name, _)| name != "moved");
    if event.subject != Subject::SurveyInvitation {
        // The order that a record names is a field of it, and decides a guest's key.
        event.order_id = match event.field("order_id") {
            Some(FieldValue::Text(order)) => Some(order.clone()),
            _ => None,
        };
    }
    let somebody = (event.subject != Subject::Customer && random.u32(0..12) == 0)
        .then(|| [None, Some("ann".to_owned()), Some("bob".to_owned())][random.usize(0..3)].clone());
    let sale = event.subject == Subject::Order && random.u32(0..5) == 0;
    let tier = sale.then(|| ["gold", "silver"][random.usize(0..2)]);
    Said { event, previous: left.or(somebody), tier }
}

/// What METRICS and the configuration make of it.
fn meaning(said: Said) -> Meaning {
    let Said { mut event, previous, tier } = said;
    let paid = event.fields.iter().any(|(_, value)| matches!(value, FieldValue::Money(_)));
    if paid && !matches!(event.field("currency"), Some(FieldValue::Text(_))) {
        return Meaning::DeadLetter("missing_currency");
    }
    if tier.is_some() && event.customer_id.is_none() {
        return Meaning::DeadLetter("missing_id");
    }
    let buyer = tier.map(|tier| Event {
        subject: Subject::Customer,
        id: event.customer_id.clone().unwrap(),
        order_id: None,
        fields: vec![("attributes.tier".to_owned(), FieldValue::Text(tier.to_owned()))],
        ..event.clone()
    });
    let mut events = Vec::new();
    if event.erased {
        event.fields.clear();
    }
    if let Some(previous) = previous.filter(|previous| *previous != event.customer_id) {
        let mark = vec![("moved".to_owned(), FieldValue::Flag(true))];
        events.push(Event { customer_id: previous, fields: mark, ..event.clone() });
        event.fields.push(("moved".to_owned(), FieldValue::Cleared));
    }
    events.push(event);
    events.extend(buyer.map(|buyer| match buyer.erased {
        true => Event { fields: Vec::new(), ..buyer },
        false => buyer,
    }));
    events.iter_mut().for_each(sealed);
    Meaning::Events(events)
}

fn sealed(event: &mut Event) {
    sort_fields(event);
    let topic = topic_of(event.subject);
    let (source, revision) = if topic == TOPICS[0] { ("shop", 2) } else { ("survey", 1) };
    event.stamp = Stamp::new(event.stamp.updated_at(), revision, record_hash(event));
    event.origin = sarafan_core::Origin {
        source: source.to_owned(),
        topic: topic.to_owned(),
        ..sarafan_core::Origin::default()
    };
}

/// An object on its way to be written: names and JSON values.
struct Text {
    subject: Subject,
    members: Vec<(&'static str, String)>,
}

impl Text {
    fn of(said: &Said) -> Self {
        let Said { event, previous, tier } = said;
        let subject = event.subject;
        let kind = match subject {
            Subject::Order => "sale",
            Subject::Refund => "credit",
            Subject::SurveyResponse => "answer",
            Subject::SurveyInvitation => "question",
            _ => "buyer",
        };
        let time = event.stamp.updated_at();
        let mut members =
            vec![("kind", quoted(kind)), ("id", quoted(&event.id)), ("at", when(subject, time))];
        let person = |name: &Option<String>| name.as_deref().map_or("null".to_owned(), quoted);
        members.push(("customer", person(&event.customer_id)));
        members.extend(previous.as_ref().map(|previous| ("previous", person(previous))));
        members.extend(tier.map(|tier| ("tier", quoted(tier))));
        members.extend(event.erased.then(|| ("forget", "true".to_owned())));
        let named = event.order_id.as_deref().filter(|_| subject == Subject::SurveyInvitation);
        members.extend(named.map(|order| ("order", quoted(order))));
        for (name, value) in &event.fields {
            members.push((member(name), json(subject, name, value)));
        }
        Self { subject, members }
    }

    fn without(mut self, name: &str) -> Self {
        self.members.retain(|(member, _)| *member != name);
        self
    }

    fn with(self, name: &'static str, value: &str) -> Self {
        let mut text = self.without(name);
        text.members.push((name, value.to_owned()));
        text
    }

    fn written(&self) -> String {
        let members: Vec<String> =
            self.members.iter().map(|(name, value)| format!("{}:{value}", quoted(name))).collect();
        format!("{{{}}}", members.join(","))
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn when(subject: Subject, at: Instant) -> String {
    let text = at.to_string();
    if topic_of(subject) == TOPICS[0] { quoted(&text) } else { (at.micros() / 1_000).to_string() }
}

/// What a source calls a field.
fn member(field: &str) -> &'static str {
    match field {
        "ordered_at" | "refunded_at" | "answered_at" | "invited_at" => "when",
        "status" => "state",
        "amount" => "sum",
        "currency" => "cur",
        "store" => "shop",
        "deleted" => "gone",
        "attributes.note" => "note",
        "attributes.tier" => "tier",
        "excluded_reason" => "why",
        "order_id" => "order",
        "survey" => "poll",
        "score" => "mark",
        "comment" => "words",
        other => panic!("no source speaks of {other}"),
    }
}

fn json(subject: Subject, field: &str, value: &FieldValue) -> String {
    match value {
        FieldValue::Cleared => "null".to_owned(),
        FieldValue::Instant(at) => when(subject, *at),
        // As a text in one kind of record, as a number in the other.
        FieldValue::Money(amount) if subject == Subject::Refund => quoted(&amount.to_string()),
        FieldValue::Money(amount) => amount.to_string(),
        FieldValue::Text(word) if field == "status" && subject == Subject::Order => match word.as_str() {
            "paid" => quoted("P"),
            "delivered" => quoted("D"),
            _ => quoted("X"),
        },
        FieldValue::Text(text) => quoted(text),
        FieldValue::Score(score) => score.value().to_string(),
        FieldValue::Flag(flag) => flag.to_string(),
        other => panic!("no source says {other:?}"),
    }
}

/// A record with one thing wrong, which is found before anything else that may be wrong with it.
fn broken(random: &mut Rng, text: Text, topic: &'static str) -> Statement {
    let (subject, mut timestamp_ms) = (text.subject, Some(WRITTEN_MS));
    let sane = text.written();
    let later = Instant::from_micros((WRITTEN_MS + WEEK_MS) * 1_000);
    let member = |name: &'static str, value: &str| text_with(&sane, name, value);
    let written = |text: Text| Some(text.written().into_bytes());
    let money = matches!(subject, Subject::Order | Subject::Refund);
    let (value, reason) = match random.u32(0..14) {
        0 => (Some(sane.as_bytes()[..sane.len() / 2].to_vec()), "not_json"),
        1 => (Some(format!("[{sane}]").into_bytes()), "not_an_object"),
        2 => (None, "no_value"),
        3 => (Some(vec![b'{', 0xff, b'}']), "invalid_utf8"),
        4 => (Some(member("deep", &format!("{}{}", "[".repeat(20), "]".repeat(20)))), "too_deep"),
        5 => (written(text.with("kind", "\"gift\"")), "no_rule_matched"),
        6 => (written(text.without("id")), "missing_id"),
        7 => (written(text.without("at")), "missing_version"),
        8 => (written(text.with("at", "\"yesterday\"")), "bad_timestamp"),
        9 => {
            timestamp_ms = None;
            (Some(sane.into_bytes()), "missing_version")
        }
        10 if money => (written(text.with("sum", "\"12,5\"")), "bad_amount"),
        11 if money => (written(text.with("sum", "-1")), "negative_amount"),
        10 if subject == Subject::SurveyResponse => (written(text.with("mark", "11")), "score_out_of_range"),
        11 if subject == Subject::SurveyResponse => (written(text.with("mark", "8.5")), "score_not_integer"),
        12 if topic == TOPICS[1] => (written(text.with("poll", "\"x\"")), "undeclared_survey"),
        12 if subject == Subject::Order => (written(text.with("state", "\"?\"")), "unknown_status"),
        _ => (written(text.with("at", &when(subject, later))), "version_in_future"),
    };
    Statement { topic, value, timestamp_ms, meaning: Meaning::DeadLetter(reason) }
}

fn text_with(object: &str, name: &str, value: &str) -> Vec<u8> {
    format!("{},{}:{value}}}", &object[..object.len() - 1], quoted(name)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is to be said is said of all kinds, so that nothing is left untested by chance.
    #[test]
    fn sources_say_every_kind_of_thing() {
        let mut random = Rng::with_seed(1);
        let said: Vec<Statement> = (0..3_000).map(|_| statement(&mut random)).collect();
        let reasons: std::collections::BTreeSet<&str> = said
            .iter()
            .filter_map(|statement| match statement.meaning {
                Meaning::DeadLetter(reason) => Some(reason),
                _ => None,
            })
            .collect();
        assert_eq!(reasons.len(), 17, "{reasons:?}");
        let events = |statement: &Statement| match &statement.meaning {
            Meaning::Events(events) => events.len(),
            _ => 0,
        };
        let most = said.iter().map(events).max();
        assert_eq!(most, Some(3), "a sale that moves and speaks of its buyer");
        assert!(said.iter().any(|statement| statement.meaning == Meaning::Nothing));
    }
}

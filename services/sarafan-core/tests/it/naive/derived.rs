//! Rows of the tables that are not cells: entities with what follows for them, customers, details.

use std::collections::{BTreeMap, BTreeSet};

use sarafan_core::vocabulary::{CanonicalKey, Field, FieldValue, Kind, Role, Stamp, Subject};

use super::facts::{Facts, Order};
use super::merge::Entity;
use super::segments::{self, Cut, year_and_month};
use super::{Rows, money};
use crate::plain::Plain;

type Row = BTreeMap<&'static str, Plain>;

/// The rows that the tables must hold; columns that speak of the way there (versions, base stamps) are left out.
pub(crate) fn rows(facts: &Facts<'_>) -> Rows {
    let mut rows = Rows::new();
    let superseded = superseded(facts);
    let steps = steps(facts);
    for ((subject, key, id), entity) in &facts.world.entities {
        let table = match subject {
            Subject::Order => "orders",
            Subject::Refund => "refunds",
            Subject::SurveyResponse => "survey_responses",
            Subject::SurveyInvitation => "survey_invitations",
            Subject::Customer => "customers",
            Subject::FollowUp | Subject::Spend | Subject::Deal => continue,
        };
        let mut row = own(facts, *subject, key, entity);
        row.extend(match subject {
            Subject::Order => order(facts, key, id, entity, &steps),
            Subject::SurveyResponse => response(facts, key, id, entity, &superseded),
            Subject::SurveyInvitation => invitation(facts, key, id),
            _ => Row::new(),
        });
        rows.insert((table, vec![key.clone(), id.clone()]), row);
    }
    customers(facts, &mut rows);
    details(facts, &mut rows);
    rows
}

/// The entity's own content.
fn own(facts: &Facts<'_>, subject: Subject, key: &str, entity: &Entity) -> Row {
    let mut row = Row::from([
        ("key_hash", Plain::Int(CanonicalKey::parse(key).expect("a key").hash().into())),
        ("erased", Plain::flag(entity.erased)),
        ("source", Plain::Text(entity.latest.1.clone())),
        ("latest_stamp", Plain::Int(entity.latest.0.cast_signed())),
        ("updated_at", Plain::Int(Stamp::from_bits(entity.latest.0).updated_at().micros().into())),
    ]);
    for field in subject.fields().iter().filter(|f| f.role == Role::Metric) {
        row.insert(field.name, plain(field, entity.value(field.name)));
    }
    let mut names = Vec::new();
    let mut values = Vec::new();
    for name in facts.world.definitions.attributes_of(subject) {
        if let Some(value) = entity.text(&format!("attributes.{name}")) {
            names.push(name);
            values.push(value.to_owned());
        }
    }
    row.insert("attribute_names", Plain::Texts(names));
    row.insert("attribute_values", Plain::Texts(values));
    if let Some(time) = subject.event_time() {
        row.insert("day", Plain::int(entity.instant(time).map(|at| facts.world.day(at))));
    }
    row
}

fn plain(field: &Field, value: Option<&FieldValue>) -> Plain {
    match value {
        None | Some(FieldValue::Cleared) if field.kind == Kind::Texts => Plain::Texts(Vec::new()),
        None | Some(FieldValue::Cleared) => Plain::Null,
        Some(FieldValue::Instant(at)) => Plain::Int(at.micros().into()),
        Some(FieldValue::Money(money)) => Plain::Int(money.units().into()),
        Some(FieldValue::Text(text)) => Plain::Text(text.clone()),
        Some(FieldValue::Score(score)) => Plain::Int(score.value().into()),
        Some(FieldValue::Flag(flag)) => Plain::flag(*flag),
        Some(FieldValue::Texts(texts)) => Plain::Texts(texts.clone()),
        Some(FieldValue::Items(items)) => panic!("lines of an order are no column: {items:?}"),
    }
}

/// (key, order) -> its purchase's number and the days since the purchase before.
type Steps<'f> = BTreeMap<(&'f str, &'f str), (i32, Option<i32>)>;

fn steps<'f>(facts: &'f Facts<'f>) -> Steps<'f> {
    let mut steps = Steps::new();
    for (key, orders) in facts.by_customer() {
        let mut before = None;
        for (number, purchase) in (1..).zip(facts.purchases(&orders)) {
            let gap = before.map(|day: i32| purchase.day - day);
            steps.extend(purchase.orders.iter().map(|o| ((key, o.id), (number, gap))));
            before = Some(purchase.day);
        }
    }
    steps
}

fn order(facts: &Facts<'_>, key: &str, id: &str, entity: &Entity, steps: &Steps<'_>) -> Row {
    let told = entity.alive() && entity.instant("ordered_at").is_some();
    let given = if told { facts.given_back(key, id, entity) } else { Default::default() };
    let counted = facts.order(key, Some(id));
    let step = steps.get(&(key, id));
    let first = facts.orders.iter().find(|o| o.key == key);
    let is_first = key.starts_with("c:") && first.is_some_and(|o| o.id == id);
    Row::from([
        ("counted", Plain::flag(counted.is_some())),
        ("refunded", Plain::Int(given.refunded)),
        ("over_refunded", Plain::Int(given.over_refunded)),
        ("revenue", Plain::Int(counted.map_or(0, |o| o.revenue))),
        ("net_margin", Plain::Int(counted.map_or(0, |o| o.margin))),
        ("nth", Plain::int(step.map(|(number, _)| *number))),
        ("is_first", Plain::flag(is_first)),
        ("days_since_previous", Plain::int(step.and_then(|(_, gap)| *gap))),
    ])
}

/// (key, answer) -> the day of the customer's next scored answer to the same survey.
fn superseded<'f>(facts: &'f Facts<'f>) -> BTreeMap<(&'f str, &'f str), i32> {
    let scored: Vec<_> =
        facts.answers.iter().filter(|a| a.key.starts_with("c:") && a.score.is_some()).collect();
    let mut found = BTreeMap::new();
    for (place, answer) in scored.iter().enumerate() {
        let later = &scored[place + 1..];
        if let Some(next) = later.iter().find(|a| a.key == answer.key && a.survey == answer.survey) {
            found.insert((answer.key, answer.id), next.day);
        }
    }
    found
}

fn response(
    facts: &Facts<'_>,
    key: &str,
    id: &str,
    entity: &Entity,
    superseded: &BTreeMap<(&str, &str), i32>,
) -> Row {
    let counted = facts.answers.iter().any(|a| a.key == key && a.id == id);
    let mut row = Row::from([
        ("counted", Plain::flag(counted)),
        ("superseded_on", Plain::int(superseded.get(&(key, id)).copied())),
    ]);
    if counted {
        row.extend(cut_columns(segments::own_of_response(facts, key, entity)));
    }
    row
}

fn cut_columns(cuts: Vec<Cut>) -> [(&'static str, Plain); 2] {
    let (dimensions, segments) = cuts.into_iter().unzip();
    [("dimensions", Plain::Texts(dimensions)), ("segments", Plain::Texts(segments))]
}

fn invitation(facts: &Facts<'_>, key: &str, id: &str) -> Row {
    match facts.invitations.iter().find(|i| i.key == key && i.id == id) {
        None => Row::from([("counted", Plain::flag(false))]),
        Some(counted) => Row::from([
            ("counted", Plain::flag(true)),
            ("reminders", Plain::Int(counted.reminders.into())),
            ("response_id", Plain::text(counted.response_id)),
        ]),
    }
}

fn customers(facts: &Facts<'_>, rows: &mut Rows) {
    let accounts = money::all_accounts(facts);
    let by_customer = facts.by_customer();
    let folded = facts.world.entities.keys().filter(|(subject, ..)| subject.is_folded());
    let keys: BTreeSet<&str> = folded.map(|(_, key, _)| key.as_str()).collect();
    for key in keys.into_iter().filter(|key| key.starts_with("c:")) {
        let orders = by_customer.get(key).map_or(&[][..], Vec::as_slice);
        rows.insert(("customer_figures", vec![key.to_owned()]), figures(facts, key, orders));
        let mine: Vec<_> = accounts.iter().filter(|((k, _), _)| *k == key).collect();
        let column = |value: fn(&money::Account) -> i128| {
            Plain::Ints(mine.iter().map(|(_, account)| value(account)).collect())
        };
        let currencies = mine.iter().map(|((_, currency), _)| (*currency).to_owned()).collect();
        let row = Row::from([
            ("currency", Plain::Texts(currencies)),
            ("orders", column(|a| a.orders)),
            ("purchases", column(|a| a.purchases)),
            ("months_487", column(|a| a.months_487)),
            ("gross", column(|a| a.gross)),
            ("refunded", column(|a| a.refunded)),
            ("revenue", column(|a| a.revenue)),
            ("margin", column(|a| a.margin)),
        ]);
        rows.insert(("customer_money", vec![key.to_owned()]), row);
    }
}

fn figures(facts: &Facts<'_>, key: &str, orders: &[&Order<'_>]) -> Row {
    let purchases = facts.purchases(orders);
    let years: BTreeSet<i32> = purchases.iter().map(|p| year_and_month(p.day).0).collect();
    let surveys = &facts.world.definitions.surveys;
    let headline = surveys.iter().find(|s| s.headline).or(surveys.first());
    let scored: Vec<_> = facts.answers.iter().filter(|a| a.key == key && a.score.is_some()).collect();
    let latest = scored.iter().rfind(|a| headline.is_some_and(|h| h.id == a.survey));
    let customer = facts.world.find(Subject::Customer, key, &key[2..]);
    let (first, last) = (orders.first(), orders.last());
    let mut row = Row::from([
        ("excluded_reason", Plain::text(customer.and_then(|c| c.text("excluded_reason")))),
        ("first_order_at", Plain::int(first.map(|o| o.at))),
        ("last_order_at", Plain::int(last.map(|o| o.at))),
        ("first_day", Plain::int(purchases.first().map(|p| p.day))),
        ("last_day", Plain::int(purchases.last().map(|p| p.day))),
        ("orders", count(orders.len())),
        ("purchases", count(purchases.len())),
        ("answers", count(scored.len())),
        ("years_bought", count(years.len())),
        ("latest_score", Plain::int(latest.and_then(|a| a.score))),
        ("latest_answered_at", Plain::int(latest.map(|a| a.at))),
        ("referred_by", Plain::text(first.and_then(|o| o.entity.text("referred_by")))),
    ]);
    row.extend(cut_columns(segments::of_customer(facts, key).split_off(1)));
    row
}

/// The detail fields that are texts: (subject, key, id, field) -> the greatest stamp's value.
fn details(facts: &Facts<'_>, rows: &mut Rows) {
    for ((subject, key, id), entity) in facts.world.entities.iter().filter(|(_, e)| !e.erased) {
        for (name, (stamp, value)) in &entity.fields {
            let declared = subject.field(name).or_else(|| subject.field(name.split('.').next()?));
            let detail = declared.is_some_and(|f| f.role == Role::Detail);
            let value = match value {
                FieldValue::Cleared => Plain::Null,
                FieldValue::Text(text) => Plain::Text(text.clone()),
                _ => continue,
            };
            if detail && name != "items" {
                let identity = vec![subject.name().to_owned(), key.clone(), id.clone(), name.clone()];
                let row = Row::from([("value", value), ("stamp", Plain::Int(stamp.cast_signed()))]);
                rows.insert(("details", identity), row);
            }
        }
        if let Some((stamp, FieldValue::Items(items))) = entity.fields.get("items") {
            let skus = items.iter().map(|item| item.sku.clone()).collect();
            let amounts = items.iter().map(|item| item.amount.units().into()).collect();
            let stamp = Plain::Int(stamp.cast_signed());
            let row =
                Row::from([("sku", Plain::Texts(skus)), ("amount", Plain::Ints(amounts)), ("stamp", stamp)]);
            rows.insert(("order_items", vec![key.clone(), id.clone()]), row);
        }
    }
}

fn count(count: usize) -> Plain {
    Plain::Int(i128::try_from(count).expect("a small number"))
}

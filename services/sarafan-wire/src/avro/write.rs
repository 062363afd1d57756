//! An event as an Avro record, in the order of its schema.

use std::collections::{HashMap, HashSet};

use apache_avro::Decimal;
use apache_avro::types::Value;
use sarafan_core::event::Event;
use sarafan_core::vocabulary::{Field, FieldValue, Instant, Item, Kind, Money};

use super::AvroError;

pub(super) fn record(event: &Event) -> Result<Value, AvroError> {
    check(event)?;
    let mut fields = header(event);
    for field in event.subject.fields() {
        let value = match field.kind {
            Kind::Named => named(event, field),
            _ => event.field(field.name).and_then(plain),
        };
        fields.push((field.name.to_owned(), optional(value)));
    }
    Ok(Value::Record(fields))
}

fn header(event: &Event) -> Vec<(String, Value)> {
    let cleared = event.fields.iter().filter(|(_, value)| *value == FieldValue::Cleared);
    let cleared = cleared.map(|(name, _)| text(name)).collect();
    let (stamp, origin) = (event.stamp, &event.origin);
    let header = [
        ("id", text(&event.id)),
        ("customer_id", optional(event.customer_id.as_deref().map(text))),
        ("key_order_id", optional(event.order_id.as_deref().map(text))),
        ("updated_at", instant(stamp.updated_at())),
        ("mapping_revision", Value::Int(i32::from(stamp.mapping_revision()))),
        // 48 bits: the sign is never reached.
        ("record_hash", Value::Long(stamp.record_hash().cast_signed())),
        ("erased", Value::Boolean(event.erased)),
        ("cleared", Value::Array(cleared)),
        ("source", text(&origin.source)),
        ("source_topic", text(&origin.topic)),
        ("source_partition", Value::Int(origin.partition)),
        ("source_offset", Value::Long(origin.offset)),
        ("received_at", optional(origin.received_at.map(instant))),
    ];
    header.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Every field known, given once, and holding what its kind allows.
fn check(event: &Event) -> Result<(), AvroError> {
    let bad = |field: &str, problem| AvroError::BadField {
        subject: event.subject.name(),
        field: field.to_owned(),
        problem,
    };
    // A hostile record may name a hundred thousand parts: nothing here may take their square.
    let mut seen = HashSet::with_capacity(event.fields.len());
    for (name, value) in &event.fields {
        if !seen.insert(name.as_str()) {
            return Err(bad(name, "is given twice"));
        }
        let (plain, part) = name.split_once('.').map_or((name.as_str(), None), |(n, p)| (n, Some(p)));
        let field = event.subject.field(plain).ok_or_else(|| bad(name, "is no field of it"))?;
        if part.is_some_and(|p| !p.is_empty()) != (field.kind == Kind::Named) {
            return Err(bad(name, "names a part of a field that has none, or no part of one that has"));
        }
        if !value.fits(field.kind) {
            return Err(bad(name, "holds what its kind does not allow"));
        }
    }
    Ok(())
}

fn named(event: &Event, field: &Field) -> Option<Value> {
    let entries = event.fields.iter().filter_map(|(name, value)| {
        let part = name.strip_prefix(field.name)?.strip_prefix('.')?;
        match value {
            FieldValue::Text(content) => Some((part.to_owned(), text(content))),
            _ => None,
        }
    });
    let entries: HashMap<_, _> = entries.collect();
    (!entries.is_empty()).then_some(Value::Map(entries))
}

fn plain(value: &FieldValue) -> Option<Value> {
    Some(match value {
        FieldValue::Cleared => return None,
        FieldValue::Instant(at) => instant(*at),
        FieldValue::Money(amount) => decimal(*amount),
        FieldValue::Text(content) => text(content),
        FieldValue::Score(score) => Value::Int(i32::from(score.value())),
        FieldValue::Flag(flag) => Value::Boolean(*flag),
        FieldValue::Texts(texts) => Value::Array(texts.iter().map(|t| text(t)).collect()),
        FieldValue::Items(items) => Value::Array(items.iter().map(item).collect()),
    })
}

fn item(item: &Item) -> Value {
    let fields = [
        ("sku", text(&item.sku)),
        ("category", optional(item.category.as_deref().map(text))),
        ("brand", optional(item.brand.as_deref().map(text))),
        ("quantity", decimal(item.quantity)),
        ("price", decimal(item.price)),
        ("amount", decimal(item.amount)),
    ];
    Value::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn text(content: &str) -> Value {
    Value::String(content.to_owned())
}

fn instant(at: Instant) -> Value {
    Value::TimestampMicros(at.micros())
}

/// The unscaled integer, two's complement, big endian; always eight bytes, because `apache-avro` resolves a decimal of
/// precision 18 from one version of a schema to another only when its bytes could hold 18 digits.
fn decimal(amount: Money) -> Value {
    Value::Decimal(Decimal::from(amount.units().to_be_bytes()))
}

/// The branches of every union here are null and the type, in this order.
fn optional(value: Option<Value>) -> Value {
    match value {
        None => Value::Union(0, Box::new(Value::Null)),
        Some(value) => Value::Union(1, Box::new(value)),
    }
}

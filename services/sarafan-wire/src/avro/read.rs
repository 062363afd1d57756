//! An Avro record of a current schema as an event.

use std::collections::HashSet;

use apache_avro::Decimal;
use apache_avro::types::Value;
use sarafan_core::event::{Event, Origin};
use sarafan_core::vocabulary::{FieldValue, Instant, Item, Kind, Money, Score, Stamp, Subject};

use super::AvroError;
use crate::content::sort_fields;

pub(super) fn event(subject: Subject, value: Value) -> Result<Event, AvroError> {
    let Value::Record(fields) = value else {
        return Err(bad(subject, "record", "is no record"));
    };
    // The schema decides names and order, so this walks both in step; a name out of step is a broken schema.
    let mut reader = Reader { subject, fields: fields.into_iter() };
    let id = reader.text("id")?;
    let customer_id = reader.optional_text("customer_id")?;
    let order_id = reader.optional_text("key_order_id")?;
    let updated_at = reader.instant("updated_at")?;
    let revision = u16::try_from(reader.int("mapping_revision")?);
    let revision = revision.map_err(|_| bad(subject, "mapping_revision", "is not within 0..65535"))?;
    let hash = u64::try_from(reader.long("record_hash")?).ok().filter(|hash| *hash <= Stamp::HASH_MASK);
    let hash = hash.ok_or_else(|| bad(subject, "record_hash", "is not within 48 bits"))?;
    let erased = reader.flag("erased")?;
    let cleared = reader.texts("cleared")?;
    let origin = Origin {
        source: reader.text("source")?,
        topic: reader.text("source_topic")?,
        partition: reader.int("source_partition")?,
        offset: reader.long("source_offset")?,
        received_at: reader.optional_instant("received_at")?,
    };
    let mut fields = reader.fields()?;
    let cleared = unset(subject, cleared, &fields)?;
    for name in cleared {
        let plain = name.split_once('.').map_or(name.as_str(), |(plain, _)| plain);
        // A field that this program does not know was cleared by a newer one: it says nothing here.
        if subject.field(plain).is_some_and(|field| (field.kind == Kind::Named) == (plain != name)) {
            fields.push((name, FieldValue::Cleared));
        }
    }
    let stamp = Stamp::new(updated_at, revision, hash);
    let mut event = Event { subject, id, customer_id, order_id, stamp, erased, fields, origin };
    sort_fields(&mut event);
    Ok(event)
}

/// The names of cleared fields, none of which may be there twice, or set as well.
fn unset(
    subject: Subject,
    cleared: Vec<String>,
    fields: &[(String, FieldValue)],
) -> Result<Vec<String>, AvroError> {
    let mut seen: HashSet<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    match cleared.iter().find(|name| !seen.insert(name.as_str())) {
        Some(twice) => Err(bad(subject, twice, "is cleared twice, or both set and cleared")),
        None => Ok(cleared),
    }
}

fn bad(subject: Subject, field: &str, problem: &'static str) -> AvroError {
    AvroError::BadField { subject: subject.name(), field: field.to_owned(), problem }
}

struct Reader {
    subject: Subject,
    fields: std::vec::IntoIter<(String, Value)>,
}

impl Reader {
    fn next(&mut self, name: &str) -> Result<Value, AvroError> {
        match self.fields.next() {
            Some((found, value)) if found == name => Ok(value),
            _ => Err(bad(self.subject, name, "is not where the schema has it")),
        }
    }

    fn wrong(&self, name: &str) -> AvroError {
        bad(self.subject, name, "is of another type than the schema says")
    }

    fn text(&mut self, name: &str) -> Result<String, AvroError> {
        match self.next(name)? {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong(name)),
        }
    }

    fn optional_text(&mut self, name: &str) -> Result<Option<String>, AvroError> {
        match present(self.next(name)?) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name)),
        }
    }

    fn instant(&mut self, name: &str) -> Result<Instant, AvroError> {
        match self.next(name)? {
            Value::TimestampMicros(micros) => Ok(Instant::from_micros(micros)),
            _ => Err(self.wrong(name)),
        }
    }

    fn optional_instant(&mut self, name: &str) -> Result<Option<Instant>, AvroError> {
        match present(self.next(name)?) {
            None => Ok(None),
            Some(Value::TimestampMicros(micros)) => Ok(Some(Instant::from_micros(micros))),
            Some(_) => Err(self.wrong(name)),
        }
    }

    fn int(&mut self, name: &str) -> Result<i32, AvroError> {
        match self.next(name)? {
            Value::Int(number) => Ok(number),
            _ => Err(self.wrong(name)),
        }
    }

    fn long(&mut self, name: &str) -> Result<i64, AvroError> {
        match self.next(name)? {
            Value::Long(number) => Ok(number),
            _ => Err(self.wrong(name)),
        }
    }

    fn flag(&mut self, name: &str) -> Result<bool, AvroError> {
        match self.next(name)? {
            Value::Boolean(flag) => Ok(flag),
            _ => Err(self.wrong(name)),
        }
    }

    fn texts(&mut self, name: &str) -> Result<Vec<String>, AvroError> {
        let value = self.next(name)?;
        texts(value).ok_or_else(|| self.wrong(name))
    }

    fn fields(mut self) -> Result<Vec<(String, FieldValue)>, AvroError> {
        let mut fields = Vec::new();
        for field in self.subject.fields() {
            let Some(value) = present(self.next(field.name)?) else { continue };
            if field.kind == Kind::Named {
                let Value::Map(entries) = value else { return Err(self.wrong(field.name)) };
                for (part, value) in entries {
                    let Value::String(text) = value else { return Err(self.wrong(field.name)) };
                    fields.push((format!("{}.{part}", field.name), FieldValue::Text(text)));
                }
                continue;
            }
            let value = plain(field.kind, value).ok_or_else(|| self.wrong(field.name))?;
            fields.push((field.name.to_owned(), value));
        }
        Ok(fields)
    }
}

/// The value of an optional field.
fn present(value: Value) -> Option<Value> {
    match value {
        Value::Union(0, _) => None,
        Value::Union(_, value) => Some(*value),
        value => Some(value),
    }
}

fn plain(kind: Kind, value: Value) -> Option<FieldValue> {
    Some(match (kind, value) {
        (Kind::Instant, Value::TimestampMicros(micros)) => FieldValue::Instant(Instant::from_micros(micros)),
        (Kind::Money, value) => FieldValue::Money(money(value)?),
        (Kind::Text | Kind::Code(_), Value::String(text)) => FieldValue::Text(text),
        (Kind::Score, Value::Int(score)) => FieldValue::Score(Score::new(i64::from(score))?),
        (Kind::Flag, Value::Boolean(flag)) => FieldValue::Flag(flag),
        (Kind::Texts, value) => FieldValue::Texts(texts(value)?),
        (Kind::Items, Value::Array(items)) => {
            FieldValue::Items(items.into_iter().map(item).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn texts(value: Value) -> Option<Vec<String>> {
    let Value::Array(values) = value else { return None };
    let text = |value| match value {
        Value::String(text) => Some(text),
        _ => None,
    };
    values.into_iter().map(text).collect()
}

fn money(value: Value) -> Option<Money> {
    let Value::Decimal(decimal) = value else { return None };
    let bytes = Vec::try_from(&decimal as &Decimal).ok()?;
    if bytes.is_empty() || bytes.len() > size_of::<i128>() {
        return None;
    }
    let sign = if bytes[0] & 0x80 == 0 { 0 } else { -1 };
    Money::from_units(bytes.iter().fold(sign, |units, byte| units << 8 | i128::from(*byte)))
}

fn item(value: Value) -> Option<Item> {
    let Value::Record(fields) = value else { return None };
    let mut found = Item::default();
    for (name, value) in fields {
        match (name.as_str(), present(value)) {
            ("sku", Some(Value::String(text))) => found.sku = text,
            ("category", None) | ("brand", None) => {}
            ("category", Some(Value::String(text))) => found.category = Some(text),
            ("brand", Some(Value::String(text))) => found.brand = Some(text),
            ("quantity", Some(value)) => found.quantity = money(value)?,
            ("price", Some(value)) => found.price = money(value)?,
            ("amount", Some(value)) => found.amount = money(value)?,
            _ => return None,
        }
    }
    Some(found)
}

//! Taking a record in.

use std::sync::Arc;

use super::{Shard, ShardError};
use crate::event::Event;
use crate::planted::planted;
use crate::state::entity::{Change, Entity};
use crate::state::holder::{Holder, place_of};
use crate::table::Value;
use crate::vocabulary::{CanonicalKey, FieldValue, Item, Role, Stamp, Symbol};

/// Between the elements of a list that is interned as one text; no text from a source holds it.
pub(super) const LIST_SEPARATOR: char = '\u{1f}';

impl Shard {
    /// Takes the record at `offset` in. Records that say nothing new change nothing but the position.
    ///
    /// # Errors
    /// [`ShardError::WrongPartition`] and [`ShardError::Backwards`]: the log is not one that sarafan wrote.
    pub fn apply(&mut self, event: &Event, offset: u64) -> Result<(), ShardError> {
        if offset < self.position {
            return Err(ShardError::Backwards { offset, position: self.position });
        }
        let key = event.key();
        let expected = key.partition(self.placement.partitions);
        if expected != u32::from(self.placement.partition) {
            let found = u32::from(self.placement.partition);
            return Err(ShardError::WrongPartition { key: key.to_string(), expected, found });
        }
        self.position = offset + 1;
        self.arrive(event);
        self.keep_details(event, &key);
        if let Some(place) = place_of(event.subject) {
            self.fold(event, place, &key);
        }
        Ok(())
    }

    fn fold(&mut self, event: &Event, place: usize, key: &CanonicalKey) {
        let key_text: Arc<str> = match self.holders.get_key_value(key.as_str()) {
            Some((held, _)) => Arc::clone(held),
            None => Arc::from(key.as_str()),
        };
        let source = self.symbols.intern(&event.origin.source);
        let changes = self.changes(event, place);
        let held = self.holders.get(&key_text).and_then(|h| h.find(place, &event.id));
        let news = held.is_none_or(|e| self.brings_news(e, event, &changes, source));
        let short = u64::from(planted("planted::dirty_short_by_one"));
        let replayed = self.position + short <= self.dirty_until && !planted("planted::no_ops_stay_clean");
        if !news && !replayed {
            return;
        }
        let touched = self.touch(&key_text);
        touched.replayed |= replayed;
        if !news {
            return;
        }
        touched.changes += 1;
        touched.changed.insert((place, Arc::from(event.id.as_str())));
        let first_version = self.version_of(self.position);
        let holder =
            self.holders.entry(Arc::clone(&key_text)).or_insert_with(|| Holder::new(key_text, key.hash()));
        let fresh = || Entity::new(Arc::from(event.id.as_str()), first_version, event.stamp, source);
        let (entity, is_new) = holder.entry(place, &event.id, fresh);
        entity.merge(event.stamp, &changes, event.erased);
        let symbols = &self.symbols;
        if later(symbols, (event.stamp, source), (entity.latest, entity.source)) {
            (entity.latest, entity.source) = (event.stamp, source);
        }
        self.entities += u64::from(is_new);
    }

    fn brings_news(&self, held: &Entity, event: &Event, changes: &[Change], source: Symbol) -> bool {
        later(&self.symbols, (event.stamp, source), (held.latest, held.source))
            || held.would_change(event.stamp, changes, event.erased)
    }

    /// What the record says of the slots that the fold keeps.
    fn changes(&mut self, event: &Event, place: usize) -> Vec<Change> {
        let mut changes = Vec::with_capacity(event.fields.len());
        for (name, value) in &event.fields {
            if let Some(slot) = self.layouts[place].slot(name) {
                changes.push((slot, self.number(value)));
            }
        }
        changes
    }

    /// A value as the number that a slot holds; an empty list is none.
    fn number(&mut self, value: &FieldValue) -> Option<i64> {
        match value {
            FieldValue::Cleared | FieldValue::Items(_) => None,
            FieldValue::Instant(at) => Some(at.micros()),
            FieldValue::Money(money) => Some(money.units()),
            FieldValue::Score(score) => Some(i64::from(score.value())),
            FieldValue::Flag(flag) => Some(i64::from(*flag)),
            FieldValue::Text(text) => Some(i64::from(self.symbols.intern(text).number())),
            FieldValue::Texts(list) if list.is_empty() => None,
            FieldValue::Texts(list) => {
                let joined = list.join(LIST_SEPARATOR.encode_utf8(&mut [0; 4]));
                Some(i64::from(self.symbols.intern(&joined).number()))
            }
        }
    }

    fn arrive(&mut self, event: &Event) {
        if !self.arrivals.contains_key(event.origin.source.as_str()) {
            self.arrivals.insert(Arc::from(event.origin.source.as_str()), super::Arrival::default());
        }
        if let Some(arrival) = self.arrivals.get_mut(event.origin.source.as_str()) {
            arrival.records += 1;
            arrival.changed = true;
            arrival.last_event = arrival.last_event.max(event.event_time());
            arrival.last_received = arrival.last_received.max(event.origin.received_at);
        }
    }

    /// Detail fields never stay in memory: ClickHouse does the same join on their stamp.
    fn keep_details(&mut self, event: &Event, key: &CanonicalKey) {
        for (name, value) in &event.fields {
            let base = name.split_once('.').map_or(name.as_str(), |(base, _)| base);
            let is_detail = event.subject.field(base).is_some_and(|f| f.role == Role::Detail);
            match value {
                _ if !is_detail => {}
                FieldValue::Items(items) => self.items.push(item_row(event, key, items)),
                FieldValue::Cleared if name == "items" => self.items.push(item_row(event, key, &[])),
                _ => self.details.push([
                    Value::text(event.subject.name()),
                    Value::text(key.as_str()),
                    Value::text(&event.id),
                    Value::text(name),
                    detail_text(value),
                    Value::Int(event.stamp.bits().cast_signed()),
                    Value::Int(key.hash().into()),
                ]),
            }
        }
    }
}

/// Whether a record is later than the latest; two of one stamp have one content, and the greater source name wins.
fn later(symbols: &crate::vocabulary::Symbols, record: (Stamp, Symbol), held: (Stamp, Symbol)) -> bool {
    (record.0, symbols.text(record.1)) > (held.0, symbols.text(held.1))
}

fn detail_text(value: &FieldValue) -> Value {
    match value {
        FieldValue::Cleared | FieldValue::Items(_) => Value::Null,
        FieldValue::Instant(at) => Value::text(&at.to_string()),
        FieldValue::Money(money) => Value::text(&money.to_string()),
        FieldValue::Score(score) => Value::text(&score.value().to_string()),
        FieldValue::Flag(flag) => Value::text(if *flag { "true" } else { "false" }),
        FieldValue::Text(text) => Value::text(text),
        FieldValue::Texts(list) => Value::text(&list.join("; ")),
    }
}

fn item_row(event: &Event, key: &CanonicalKey, items: &[Item]) -> [Value; 10] {
    let texts = |of: fn(&Item) -> &str| Value::Texts(items.iter().map(|i| Arc::from(of(i))).collect());
    let monies = |of: fn(&Item) -> i64| Value::Ints(items.iter().map(|i| i128::from(of(i))).collect());
    [
        Value::text(key.as_str()),
        Value::text(&event.id),
        texts(|i| &i.sku),
        texts(|i| i.category.as_deref().unwrap_or("")),
        texts(|i| i.brand.as_deref().unwrap_or("")),
        monies(|i| i.quantity.units()),
        monies(|i| i.price.units()),
        monies(|i| i.amount.units()),
        Value::Int(event.stamp.bits().cast_signed()),
        Value::Int(key.hash().into()),
    ]
}

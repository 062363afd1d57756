//! What a record says, apart from where and when it came: the canonical order of fields, and the record hash.

use sarafan_core::event::Event;
use sarafan_core::vocabulary::{FieldValue, Item, Stamp, Subject};
use xxhash_rust::xxh3::Xxh3;

/// Puts the fields in canonical order: as [`Subject::fields`] lists them, the parts of a named field by name.
pub fn sort_fields(event: &mut Event) {
    let subject = event.subject;
    event.fields.sort_by(|(a, _), (b, _)| position(subject, a).cmp(&position(subject, b)));
}

fn position(subject: Subject, name: &str) -> (usize, &str) {
    let (plain, part) = name.split_once('.').unwrap_or((name, ""));
    let place = subject.fields().iter().position(|field| field.name == plain);
    (place.unwrap_or(usize::MAX), part)
}

/// The lower 48 bits of xxh3 over subject, ids, erasure and fields: the last part of the version (METRICS 1).
///
/// Source coordinates and stamps are not in it, so a record that is sent again has the hash it had. The fields must be
/// in canonical order. The bytes hashed are a contract: a change of them lets replays win over what they repeat.
pub fn record_hash(event: &Event) -> u64 {
    let mut hash = Hash(Xxh3::new());
    hash.text(event.subject.name());
    hash.text(&event.id);
    hash.optional(event.customer_id.as_deref());
    hash.optional(event.order_id.as_deref());
    hash.tag(u8::from(event.erased));
    for (name, value) in &event.fields {
        hash.text(name);
        hash.value(value);
    }
    hash.0.digest() & Stamp::HASH_MASK
}

/// Every part goes in with its length or a tag in front, so that no two contents give the same bytes.
struct Hash(Xxh3);

impl Hash {
    fn tag(&mut self, tag: u8) {
        self.0.update(&[tag]);
    }

    fn number(&mut self, number: i64) {
        self.0.update(&number.to_le_bytes());
    }

    fn length(&mut self, length: usize) {
        self.0.update(&(length as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.update(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        self.tag(u8::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn value(&mut self, value: &FieldValue) {
        match value {
            FieldValue::Cleared => self.tag(0),
            FieldValue::Instant(at) => {
                self.tag(1);
                self.number(at.micros());
            }
            FieldValue::Money(amount) => {
                self.tag(2);
                self.number(amount.units());
            }
            FieldValue::Text(text) => {
                self.tag(3);
                self.text(text);
            }
            FieldValue::Score(score) => self.0.update(&[4, score.value()]),
            FieldValue::Flag(flag) => self.0.update(&[5, u8::from(*flag)]),
            FieldValue::Texts(texts) => {
                self.tag(6);
                self.length(texts.len());
                texts.iter().for_each(|text| self.text(text));
            }
            FieldValue::Items(items) => {
                self.tag(7);
                self.length(items.len());
                items.iter().for_each(|item| self.item(item));
            }
        }
    }

    fn item(&mut self, item: &Item) {
        self.text(&item.sku);
        self.optional(item.category.as_deref());
        self.optional(item.brand.as_deref());
        [item.quantity, item.price, item.amount].iter().for_each(|money| self.number(money.units()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sarafan_core::event::Origin;
    use sarafan_core::vocabulary::Instant;

    fn event(fields: &[(&str, &str)]) -> Event {
        Event {
            subject: Subject::Customer,
            id: "17850".to_owned(),
            customer_id: Some("17850".to_owned()),
            order_id: None,
            stamp: Stamp::new(Instant::from_micros(7), 1, 0),
            erased: false,
            fields: fields
                .iter()
                .map(|(n, v)| ((*n).to_owned(), FieldValue::Text((*v).to_owned())))
                .collect(),
            origin: Origin::default(),
        }
    }

    #[test]
    fn fields_stand_in_the_order_of_the_subject_and_parts_by_name() {
        let mut found = event(&[("attributes.b", "2"), ("attributes.a", "1"), ("excluded_reason", "test")]);
        sort_fields(&mut found);
        let names: Vec<_> = found.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["excluded_reason", "attributes.a", "attributes.b"]);
    }

    #[test]
    fn the_hash_is_of_the_content_alone_and_never_changes() {
        let mut found = event(&[("attributes.a", "1")]);
        let hash = record_hash(&found);
        found.stamp = Stamp::new(Instant::from_micros(8), 2, 3);
        found.origin.offset = 12;
        assert_eq!(record_hash(&found), hash);
        assert_eq!(hash, 268_214_857_292_812, "pinned: hashes are stored in the tables");
        found.fields[0].1 = FieldValue::Cleared;
        assert_ne!(record_hash(&found), hash);
        assert_ne!(record_hash(&event(&[("attributes.a1", "")])), hash);
    }
}

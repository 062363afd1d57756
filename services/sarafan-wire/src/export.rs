//! Canonical events as JSON for people and for the recount, which computes every figure a second time from them.

use jiff::Timestamp;
use sarafan_core::event::Event;
use sarafan_core::vocabulary::{FieldValue, Instant, Item};
use serde_json::{Map, Value, json};

/// One canonical record as `sarafan export` prints it, a line each.
///
/// `{"entity", "id", "customer_id", "order_id", "updated_at", "mapping_revision", "record_hash", "fields": {...}}`:
/// `order_id` is the order that decides a guest's key; times are ISO 8601 UTC; money is a decimal string; a null field
/// is cleared and an absent one not spoken of; parts of named fields stand as `attributes.<name>`; `moved`, `deleted`
/// and `erased` are fields.
pub fn export_json(event: &Event) -> Value {
    let mut fields: Map<String, Value> =
        event.fields.iter().map(|(name, value)| (name.clone(), field(value))).collect();
    if event.erased {
        fields.insert("erased".to_owned(), Value::Bool(true));
    }
    json!({
        "entity": event.subject.name(),
        "id": event.id,
        "customer_id": event.customer_id,
        "order_id": event.order_id,
        "updated_at": instant(event.stamp.updated_at()),
        "mapping_revision": event.stamp.mapping_revision(),
        "record_hash": event.stamp.record_hash(),
        "fields": fields,
    })
}

fn field(value: &FieldValue) -> Value {
    match value {
        FieldValue::Cleared => Value::Null,
        FieldValue::Instant(at) => Value::String(instant(*at)),
        FieldValue::Money(amount) => Value::String(amount.to_string()),
        FieldValue::Text(text) => Value::String(text.clone()),
        FieldValue::Score(score) => json!(score.value()),
        FieldValue::Flag(flag) => Value::Bool(*flag),
        FieldValue::Texts(texts) => json!(texts),
        FieldValue::Items(items) => items.iter().map(item).collect(),
    }
}

fn item(item: &Item) -> Value {
    json!({
        "sku": item.sku,
        "category": item.category,
        "brand": item.brand,
        "quantity": item.quantity.to_string(),
        "price": item.price.to_string(),
        "amount": item.amount.to_string(),
    })
}

/// Seconds, or all six decimals: some readers of ISO 8601 know no other lengths.
fn instant(at: Instant) -> String {
    match Timestamp::from_microsecond(at.micros()) {
        Ok(timestamp) if at.micros() % 1_000_000 == 0 => timestamp.to_string(),
        Ok(timestamp) => format!("{timestamp:.6}"),
        Err(_) => at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_printed_as_the_recount_reads_it() {
        let mut event = crate::arbitrary::refund();
        event.erased = true;
        let expected = json!({
            "entity": "refund", "id": "r1", "customer_id": null, "order_id": "o1",
            "updated_at": "2026-01-02T03:04:05.000001Z", "mapping_revision": 1, "record_hash": 17,
            "fields": {
                "refunded_at": "2026-01-02T03:04:05Z", "amount": "12.5", "currency": "EUR", "order_id": "o1",
                "store": null, "reason": "damaged", "attributes.carrier": "post", "attributes.agent": null,
                "erased": true,
            },
        });
        assert_eq!(export_json(&event), expected);
    }
}

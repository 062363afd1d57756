//! Events for tests: any that the contract allows.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use sarafan_core::event::{Event, Origin};
use sarafan_core::vocabulary::{Field, FieldValue, Instant, Item, Kind, Money, Score, Stamp, Subject};

use crate::content::sort_fields;

/// A refund that speaks of most of its fields.
pub(crate) fn refund() -> Event {
    let text = |value: &str| FieldValue::Text(value.to_owned());
    let mut event = Event {
        subject: Subject::Refund,
        id: "r1".to_owned(),
        customer_id: None,
        order_id: Some("o1".to_owned()),
        stamp: Stamp::new(Instant::from_micros(1_767_323_045_000_001), 1, 17),
        erased: false,
        fields: vec![
            ("refunded_at".to_owned(), FieldValue::Instant(Instant::from_micros(1_767_323_045_000_000))),
            ("amount".to_owned(), FieldValue::Money("12.5".parse().unwrap())),
            ("currency".to_owned(), text("EUR")),
            ("order_id".to_owned(), text("o1")),
            ("store".to_owned(), FieldValue::Cleared),
            ("reason".to_owned(), text("damaged")),
            ("attributes.carrier".to_owned(), text("post")),
            ("attributes.agent".to_owned(), FieldValue::Cleared),
        ],
        origin: Origin { source: "erp".to_owned(), topic: "refunds".to_owned(), ..Origin::default() },
    };
    sort_fields(&mut event);
    event
}

fn money() -> impl Strategy<Value = Money> {
    (-Money::MAX.units()..=Money::MAX.units()).prop_map(|units| Money::from_units(i128::from(units)).unwrap())
}

fn item() -> impl Strategy<Value = Item> {
    let texts = (any::<String>(), any::<Option<String>>(), any::<Option<String>>());
    (texts, money(), money(), money()).prop_map(|((sku, category, brand), quantity, price, amount)| Item {
        sku,
        category,
        brand,
        quantity,
        price,
        amount,
    })
}

/// A value of a kind, set or cleared.
fn value(kind: Kind) -> BoxedStrategy<FieldValue> {
    let set: BoxedStrategy<FieldValue> = match kind {
        Kind::Instant => {
            any::<i64>().prop_map(|micros| FieldValue::Instant(Instant::from_micros(micros))).boxed()
        }
        Kind::Money => money().prop_map(FieldValue::Money).boxed(),
        Kind::Text | Kind::Named => any::<String>().prop_map(FieldValue::Text).boxed(),
        Kind::Code(words) => {
            proptest::sample::select(words).prop_map(|word| FieldValue::Text(word.to_owned())).boxed()
        }
        Kind::Score => (0_i64..=10).prop_map(|score| FieldValue::Score(Score::new(score).unwrap())).boxed(),
        Kind::Flag => any::<bool>().prop_map(FieldValue::Flag).boxed(),
        Kind::Texts => vec(any::<String>(), 0..4).prop_map(FieldValue::Texts).boxed(),
        Kind::Items => vec(item(), 0..4).prop_map(FieldValue::Items).boxed(),
    };
    prop_oneof![4 => set, 1 => Just(FieldValue::Cleared)].boxed()
}

/// What a record says of one field: nothing, or one value, or one per part.
fn spoken(field: &'static Field) -> BoxedStrategy<Vec<(String, FieldValue)>> {
    if field.kind == Kind::Named {
        let parts = btree_map("[a-z.]{1,5}", value(field.kind), 0..4);
        return parts
            .prop_map(|parts| parts.into_iter().map(|(p, v)| (format!("{}.{p}", field.name), v)).collect())
            .boxed();
    }
    proptest::option::of(value(field.kind))
        .prop_map(|value| value.map(|v| (field.name.to_owned(), v)).into_iter().collect())
        .boxed()
}

fn origin() -> impl Strategy<Value = Origin> {
    (any::<(String, String, i32, i64)>(), any::<Option<i64>>()).prop_map(
        |((source, topic, partition, offset), received)| Origin {
            source,
            topic,
            partition,
            offset,
            received_at: received.map(Instant::from_micros),
        },
    )
}

/// Any event, its fields in canonical order.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    proptest::sample::select(&Subject::ALL).prop_flat_map(|subject| {
        let fields: Vec<_> = subject.fields().iter().map(spoken).collect();
        let ids = any::<(String, Option<String>, Option<String>, bool)>();
        let stamp = any::<(i64, u16, u64)>();
        (ids, stamp, fields, origin()).prop_map(
            move |((id, customer_id, order_id, erased), stamp, fields, origin)| {
                let stamp = Stamp::new(Instant::from_micros(stamp.0), stamp.1, stamp.2);
                let fields = fields.into_iter().flatten().collect();
                let mut event = Event { subject, id, customer_id, order_id, stamp, erased, fields, origin };
                sort_fields(&mut event);
                event
            },
        )
    })
}

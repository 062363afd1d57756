//! The schemas against the field tables, and every version of a schema against every other.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};
use apache_avro::writer::datum::GenericDatumWriter;
use sarafan_core::vocabulary::{Kind, Subject};
use serde_json::{Value, json};

use crate::avro::bundle::{current_text, released_texts};
use crate::avro::{AvroError, read};

const HEADER: [(&str, &str); 13] = [
    ("id", r#""string""#),
    ("customer_id", r#"["null","string"]"#),
    ("key_order_id", r#"["null","string"]"#),
    ("updated_at", r#"{"logicalType":"timestamp-micros","type":"long"}"#),
    ("mapping_revision", r#""int""#),
    ("record_hash", r#""long""#),
    ("erased", r#""boolean""#),
    ("cleared", r#"{"items":"string","type":"array"}"#),
    ("source", r#""string""#),
    ("source_topic", r#""string""#),
    ("source_partition", r#""int""#),
    ("source_offset", r#""long""#),
    ("received_at", r#"["null",{"logicalType":"timestamp-micros","type":"long"}]"#),
];

fn avro_type(kind: Kind) -> Value {
    let instant = json!({"type": "long", "logicalType": "timestamp-micros"});
    let money = json!({"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4});
    match kind {
        Kind::Instant => instant,
        Kind::Money => money,
        Kind::Text | Kind::Code(_) => json!("string"),
        Kind::Score => json!("int"),
        Kind::Flag => json!("boolean"),
        Kind::Texts => json!({"type": "array", "items": "string"}),
        Kind::Named => json!({"type": "map", "values": "string"}),
        Kind::Items => json!({"type": "array", "items": {"type": "record", "name": "Item", "fields": [
            {"name": "sku", "type": "string"},
            {"name": "category", "type": ["null", "string"], "default": null},
            {"name": "brand", "type": ["null", "string"], "default": null},
            {"name": "quantity", "type": money},
            {"name": "price", "type": money},
            {"name": "amount", "type": money}]}}),
    }
}

fn without_doc(mut value: Value) -> Value {
    match &mut value {
        Value::Object(object) => {
            object.remove("doc");
            object.values_mut().for_each(|v| *v = without_doc(v.take()));
        }
        Value::Array(values) => values.iter_mut().for_each(|v| *v = without_doc(v.take())),
        _ => {}
    }
    value
}

#[test]
fn every_schema_is_the_header_and_the_fields_of_its_subject() {
    for subject in Subject::ALL {
        let schema: Value = serde_json::from_str(current_text(subject)).unwrap();
        let fields = schema["fields"].as_array().unwrap();
        for field in fields {
            assert!(field["doc"].as_str().is_some_and(|doc| !doc.is_empty()), "{field} has no doc");
        }
        let (header, own) = fields.split_at(HEADER.len());
        for (found, (name, kind)) in header.iter().zip(HEADER) {
            assert_eq!((found["name"].as_str().unwrap(), found["type"].to_string().as_str()), (name, kind));
        }
        let found: Vec<Value> = own.iter().map(|field| without_doc(field.clone())).collect();
        let expected: Vec<Value> = subject
            .fields()
            .iter()
            .map(|f| json!({"name": f.name, "type": ["null", avro_type(f.kind)], "default": null}))
            .collect();
        assert_eq!(found, expected, "schemas/avro/{}.avsc", subject.name());
    }
}

#[test]
fn the_last_released_version_is_the_current_schema_and_all_are_bundled() {
    for subject in Subject::ALL {
        let released = released_texts(subject);
        let last: Value = serde_json::from_str(released.last().unwrap()).unwrap();
        let current: Value = serde_json::from_str(current_text(subject)).unwrap();
        assert!(
            last == current,
            "schemas/avro/{0}.avsc changed: copy it to history/{0}/{1}.avsc and add {1} to bundle.rs",
            subject.name(),
            released.len() + 1
        );
        let folder = format!("{}/../../schemas/avro/history/{}", env!("CARGO_MANIFEST_DIR"), subject.name());
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort_by_key(|name| name.len());
        let expected: Vec<_> = (1..=released.len()).map(|n| format!("{n}.avsc")).collect();
        assert_eq!(files, expected, "{}", subject.name());
    }
}

#[test]
fn every_version_of_a_schema_reads_every_other() {
    for subject in Subject::ALL {
        let versions: Vec<_> =
            released_texts(subject).iter().map(|text| Schema::parse_str(text).unwrap()).collect();
        for a in &versions {
            for b in &versions {
                let found = SchemaCompatibility::mutual_read(a, b);
                assert!(found == Ok(Compatibility::Full), "{}: {found:?}", subject.name());
            }
        }
    }
}

/// The current refund schema with its last field changed by `change`.
fn changed(change: impl FnOnce(&mut Vec<Value>)) -> Schema {
    let mut schema: Value = serde_json::from_str(current_text(Subject::Refund)).unwrap();
    change(schema["fields"].as_array_mut().unwrap());
    Schema::parse(&schema).unwrap()
}

#[test]
fn an_incompatible_change_is_caught() {
    let current = Schema::parse_str(current_text(Subject::Refund)).unwrap();
    let caught = |schema: &Schema| SchemaCompatibility::mutual_read(&current, schema).is_err();
    let no_default = json!({"name": "approved_by", "type": "string"});
    assert!(caught(&changed(|fields| fields.push(no_default))));
    assert!(caught(&changed(|fields| fields[0]["type"] = json!("long"))));
    assert!(caught(&changed(|fields| fields[0]["name"] = json!("refund_id"))));
    let optional = json!({"name": "approved_by", "type": ["null", "string"], "default": null});
    assert!(!caught(&changed(|fields| fields.push(optional))), "an optional field is a compatible change");
}

#[test]
fn a_record_of_another_version_is_read_as_far_as_this_one_knows() {
    let current = Schema::parse_str(current_text(Subject::Refund)).unwrap();
    let event = crate::arbitrary::refund();
    let bytes = super::encode(&event).unwrap();
    let value = GenericDatumReader::builder(&current).build().unwrap().read_value(&mut &bytes[10..]).unwrap();
    // Written by a version that had a field more, and by one that had a field less.
    let newer = changed(|fields| {
        fields.push(json!({"name": "approved_by", "type": ["null", "string"], "default": null}));
    });
    let older = changed(|fields| fields.retain(|field| field["name"] != "reason"));
    for (written, lost) in [(&newer, None), (&older, Some("reason"))] {
        let translated = value.clone().resolve(written).unwrap();
        let body =
            GenericDatumWriter::builder(written).build().unwrap().write_value_to_vec(translated).unwrap();
        let reader = GenericDatumReader::builder(written).reader_schema(&current).build().unwrap();
        let read = read::event(Subject::Refund, reader.read_value(&mut body.as_slice()).unwrap()).unwrap();
        let mut expected = event.clone();
        expected.fields.retain(|(name, _)| Some(name.as_str()) != lost);
        assert_eq!(read, expected);
    }
}

#[test]
fn bytes_that_are_no_event_have_a_reason() {
    let good = super::encode(&crate::arbitrary::refund()).unwrap();
    let reason = |bytes: &[u8]| super::decode(bytes).map_err(|e| e.reason()).unwrap_err();
    assert_eq!(reason(b""), "not_single_object");
    assert_eq!(reason(b"{\"id\": 1, \"a\": 2}"), "not_single_object");
    assert_eq!(reason(&[0xc3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]), "unknown_schema");
    assert_eq!(reason(&good[..good.len() - 1]), "malformed_avro");
    assert_eq!(reason(&[good.as_slice(), &[0]].concat()), "trailing_bytes");
    let mut event = crate::arbitrary::refund();
    event.fields.push(("score".to_owned(), sarafan_core::vocabulary::FieldValue::Flag(true)));
    assert!(matches!(super::encode(&event), Err(AvroError::BadField { .. })));
}

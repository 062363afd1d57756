//! The fingerprint that stands before every canonical event: CRC-64-AVRO of the schema's Parsing Canonical Form.
//!
//! Computed here and not by `apache-avro`, whose canonical form keeps `precision` and `scale` and writes
//! `{"type":"long"}` for a logical type, where the specification has `"long"` and Java clients look that up.

use std::fmt::Write as _;

use serde_json::Value;

/// Fingerprint of the empty text, and the polynomial.
const EMPTY: u64 = 0xc15d_213a_a4d7_a795;

/// CRC-64-AVRO (Rabin) of `bytes`, as the Avro specification defines it.
pub(super) fn rabin(bytes: &[u8]) -> u64 {
    bytes.iter().fold(EMPTY, |fingerprint, byte| {
        let mut entry = (fingerprint ^ u64::from(*byte)) & 0xff;
        for _ in 0..8 {
            entry = (entry >> 1) ^ (EMPTY & (entry & 1).wrapping_neg());
        }
        (fingerprint >> 8) ^ entry
    })
}

/// The Parsing Canonical Form of a schema made of records, arrays, maps, unions and primitive types, which is all
/// that our schemas are made of. `None` for anything else.
pub(super) fn canonical_form(schema: &Value, namespace: &str) -> Option<String> {
    match schema {
        Value::String(name) if is_primitive(name) => Some(format!("\"{name}\"")),
        Value::String(name) => Some(format!("\"{}\"", full_name(name, namespace))),
        Value::Array(branches) => Some(format!("[{}]", joined(branches, namespace)?)),
        Value::Object(object) => match object.get("type")?.as_str()? {
            name if is_primitive(name) => Some(format!("\"{name}\"")),
            "array" => Some(format!(
                "{{\"type\":\"array\",\"items\":{}}}",
                canonical_form(object.get("items")?, namespace)?
            )),
            "map" => Some(format!(
                "{{\"type\":\"map\",\"values\":{}}}",
                canonical_form(object.get("values")?, namespace)?
            )),
            "record" => {
                let namespace = object.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
                let name = full_name(object.get("name")?.as_str()?, namespace);
                let mut fields = String::new();
                for field in object.get("fields")?.as_array()? {
                    let comma = if fields.is_empty() { "" } else { "," };
                    let name = field.get("name")?.as_str()?;
                    let kind = canonical_form(field.get("type")?, namespace)?;
                    write!(fields, "{comma}{{\"name\":\"{name}\",\"type\":{kind}}}").ok()?;
                }
                Some(format!("{{\"name\":\"{name}\",\"type\":\"record\",\"fields\":[{fields}]}}"))
            }
            _ => None,
        },
        _ => None,
    }
}

fn joined(schemas: &[Value], namespace: &str) -> Option<String> {
    let forms: Option<Vec<_>> = schemas.iter().map(|schema| canonical_form(schema, namespace)).collect();
    forms.map(|forms| forms.join(","))
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

fn is_primitive(name: &str) -> bool {
    matches!(name, "null" | "boolean" | "int" | "long" | "float" | "double" | "bytes" | "string")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_the_specification() {
        // From the Avro project's schema-tests.txt.
        assert_eq!(rabin(b"\"null\"").cast_signed(), 7_195_948_357_588_979_594);
        assert_eq!(rabin(b"\"int\"").cast_signed(), 8_247_732_601_305_521_295);
        let record = br#"{"name":"foo","type":"record","fields":[{"name":"f1","type":"boolean"}]}"#;
        assert_eq!(rabin(record).cast_signed(), 7_843_277_075_252_814_651);
    }

    #[test]
    fn the_canonical_form_strips_everything_but_structure() {
        let schema = serde_json::json!({"type": "record", "name": "R", "namespace": "n", "doc": "d", "fields": [
            {"name": "m", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}, "doc": "x"},
            {"name": "t", "type": ["null", {"type": "array", "items": {"type": "record", "name": "I", "fields": []}}]},
            {"name": "a", "type": {"type": "map", "values": "string"}, "default": {}}]});
        assert_eq!(
            canonical_form(&schema, "").unwrap(),
            concat!(
                r#"{"name":"n.R","type":"record","fields":[{"name":"m","type":"bytes"},"#,
                r#"{"name":"t","type":["null",{"type":"array","items":{"name":"n.I","type":"record","fields":[]}}]},"#,
                r#"{"name":"a","type":{"type":"map","values":"string"}}]}"#
            )
        );
        assert_eq!(canonical_form(&serde_json::json!({"type": "enum"}), ""), None);
    }
}

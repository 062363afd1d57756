//! Every example record through its mapping, against committed snapshots; every reason of rejection once.

#![allow(clippy::unwrap_used, clippy::panic)] // In helpers of tests too, where the lint does not see a test.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use sarafan_core::definitions::SurveySection;
use sarafan_core::vocabulary::Subject;
use sarafan_wire::{Mapping, Outcome, Reason, SourceRecord, decode, encode, export_json};
use serde_json::{Value, json};

/// 2026-03-01T00:00:00Z.
const BROKER_MICROS: i64 = 1_772_323_200_000_000;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/examples").join(name)
}

fn mapping(folder: &Path) -> Mapping {
    let text = std::fs::read_to_string(folder.join("examples.toml")).unwrap();
    let document: toml::Table = text.parse().unwrap();
    let surveys = document.get("survey").cloned();
    let surveys: Vec<SurveySection> = surveys.map(|s| s.try_into().unwrap()).unwrap_or_default();
    let sources: Vec<toml::Table> = document["source"].clone().try_into().unwrap();
    Mapping::compile(&sources, &surveys).unwrap()
}

fn apply(mapping: &Mapping, value: Option<&[u8]>) -> Outcome {
    let topic = mapping.topics().next().unwrap();
    let timestamp_micros = Some(BROKER_MICROS);
    let received_micros = None;
    mapping.apply(&SourceRecord { topic, partition: 3, offset: 41, timestamp_micros, received_micros, value })
}

/// What becomes of a record, after a way through canonical Avro and back.
fn outcome(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Filtered { rule } => json!({"filtered": &*rule}),
        Outcome::Rejected(rejection) => json!({"rejected": rejection.to_string()}),
        Outcome::Mapped(events) => events
            .into_iter()
            .map(|event| {
                assert_eq!(decode(&encode(&event).unwrap()).unwrap(), event);
                json!({"key": event.key().as_str(), "record": export_json(&event)})
            })
            .collect(),
    }
}

/// The records beside a mapping, by name.
fn records(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let json = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let named = json
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap()));
    let mut records: Vec<_> = named.collect();
    records.sort();
    records
}

#[test]
fn every_example_is_mapped_as_its_snapshot_says() {
    for subject in Subject::ALL {
        let folder = folder(subject.name());
        let mapping = mapping(&folder);
        let records = records(&folder);
        assert!(records.len() >= 2, "{} has too few examples", subject.name());
        for (name, bytes) in records {
            let found = outcome(apply(&mapping, Some(&bytes)));
            let found = serde_json::to_string_pretty(&found).unwrap();
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(format!("{}.{name}", subject.name()), found);
            });
        }
    }
}

#[test]
fn every_reason_has_one_example_and_every_example_its_reason() {
    let folder = folder("rejected");
    let mapping = mapping(&folder);
    let found = records(&folder).into_iter().map(|(name, bytes)| {
        let Outcome::Rejected(rejection) = apply(&mapping, Some(&bytes)) else {
            panic!("{name} was not rejected")
        };
        assert_eq!(rejection.reason.code(), name, "{rejection}");
        rejection.reason
    });
    let mut found: Vec<_> = found.collect();
    // A tombstone has no bytes that a file could hold.
    let Outcome::Rejected(rejection) = apply(&mapping, None) else { panic!("a tombstone was not rejected") };
    found.push(rejection.reason);
    found.sort_unstable();
    let mut all = Reason::ALL;
    all.sort_unstable();
    assert_eq!(found, all);
}

/// Any JSON, with the keys and words that the examples use, so that rules match.
fn json_value() -> impl Strategy<Value = Value> {
    const WORDS: &[&str] =
        &["order", "answer", "o1", "PAID", "EUR", "2026-02-28T10:00:00Z", "", "1e999", "\u{0}", "-0.00001"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(WORDS).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Puts a value at some place of a record.
fn replace(record: &mut Value, place: usize, value: Value) {
    match record {
        Value::Object(entries) if !entries.is_empty() => {
            let at = place % entries.len();
            let (_, entry) = entries.iter_mut().nth(at).unwrap();
            let deeper = (place / 16) % 2 == 1;
            if deeper { replace(entry, place / 32, value) } else { *entry = value }
        }
        Value::Array(values) if !values.is_empty() => {
            let at = place % values.len();
            replace(&mut values[at], place / 16, value);
        }
        other => *other = value,
    }
}

proptest! {
    #[test]
    fn any_bytes_have_an_outcome(bytes: Vec<u8>) {
        for name in ["order", "rejected"] {
            let found = apply(&mapping(&folder(name)), Some(&bytes));
            prop_assert!(matches!(found, Outcome::Rejected(_)));
        }
    }

    #[test]
    fn a_damaged_record_is_mapped_whole_or_rejected_with_a_reason(
        subject in select(&Subject::ALL), which: Index, place: usize, value in json_value(),
    ) {
        let folder = folder(subject.name());
        let records = records(&folder);
        let mut record: Value = serde_json::from_slice(&records[which.index(records.len())].1).unwrap();
        replace(&mut record, place, value);
        let bytes = serde_json::to_vec(&record).unwrap();
        let mapping = mapping(&folder);
        match apply(&mapping, Some(&bytes)) {
            Outcome::Mapped(events) => {
                prop_assert!(!events.is_empty());
                for event in &events {
                    prop_assert_eq!(&decode(&encode(event).unwrap()).unwrap(), event);
                }
                prop_assert_eq!(apply(&mapping, Some(&bytes)), Outcome::Mapped(events));
            }
            Outcome::Filtered { rule } => prop_assert!(!rule.is_empty()),
            Outcome::Rejected(rejection) => prop_assert!(!rejection.problem.is_empty()),
        }
    }
}

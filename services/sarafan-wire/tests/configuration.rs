//! What is wrong with a `[[source]]` is said at once, with its path, before anything starts.

#![allow(clippy::unwrap_used, clippy::panic)] // In helpers of tests too, where the lint does not see a test.

use proptest::prelude::*;
use sarafan_core::definitions::SurveySection;
use sarafan_core::event::Event;
use sarafan_core::vocabulary::FieldValue;
use sarafan_wire::{Mapping, Outcome, SourceRecord};

fn compile(text: &str) -> Result<Mapping, Vec<String>> {
    let document: toml::Table = text.parse().unwrap();
    let surveys = document.get("survey").cloned();
    let surveys: Vec<SurveySection> = surveys.map(|s| s.try_into().unwrap()).unwrap_or_default();
    let sources: Vec<toml::Table> = document["source"].clone().try_into().unwrap();
    Mapping::compile(&sources, &surveys).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

/// The errors of one order source with a few more lines in its record.
fn errors_of(lines: &str) -> Vec<String> {
    let head =
        "[[source]]\nname = \"s\"\ntopic = \"t\"\nupdated_at = \"at\"\n[[source.record]]\nid = \"id\"\n";
    compile(&format!("{head}{lines}")).unwrap_err()
}

#[test]
fn all_errors_are_reported_at_once_with_their_paths() {
    let errors = compile(
        r#"
        [[source]]
        name = "shop"
        topic = "orders"
        format = "avro"
        max_depth = 1000
        topik = "x"
        [[source.skip]]
        when = { path = "a", equals = 1, in = [2] }
        [[source.record]]
        subject = "ordr"
        [[source.record]]
        subject = "order"
        amount = "total"
        statuss = "state"
        status = { path = "state", map = { a = "paied" } }
        ordered_at = { path = "at", format = "%d.%m.%Y" }
        items = { each = "lines", sku = "sku" }
        moved = "moved"

        [[source]]
        name = "shop"
        topic = "orders"
        updated_at = "a..b"
        [[source.record]]
        subject = "survey_response"
        id = { template = "{a" }
        survey = { value = "exit" }
        score = { path = "s", value = 3 }
        "#,
    )
    .unwrap_err();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("configuration.all_errors", errors.join("\n"));
    });
}

#[test]
fn a_source_declares_its_version() {
    let without =
        "[[source]]\nname = \"s\"\ntopic = \"t\"\n[[source.record]]\nsubject = \"customer\"\nid = \"id\"\n";
    let errors = compile(without).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with("source[0].record[0].updated_at: is missing"), "{errors:?}");
}

#[test]
fn an_amount_needs_a_currency_beside_it() {
    let errors = errors_of("subject = \"order\"\namount = \"total\"\n");
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with("source[0].record[0].amount: has no `currency`"), "{errors:?}");
}

#[test]
fn constants_are_judged_before_any_record() {
    let errors = errors_of(
        "subject = \"order\"\ncurrency = { value = \"eur\" }\nkind = { value = \"gift\" }\nstatus = { path = \"s\", default = \"\" }\n",
    );
    let paths: Vec<_> = errors.iter().map(|e| e.split(": ").next().unwrap()).collect();
    assert_eq!(
        paths,
        ["source[0].record[0].status", "source[0].record[0].kind", "source[0].record[0].currency"],
        "{errors:?}"
    );
}

#[test]
fn a_source_without_records_reads_nothing_and_is_refused() {
    let errors = compile("[[source]]\nname = \"s\"\ntopic = \"t\"\nupdated_at = \"at\"\n").unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn one_bad_entity_rejects_its_whole_record() {
    let mapping = compile(
        r#"
        [[source]]
        name = "shop"
        topic = "orders"
        updated_at = "record_timestamp"
        [[source.record]]
        subject = "customer"
        id = "customer"
        [[source.record]]
        subject = "order"
        id = "id"
        amount = "total"
        currency = "currency"
        "#,
    )
    .unwrap();
    let apply = |value: &str| {
        let timestamp_micros = Some(1_772_323_200_000_000);
        let value = Some(value.as_bytes());
        mapping.apply(&SourceRecord {
            topic: "orders",
            partition: 0,
            offset: 0,
            timestamp_micros,
            received_micros: None,
            value,
        })
    };
    let good = apply(r#"{"customer": "c", "id": "o", "total": 1, "currency": "EUR"}"#);
    assert!(matches!(good, Outcome::Mapped(events) if events.len() == 2));
    let bad = apply(r#"{"customer": "c", "id": "o", "total": "1e999", "currency": "EUR"}"#);
    let Outcome::Rejected(rejection) = bad else { unreachable!("{bad:?}") };
    assert_eq!(rejection.to_string(), "amount_too_large: order.amount `1e999` is beyond 18 digits");
}

#[test]
fn a_record_arrived_when_its_broker_says_so_and_not_when_its_producer_does() {
    let mapping = compile(
        "[[source]]\nname = 's'\ntopic = 't'\nupdated_at = 'record_timestamp'\nrecord = [{ subject = 'customer', id = 'id' }]\n",
    )
    .unwrap();
    let received_at = |received_micros| {
        let value = Some(br#"{"id": "c"}"#.as_slice());
        let timestamp_micros = Some(1_772_323_200_000_000);
        let record =
            SourceRecord { topic: "t", partition: 0, offset: 0, timestamp_micros, received_micros, value };
        let Outcome::Mapped(events) = mapping.apply(&record) else { unreachable!("it has an id") };
        events[0].origin.received_at.map(|at| at.micros())
    };
    assert_eq!(received_at(None), None);
    assert_eq!(received_at(Some(1_772_323_200_000_001)), Some(1_772_323_200_000_001));
}

/// Puts a value at some place of a configuration.
fn replace(config: &mut toml::Value, place: u64, value: toml::Value) {
    let (here, deeper) = (usize::try_from(place % 16).unwrap(), place / 16);
    let inner = match config {
        toml::Value::Table(table) if !table.is_empty() => {
            let at = here % table.len();
            table.iter_mut().nth(at).map(|(_, inner)| inner)
        }
        toml::Value::Array(values) if !values.is_empty() => {
            let at = here % values.len();
            values.get_mut(at)
        }
        _ => None,
    };
    match inner {
        Some(inner) if deeper > 0 => replace(inner, deeper, value),
        Some(inner) => *inner = value,
        None => *config = value,
    }
}

fn toml_value() -> impl Strategy<Value = toml::Value> {
    let words = ["", "a.b", "..", "{a", "{a:02}", "record_timestamp", "%H", "EUR", "order", "\u{0}", "1e999"];
    let words = words.map(|word| Just(toml::Value::from(word)));
    let tables = ["value", "path", "sum", "each", "when", "template"].map(|key| {
        any::<i64>().prop_map(move |n| toml::Table::from_iter([(key.to_owned(), n.into())]).into())
    });
    prop_oneof![
        proptest::strategy::Union::new(words),
        proptest::strategy::Union::new(tables.map(Strategy::boxed)),
        any::<i64>().prop_map(toml::Value::from),
        any::<f64>().prop_map(toml::Value::from),
        any::<bool>().prop_map(toml::Value::from),
        any::<String>().prop_map(toml::Value::from),
        Just(toml::Value::Array(Vec::new())),
        Just(toml::Value::Table(toml::Table::new())),
    ]
}

proptest! {
    #[test]
    fn a_damaged_configuration_compiles_or_says_why(
        subject in proptest::sample::select(&sarafan_core::vocabulary::Subject::ALL),
        place in any::<u64>(), value in toml_value(),
    ) {
        let path = format!("{}/../../schemas/examples/{}/examples.toml", env!("CARGO_MANIFEST_DIR"), subject.name());
        let document: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
        let mut source = document["source"][0].clone();
        replace(&mut source, place, value);
        let toml::Value::Table(source) = source else { return Ok(()) };
        if let Err(errors) = Mapping::compile(&[source], &[]) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                prop_assert!(error.path.starts_with("source[0]") && !error.problem.is_empty(), "{}", error);
            }
        }
    }
}

/// The events of one answer under a mapping with a few more lines in its record.
fn events_of(lines: &str, value: &str) -> Vec<Event> {
    let head = "[[source]]\nname = \"s\"\ntopic = \"t\"\nupdated_at = \"record_timestamp\"\n[[source.record]]\n\
                subject = \"survey_response\"\nid = \"id\"\ncustomer_id = \"customer\"\n";
    let mapping = compile(&format!("{head}{lines}")).unwrap();
    let record = SourceRecord {
        topic: "t",
        partition: 0,
        offset: 0,
        timestamp_micros: Some(1_772_323_200_000_000),
        received_micros: None,
        value: Some(value.as_bytes()),
    };
    match mapping.apply(&record) {
        Outcome::Mapped(events) => events,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_blank_previous_customer_is_a_guest_or_says_nothing_however_it_is_blank() {
    for blank in ["null", "\"\"", "\"-\""] {
        let record = format!(r#"{{"id": "r", "customer": "c", "from": {blank}}}"#);
        let spec =
            |rest| format!("previous_customer_id = {{ path = \"from\", null_values = [\"-\"]{rest} }}\n");
        let keys = |rest| -> Vec<String> {
            events_of(&spec(rest), &record).iter().map(|event| event.key().as_str().to_owned()).collect()
        };
        assert_eq!(keys(""), ["e:r", "c:c"], "{blank}");
        assert_eq!(keys(", blank = \"absent\""), ["c:c"], "{blank}");
    }
}

#[test]
fn what_is_erased_is_erased_at_the_key_it_came_from_too() {
    let lines = "previous_customer_id = \"from\"\nerased = { path = \"gone\", equals = true }\n";
    let events = events_of(lines, r#"{"id": "r", "customer": "c", "from": "b", "gone": true}"#);
    let erased: Vec<_> = events.iter().map(|event| (event.key().as_str().to_owned(), event.erased)).collect();
    assert_eq!(erased, [("c:b".to_owned(), true), ("c:c".to_owned(), true)]);
}

#[test]
fn a_blank_entry_of_an_object_is_cleared_like_any_other_blank() {
    let events = events_of("answers = \"all\"\n", r#"{"id": "r", "all": {"a": "x", "b": "", "c": null}}"#);
    let text = |text: &str| FieldValue::Text(text.to_owned());
    let expected =
        [("answers.a", text("x")), ("answers.b", FieldValue::Cleared), ("answers.c", FieldValue::Cleared)];
    let found: Vec<_> = events[0].fields.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    assert_eq!(found, expected);
}

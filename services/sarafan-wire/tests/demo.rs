//! The demo's mapping, on the whole of both real data sets, against figures known from outside of this project.

#![allow(clippy::unwrap_used, clippy::panic)] // In helpers of tests too, where the lint does not see a test.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use sarafan_core::definitions::SurveySection;
use sarafan_core::event::Event;
use sarafan_core::vocabulary::{FieldValue, Group, Subject};
use sarafan_wire::{Mapping, Outcome, SourceRecord};

fn deploy() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

fn mapping(text: &str) -> Mapping {
    let document: toml::Table = text.parse().unwrap();
    let surveys: Vec<SurveySection> = document["survey"].clone().try_into().unwrap();
    let sources: Vec<toml::Table> = document["source"].clone().try_into().unwrap();
    Mapping::compile(&sources, &surveys).unwrap()
}

fn demo_config() -> String {
    std::fs::read_to_string(deploy().join("demo/sarafan.toml")).unwrap()
}

fn invoices() -> String {
    let file = std::fs::File::open(deploy().join("demo/online_retail_invoices.ndjson.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

fn answers() -> String {
    std::fs::read_to_string(deploy().join("demo/airport_survey.ndjson")).unwrap()
}

#[derive(Default)]
struct Mapped {
    events: Vec<Event>,
    filtered: BTreeMap<String, usize>,
    rejected: BTreeMap<&'static str, usize>,
}

/// Maps every line as a record of the topic, with a broker's timestamp of today.
fn map(mapping: &Mapping, topic: &str, lines: &str) -> Mapped {
    let mut mapped = Mapped::default();
    for (offset, line) in (0_i64..).zip(lines.lines()) {
        let record = SourceRecord {
            topic,
            partition: 0,
            offset,
            timestamp_micros: Some(1_790_000_000_000_000),
            received_micros: None,
            value: Some(line.as_bytes()),
        };
        match mapping.apply(&record) {
            Outcome::Mapped(events) => mapped.events.extend(events),
            Outcome::Filtered { rule } => *mapped.filtered.entry(rule.to_string()).or_default() += 1,
            Outcome::Rejected(rejection) => *mapped.rejected.entry(rejection.reason.code()).or_default() += 1,
        }
    }
    mapped
}

/// Number of entities and their amount, in 1/10 000.
fn sum<'e>(events: impl Iterator<Item = &'e Event>) -> (usize, i64) {
    events.fold((0, 0), |(count, total), event| match event.field("amount") {
        Some(FieldValue::Money(amount)) => (count + 1, total + amount.units()),
        other => panic!("{}: {other:?}", event.id),
    })
}

#[test]
fn every_invoice_becomes_an_order_a_refund_or_a_filtered_adjustment() {
    let mapped = map(&mapping(&demo_config()), "demo.invoices", &invoices());
    assert_eq!(mapped.filtered, BTreeMap::from([("adjustment".to_owned(), 3)]));
    assert_eq!(mapped.rejected, BTreeMap::new());
    let of = |subject, guest| {
        let events = mapped.events.iter().filter(move |event| event.subject == subject);
        sum(events.filter(move |event| event.customer_id.is_none() == guest))
    };
    assert_eq!(of(Subject::Order, false), (18_536, 89_114_079_040));
    assert_eq!(of(Subject::Order, true), (3_525, 17_442_145_800));
    assert_eq!(of(Subject::Refund, false), (3_654, 6_113_420_900));
    assert_eq!(of(Subject::Refund, true).0, 182);
    let orders = mapped.events.iter().filter(|event| event.subject == Subject::Order);
    let buyers: BTreeSet<_> = orders.filter_map(|event| event.customer_id.as_deref()).collect();
    assert_eq!(buyers.len(), 4_339);
    let customers = mapped.events.iter().filter(|event| event.subject == Subject::Customer);
    assert_eq!(customers.clone().count(), 18_536 + 3_654);
    assert_eq!(customers.map(|event| &event.id).collect::<BTreeSet<_>>().len(), 4_339 + 33);
    let keys = mapped.events.iter().filter(|event| event.customer_id.is_none()).map(Event::key);
    assert!(keys.into_iter().all(|key| key.as_str().starts_with("o:") || key.as_str().starts_with("e:C")));
}

#[test]
fn the_code_for_a_blank_answer_is_an_answer_without_a_score() {
    let mapped = map(&mapping(&demo_config()), "demo.answers", &answers());
    assert_eq!((mapped.events.len(), mapped.rejected.len(), mapped.filtered.len()), (2_809, 0, 0));
    let scores = mapped.events.iter().filter_map(|event| match event.field("score") {
        Some(FieldValue::Score(score)) => Some(score.group()),
        _ => None,
    });
    let groups: Vec<_> = scores.collect();
    let count = |group| groups.iter().filter(|found| **found == group).count();
    assert_eq!((groups.len(), count(Group::Promoter), count(Group::Detractor)), (2_650, 1_268, 447));
}

#[test]
fn a_mapping_that_forgets_the_code_for_blank_gets_159_dead_letters() {
    let forgetful = demo_config().replace(", null_values = [11]", "");
    let mapped = map(&mapping(&forgetful), "demo.answers", &answers());
    assert_eq!(mapped.rejected, BTreeMap::from([("score_out_of_range", 159)]));
    assert_eq!(mapped.events.len(), 2_650);
}

#[test]
fn a_shift_moves_every_time_and_version_by_whole_days_and_nothing_else() {
    let shifted = demo_config().replace("shift_days = 0", "shift_days = 100");
    let plain = map(&mapping(&demo_config()), "demo.answers", &answers());
    let moved = map(&mapping(&shifted), "demo.answers", &answers());
    for (before, after) in plain.events.iter().zip(&moved.events) {
        let days = |a: sarafan_core::vocabulary::Instant, b: sarafan_core::vocabulary::Instant| {
            (b.micros() - a.micros()) / 86_400_000_000
        };
        assert_eq!(days(before.event_time().unwrap(), after.event_time().unwrap()), 100);
        assert_eq!(days(before.stamp.updated_at(), after.stamp.updated_at()), 100);
        assert_eq!(before.field("score"), after.field("score"));
        assert_eq!(before.origin, after.origin);
    }
}

#[test]
fn twenty_lines_are_enough_for_one_orders_and_one_answers_topic() {
    let text = std::fs::read_to_string(deploy().join("config/minimal.toml")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert!(lines.count() <= 20, "the README promises twenty lines");
    let mapping = mapping(&text);
    let order = r#"{"number": "o1", "customer": {"id": 7}, "created_at": "2026-01-02T10:00:00+03:00", "changed_at": "2026-01-02T10:05:00+03:00",
        "state": "paid", "total": "12.50", "currency": "EUR", "channel": "web"}"#;
    let answer = r#"{"answer_id": "a1", "customer_id": "7", "order": "o1", "answered_at": "2026-01-05T09:00:00Z", "score": 9, "comment": "Quick."}"#;
    for (topic, line) in [("shop.orders", order), ("shop.answers", answer)] {
        let mapped = map(&mapping, topic, &line.replace('\n', " "));
        assert_eq!((mapped.events.len(), mapped.rejected), (1, BTreeMap::new()));
        assert_eq!(mapped.events[0].key().as_str(), "c:7");
    }
}

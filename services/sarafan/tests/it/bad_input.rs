//! Bad input never stops the stream: each record is a dead letter with its reason and its bytes.

use std::collections::BTreeMap;
use std::path::Path;

use sarafan_stream::{OwnedHeader, OwnedRecord, ProducerRecord, dead_letter};

use crate::world::{World, record};

/// When the examples of rejected records are to have arrived.
const RECEIVED_MS: i64 = 1_772_323_200_000;
const GOOD: &str = r#"{"type": "order", "id": "good-NUMBER", "customer": "c1", "at": "2026-02-28T10:00:00Z",
    "changed_at": "2026-02-28T10:00:00Z", "state": "PAID", "kind": "sale", "amount": "10", "currency": "EUR", "channel": "web"}"#;

#[test]
fn every_kind_of_bad_input_is_a_dead_letter_with_its_reason_and_the_stream_goes_on() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/examples/rejected");
    let sources = std::fs::read_to_string(examples.join("examples.toml")).unwrap();
    let text = format!("kafka.brokers = 'x'\nclickhouse.url = 'http://x'\n{sources}");
    let world = World::migrated("bad", &text, &[]);
    let bad = bad_records(&world, &examples);
    assert!(bad.len() > 20, "only {} examples were found", bad.len());
    let ingest = world.start("ingest", "ingest", &[]);
    let aggregator = world.start("aggregate", "aggregator", &[]);
    let topic = world.source_topic(0);
    let good = |number: usize| {
        let line = GOOD.replace("NUMBER", &number.to_string());
        ProducerRecord { timestamp_ms: Some(RECEIVED_MS), ..record(&topic, line) }
    };
    // After each bad one a good one, which has to come through.
    let both = bad.iter().enumerate().flat_map(|(number, (_, bad))| [bad.clone(), good(number)]);
    world.produce(both);
    world.wait_for_views(bad.len() as u64);
    world.wait_until("all good orders are there", || {
        world.scalar("SELECT count() FROM orders") == bad.len().to_string()
    });

    assert_letters(&bad, &world.read(&world.deployment.topics.dead_letters));
    let mut by_reason: BTreeMap<&str, u32> = BTreeMap::new();
    for (reason, _) in &bad {
        *by_reason.entry(reason).or_default() += 1;
    }
    for (reason, count) in &by_reason {
        let counted = ingest.metric(sarafan_stream::metrics::DEAD_LETTERS, &[("reason", reason)]);
        assert_eq!(counted, f64::from(*count), "{reason} in /metrics");
        let sql = format!("SELECT dead_letters['{reason}'] FROM freshness WHERE source = 'mixed'");
        world.wait_until(&format!("{reason} in freshness"), || world.scalar(&sql) == count.to_string());
    }
    let [mapped, dead] = ["mapped", "dead_letter"]
        .map(|outcome| ingest.metric(sarafan_ingest::RECORDS, &[("outcome", outcome)]));
    assert_eq!((mapped, dead), (bad.len() as f64, bad.len() as f64));
    aggregator.stop();
    ingest.stop();
}

/// `(reason, record)`: every example, a tombstone, and dates in other impossible years.
fn bad_records(world: &World, examples: &Path) -> Vec<(String, ProducerRecord)> {
    let topic = world.source_topic(0);
    let of = |reason: &str, value: Option<Vec<u8>>| {
        let headers =
            vec![OwnedHeader::new("trace", reason), OwnedHeader { name: "empty".to_owned(), value: None }];
        let key = Some(format!("key of {reason}").into_bytes());
        let record =
            ProducerRecord { topic: topic.clone(), key, value, headers, timestamp_ms: Some(RECEIVED_MS) };
        (reason.to_owned(), record)
    };
    let mut records = vec![of("no_value", None)];
    for entry in std::fs::read_dir(examples).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|kind| kind == "json") {
            let reason = path.file_stem().unwrap().to_str().unwrap().to_owned();
            records.push(of(&reason, Some(std::fs::read(&path).unwrap())));
        }
    }
    let ancient = GOOD.replace("\"2026-02-28T10:00:00Z\",\n", "\"1900-01-01T00:00:00Z\",\n");
    records.push(of("time_out_of_range", Some(ancient.into_bytes())));
    records
}

/// The letters are the bad records, untouched, with their reasons and where they came from.
fn assert_letters(bad: &[(String, ProducerRecord)], letters: &[OwnedRecord]) {
    assert_eq!(letters.len(), bad.len());
    for (reason, record) in bad {
        let same = |letter: &&OwnedRecord| letter.value == record.value && letter.key == record.key;
        let letter =
            letters.iter().find(same).unwrap_or_else(|| panic!("no letter with the bytes of {reason}"));
        let said = |name| {
            letter.as_record().headers.last(name).map(|value| String::from_utf8_lossy(value).into_owned())
        };
        assert_eq!(said(dead_letter::REASON).as_deref(), Some(reason.as_str()));
        assert_eq!(said(dead_letter::TOPIC).as_deref(), Some(&*record.topic));
        assert!(
            said(dead_letter::OFFSET).is_some() && said(dead_letter::EXCEPTION_MESSAGE).is_some(),
            "{reason}"
        );
        assert_eq!(letter.headers[..2], record.headers[..], "{reason}");
    }
}

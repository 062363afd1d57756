//! The control tables: ledger, epochs, incarnation, generations.

use sarafan_core::definitions::{
    Definitions, DimensionKind, DimensionSection, Epoch, FieldNames, MetricsSection, SurveyKind,
    SurveySection,
};
use sarafan_core::shard::Placement;
use sarafan_core::tenure::{Claim, Entry, TableHeight};
use sarafan_store::Generation;

use crate::migrated;

fn entry(partition: u16, term: u32, sequence: u64) -> Entry {
    let height = |table: &str, position, highest| TableHeight { table: table.to_owned(), position, highest };
    Entry {
        generation: 1,
        partition,
        term,
        owner: u64::MAX - 1,
        sequence,
        incarnation: 4,
        live: sequence > 0,
        position: 100 + sequence,
        last_record: u64::MAX,
        entities: 3,
        tables: vec![height("orders", 100 + sequence, u64::MAX), height("refunds", 90, 0)],
    }
}

#[tokio::test]
async fn a_ledger_shows_each_term_of_its_epoch_at_its_highest_sequence() {
    let store = migrated().await;
    let epoch = Epoch(u64::MAX);
    store.write_ledger(epoch, &[entry(0, 1, 2), entry(1, 1, 0)]).await.unwrap();
    store.write_ledger(epoch, &[entry(0, 1, 1), entry(0, 2, 0)]).await.unwrap();
    store.write_ledger(Epoch(1), &[entry(0, 9, 9)]).await.unwrap();
    store.write_ledger(epoch, &[]).await.unwrap();
    let read = store.read_ledger(epoch).await.unwrap();
    assert_eq!(read, [entry(0, 1, 2), entry(0, 2, 0), entry(1, 1, 0)]);
}

#[tokio::test]
async fn a_claim_on_an_empty_ledger_is_found_as_it_was_written() {
    let store = migrated().await;
    let placement = Placement { epoch: Epoch(3), generation: 0, partition: 5, partitions: 6 };
    let claim = Claim::on(&store.read_ledger(Epoch(3)).await.unwrap(), placement, 77, 0);
    store.write_ledger(Epoch(3), std::slice::from_ref(&claim.entry)).await.unwrap();
    let now = store.read_ledger(Epoch(3)).await.unwrap();
    assert_eq!(now, std::slice::from_ref(&claim.entry));
    assert!(!claim.must_start_over(&now));
}

fn definitions(timezone: &str) -> Definitions {
    let metrics = MetricsSection { timezone: timezone.to_owned(), ..MetricsSection::default() };
    let survey = |id: &str, headline| SurveySection {
        id: id.to_owned(),
        kind: SurveyKind::Transactional,
        scale: Default::default(),
        headline,
        band: Default::default(),
    };
    let dimension = DimensionSection {
        name: "tier".to_owned(),
        kind: DimensionKind::Customer,
        field: FieldNames::One("attributes.tier".to_owned()),
    };
    Definitions::resolve(metrics, vec![survey("a", false), survey("b", true)], &[dimension]).unwrap()
}

#[tokio::test]
async fn a_registered_epoch_says_what_its_rows_mean() {
    let store = migrated().await;
    let moscow = definitions("Europe/Moscow");
    assert_eq!(store.epoch(moscow.epoch).await.unwrap(), None);
    store.register_epoch(&moscow).await.unwrap();
    store.register_epoch(&moscow).await.unwrap();
    let found = store.epoch(moscow.epoch).await.unwrap().unwrap();
    assert_eq!((found.timezone.as_str(), found.headline_survey.as_str()), ("Europe/Moscow", "b"));
    assert_eq!(found.windows, moscow.metrics.windows);
    assert_eq!((found.survey_kinds[0].as_str(), found.survey_scales[1].as_str()), ("transactional", "0-10"));
    assert_eq!(found.dimensions, ["tier"]);
    assert_eq!(found.dimension_kinds, ["customer"]);
    let json: serde_json::Value = serde_json::from_str(&found.definitions).unwrap();
    assert_eq!(json["dimension"][0]["field"][0], "attributes.tier");
    let resolved = found.resolved().unwrap();
    assert_eq!((resolved.metrics, resolved.surveys), (moscow.metrics.clone(), moscow.surveys.clone()));
    assert_eq!(resolved.dimensions, moscow.dimensions);
    assert_eq!(store.epochs().await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_row_switches_the_live_epoch_there_and_back() {
    let store = migrated().await;
    assert_eq!(store.live_epoch().await.unwrap(), None);
    for epoch in [Epoch(7), Epoch(u64::MAX), Epoch(7), Epoch(7)] {
        store.set_live_epoch(epoch).await.unwrap();
        assert_eq!(store.live_epoch().await.unwrap(), Some(epoch));
    }
}

#[tokio::test]
async fn the_incarnation_is_zero_until_the_store_is_adopted() {
    let store = migrated().await;
    assert_eq!(store.incarnation().await.unwrap(), 0);
    store.set_incarnation(99).await.unwrap();
    store.set_incarnation(5).await.unwrap();
    assert_eq!(store.incarnation().await.unwrap(), 5);
}

#[tokio::test]
async fn generations_of_a_topic_come_in_their_order() {
    let store = migrated().await;
    let generation = |topic: &str, generation, partitions| Generation {
        topic: topic.to_owned(),
        generation,
        partitions,
        topic_id: String::new(),
    };
    let (first, second) = (generation("events", 0, 6), generation("events", 1, 12));
    for row in [&second, &first, &first, &generation("other", 0, 1)] {
        store.register_generation(row).await.unwrap();
    }
    assert_eq!(store.generations("events").await.unwrap(), [first, second]);
}

#[tokio::test]
async fn waiting_for_replicas_returns_at_once_where_there_are_none() {
    migrated().await.sync_replicas().await.unwrap();
}

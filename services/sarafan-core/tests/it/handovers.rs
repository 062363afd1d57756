//! What outlives a shard: a new topic generation, a candidate epoch, records that were applied before.

use std::sync::Arc;

use proptest::prelude::*;
use sarafan_core::Event;
use sarafan_core::definitions::Definitions;
use sarafan_core::rows::folded;
use sarafan_core::shard::{Scope, Shard};
use sarafan_core::table::Table;

use crate::definitions::{BARE, MERGED, PLAIN, any_meaning};
use crate::histories::{delivered, history};
use crate::law::cases;
use crate::naive;
use crate::plain::rows;
use crate::shards::{GENERATION, inserts, log, run, shard, shard_of, tenancy};
use crate::tables::{Store, Term};

/// Puts back what the tables hold of a partition.
fn restore(shard: &mut Shard, store: &Store, partition: u16, partitions: u32) {
    for subject in folded() {
        for block in store.entities(subject, partition.into(), partitions) {
            shard.restore(subject, &block).expect("rows that a shard wrote");
        }
    }
}

/// Goes on over a topic of the next generation with other partitions, from what the tables hold.
fn next_generation(
    definitions: &Arc<Definitions>,
    store: &mut Store,
    events: Vec<Event>,
    partitions: u32,
) -> Vec<Term> {
    let mut terms = Vec::new();
    for (partition, lane) in (0_u16..).zip(log(events, partitions)) {
        let mut shard = shard_of(definitions, GENERATION + 1, partition, partitions);
        restore(&mut shard, store, partition, partitions);
        shard.resume(0, 0);
        let term = Term { partition, term: 2, owner: 8 };
        let first = shard.flush(&tenancy(term.term, term.owner), Scope::EveryCell);
        inserts(first).iter().for_each(|table| store.insert(table));
        for (offset, event) in &lane {
            shard.apply(event, *offset).expect("a record of this partition");
        }
        let rest = shard.flush(&tenancy(term.term, term.owner), Scope::Changes);
        inserts(rest).iter().for_each(|table| store.insert(table));
        terms.push(term);
    }
    terms
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_new_topic_with_other_partitions_goes_on_from_what_the_tables_hold(
        before in history(25),
        after in history(15),
        (old, new) in (1..4_u32, 1..6_u32),
        meaning in any_meaning(),
    ) {
        let definitions = meaning.definitions();
        let (before, after) = (delivered(&before), delivered(&after));
        let (mut store, _) = run(&definitions, &log(before.clone(), old), &[6]);
        let terms = next_generation(&definitions, &mut store, after.clone(), new);
        let expected = naive::recount(&definitions, before.iter().chain(&after));
        let differences = store.differences(&expected, &terms);
        prop_assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    #[test]
    fn a_candidate_epoch_begins_with_the_entities_of_the_live_one(history in history(30)) {
        // The two differ in their time zone, margin, windows and rules, not in the fields that they read.
        let events = delivered(&history);
        let (live, _) = run(&PLAIN, &log(events.clone(), 1), &[6]);
        let mut shard = shard(&MERGED, 0, 1);
        restore(&mut shard, &live, 0, 1);
        let position = log(events.clone(), 1)[0].last().map_or(0, |(offset, _)| offset + 1);
        shard.resume(position, 0);
        let mut candidate = Store::default();
        // A few customers at a time, so that the rows of all are never held at once; then the cells.
        for keys in shard.keys().chunks(2) {
            shard.mark_dirty(keys);
            let batch = shard.flush(&tenancy(1, 9), Scope::Changes);
            prop_assert!(batch.rollups.iter().all(Table::is_empty), "copying changes no cell");
            inserts(batch).iter().for_each(|table| candidate.insert(table));
        }
        let batch = shard.flush(&tenancy(1, 9), Scope::EveryCell);
        inserts(batch).iter().for_each(|table| candidate.insert(table));
        let mut expected = naive::recount(&MERGED, &events);
        // Details are of no epoch: they are where the live one wrote them.
        expected.rows.retain(|(table, _), _| !matches!(*table, "details" | "order_items"));
        let differences = candidate.differences(&expected, &[Term { partition: 0, term: 1, owner: 9 }]);
        prop_assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    #[test]
    fn attributes_that_nothing_had_read_are_put_back_from_the_details(history in history(30), (old, late) in (0..30_usize, 0..5_usize)) {
        // The live epoch has no dimension that reads an attribute; the candidate begins with `old` of the records, and the
        // details hold some more already.
        let events = delivered(&history);
        let old = old.min(events.len());
        let late = (old + late).min(events.len());
        let (live, _) = run(&BARE, &log(events[..old].to_vec(), 1), &[6]);
        let (later, _) = run(&BARE, &log(events[..late].to_vec(), 1), &[6]);
        let mut shard = shard(&PLAIN, 0, 1);
        restore(&mut shard, &live, 0, 1);
        let fields = PLAIN.fields_beyond(&BARE);
        prop_assert!(!fields.is_empty());
        shard.restore_details(&later.fields(&fields)).unwrap();
        let log = log(events.clone(), 1).remove(0);
        let offset = |record: usize| log.get(record).map_or_else(|| log.last().map_or(0, |(last, _)| last + 1), |(at, _)| *at);
        shard.resume(offset(old), offset(late));
        for (offset, event) in &log[old..] {
            shard.apply(event, *offset).unwrap();
        }
        shard.mark_dirty(&shard.keys());
        let mut candidate = Store::default();
        let batch = shard.flush(&tenancy(1, 9), Scope::EveryCell);
        inserts(batch).iter().for_each(|table| candidate.insert(table));
        let mut expected = naive::recount(&PLAIN, &events);
        expected.rows.retain(|(table, _), _| !matches!(*table, "details" | "order_items"));
        let differences = candidate.differences(&expected, &[Term { partition: 0, term: 1, owner: 9 }]);
        prop_assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    #[test]
    fn records_that_say_nothing_new_write_no_row_of_an_entity_a_customer_or_a_cell(
        history in history(30),
        meaning in any_meaning(),
    ) {
        let events = delivered(&history);
        let mut shard = shard(&meaning.definitions(), 0, 1);
        for (offset, event) in (0..).zip(&events) {
            shard.apply(event, offset).unwrap();
        }
        shard.flush(&tenancy(1, 9), Scope::EveryCell);
        for (offset, event) in (shard.position()..).zip(events.iter().rev()) {
            shard.apply(event, offset).unwrap();
        }
        let batch = shard.flush(&tenancy(1, 9), Scope::Changes);
        for table in [batch.entities, batch.derived, batch.rollups].iter().flatten() {
            let exempt = table.spec().name == "arrivals";
            prop_assert!(exempt || table.is_empty(), "{}: {:?}", table.spec().name, rows(table).next());
        }
    }

    #[test]
    fn every_row_of_a_flush_carries_its_epoch_version_and_term(history in history(25), meaning in any_meaning()) {
        let definitions = meaning.definitions();
        let mut shard = shard(&definitions, 0, 1);
        for (offset, event) in (40..).zip(&delivered(&history)) {
            shard.apply(event, offset).unwrap();
        }
        let batch = shard.flush(&tenancy(5, 6), Scope::EveryCell);
        let version = sarafan_core::version(GENERATION, shard.position());
        prop_assert_eq!((batch.position, batch.version), (shard.position(), version));
        for table in [batch.entities, batch.derived, batch.rollups].iter().flatten() {
            let tag = |name: &str| match name {
                "epoch" => Some(i128::from(definitions.epoch.0)),
                "version" => Some(version.into()),
                "term" => Some(5),
                "owner" => Some(6),
                "incarnation" => Some(77),
                "partition" | "marker" => Some(0),
                _ => None,
            };
            for row in rows(table) {
                for (column, value) in table.spec().columns.iter().zip(&row) {
                    if let Some(must) = tag(column.name) {
                        prop_assert_eq!(value.number(), must, "{}.{}", table.spec().name, column.name);
                    }
                }
            }
        }
    }
}

#[test]
fn a_log_that_goes_backwards_is_refused_and_changes_nothing() {
    let order = crate::oracles::order("c", "1", 0, "10");
    let other = crate::oracles::order("c", "2", 1, "10");
    let mut shard = shard(&PLAIN, 0, 1);
    shard.apply(&order, 7).unwrap();
    assert!(shard.apply(&other, 7).is_err() && shard.apply(&other, 3).is_err());
    let batch = shard.flush(&tenancy(1, 9), Scope::EveryCell);
    assert_eq!((batch.position, batch.entities_held), (8, 1));
}

#[test]
fn a_restored_row_of_another_partition_is_refused() {
    let order = crate::oracles::order("c", "1", 0, "10");
    let home = order.key().partition(3);
    let (store, _) = run(&PLAIN, &log(vec![order], 3), &[1]);
    let rows = store.entities(sarafan_core::vocabulary::Subject::Order, home, 3).remove(0);
    let elsewhere = u16::try_from((home + 1) % 3).unwrap();
    let refusal = shard(&PLAIN, elsewhere, 3).restore(sarafan_core::vocabulary::Subject::Order, &rows);
    assert!(refusal.is_err(), "the row would be counted twice");
}

//! The tables themselves.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use sarafan_core::definitions::Epoch;
use sarafan_core::rollup::Rollup;
use sarafan_core::rows;
use sarafan_core::table::{Table, Value};
use sarafan_core::tenure::Entry;

use super::keys::places;
use super::*;
use crate::warehouse::Warehouse;

fn detail(value: &str, stamp: u128) -> Table {
    let mut table = Table::new(&rows::DETAILS);
    let text = |text| Value::text(text);
    let stamp = Value::Int(stamp.cast_signed());
    table.push([text("order"), text("c:1"), text("o1"), text("comment"), text(value), stamp, Value::Int(7)]);
    table
}

fn comments(tables: &Tables) -> Vec<Value> {
    tables.rows("details").iter().map(|row| row[4].clone()).collect()
}

fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

#[test]
fn every_table_is_keyed_as_its_last_migration_says() {
    let names = |spec: &sarafan_core::table::TableSpec, places: &[usize]| {
        places.iter().map(|place| spec.columns[*place].name).collect::<Vec<_>>().join(", ")
    };
    let key = |spec| names(spec, &places(spec).unwrap().key);
    assert_eq!(key(&rows::CUSTOMER_MONEY), "epoch, key");
    assert_eq!(key(&rows::DETAILS), "subject, key, id, field");
    assert_eq!(
        key(Rollup::SalesDaily.table()),
        "epoch, partition, term, owner, marker, dimension, day, segment, currency"
    );
    assert_eq!(places(&rows::DETAILS).unwrap().version, 5);
    assert_eq!(Tables::names().len(), 1 + 5 + 5 + Rollup::ALL.len());
    for rollup in Rollup::ALL {
        assert_eq!(places(rollup.table()).unwrap().key.len(), 7 + rollup.spec().keys.len());
    }
}

#[tokio::test(start_paused = true)]
async fn an_insert_lands_when_it_is_answered_and_lives_on_when_its_sender_does_not() {
    let tables = Tables::new(Ties::Last);
    let client = Client { tables: tables.clone(), process: 1 };
    let block = client.prepare(detail("late", 5)).unwrap().unwrap();
    let mut insert = Box::pin(client.insert_block(&block));
    assert!(poll(insert.as_mut()).is_none());
    drop(insert);
    assert!(tables.is_empty());
    let [pending] = tables.pending()[..] else { panic!("one insert is on its way") };
    assert!(pending.abandoned && pending.what == What::Insert("details"));
    assert!(tables.answer(pending.id, How::Done));
    assert_eq!(comments(&tables), [Value::text("late")]);
    assert!(tables.pending().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_highest_version_stays_and_of_two_of_one_version_the_one_that_the_world_wants() {
    for (ties, stays) in [(Ties::First, "a"), (Ties::Last, "b")] {
        let tables = Tables::new(ties);
        let client = Client { tables: tables.clone(), process: 1 };
        // A stamp above the half of its range is still the higher one.
        for (value, stamp) in [("old", 1), ("a", u128::MAX), ("b", u128::MAX), ("older", 2)] {
            let block = client.prepare(detail(value, stamp)).unwrap().unwrap();
            let mut insert = Box::pin(client.insert_block(&block));
            assert!(poll(insert.as_mut()).is_none());
            tables.answer(tables.pending()[0].id, How::Done);
            poll(insert.as_mut()).unwrap().unwrap();
        }
        assert_eq!(comments(&tables), [Value::text(stays)]);
    }
}

#[tokio::test(start_paused = true)]
async fn every_way_of_answering_does_what_it_says() {
    for (how, lands, told, again) in [
        (How::Done, true, Some(true), false),
        (How::Unanswered, true, None, true),
        (How::AnswerLost, true, Some(false), false),
        (How::Refused, false, Some(false), false),
        (How::Late, false, Some(false), true),
        (How::Twice, true, Some(true), true),
        (How::Stale, true, Some(true), false),
        (How::Behind, true, Some(true), false),
    ] {
        let tables = Tables::new(Ties::Last);
        let client = Client { tables: tables.clone(), process: 1 };
        let block = client.prepare(detail("x", 1)).unwrap().unwrap();
        let mut insert = Box::pin(client.insert_block(&block));
        assert!(poll(insert.as_mut()).is_none());
        tables.answer(tables.pending()[0].id, how);
        assert_eq!(!tables.is_empty(), lands, "{how:?}");
        assert_eq!(poll(insert.as_mut()).map(|told| told.is_ok()), told, "{how:?}");
        assert_eq!(!tables.pending().is_empty(), again, "{how:?}");
    }
}

fn entry(sequence: u64) -> Entry {
    Entry {
        generation: 0,
        partition: 0,
        term: 1,
        owner: 2,
        sequence,
        incarnation: 0,
        live: false,
        position: sequence,
        last_record: 0,
        entities: 0,
        tables: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_replica_is_not_behind_the_last_time_that_it_caught_up() {
    let tables = Tables::new(Ties::Last);
    let client = Client { tables: tables.clone(), process: 1 };
    let read = async |how| {
        let mut read = Box::pin(client.read_ledger(Epoch(1)));
        assert!(poll(read.as_mut()).is_none());
        tables.answer(tables.pending()[0].id, how);
        poll(read.as_mut()).unwrap().unwrap().first().map_or(0, |entry| entry.sequence)
    };
    for sequence in 1..=2 {
        tables.write_ledger(Epoch(1), &[entry(sequence)]);
        tables.snapshot();
    }
    tables.write_ledger(Epoch(1), &[entry(3)]);
    assert_eq!((read(How::Stale).await, read(How::Done).await), (1, 3));
    let mut sync = Box::pin(client.sync_replicas());
    assert!(poll(sync.as_mut()).is_none());
    tables.answer(tables.pending()[0].id, How::Done);
    assert_eq!((read(How::Stale).await, read(How::Behind).await), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn who_is_not_answered_gives_up_and_the_question_is_forgotten() {
    let tables = Tables::new(Ties::Last);
    let client = Client { tables: tables.clone(), process: 1 };
    assert_eq!(client.incarnation().await.unwrap_err().kind(), "timeout");
    assert!(tables.pending().is_empty());
}

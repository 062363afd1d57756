//! What is kept of the sources: which one an entity's row names, and what arrived from each.

use std::sync::Arc;

use sarafan_core::Event;
use sarafan_core::definitions::Definitions;
use sarafan_core::event::Origin;
use sarafan_core::rows::ARRIVALS;
use sarafan_core::shard::{Scope, Shard};
use sarafan_core::table::Table;
use sarafan_core::vocabulary::Instant;

use crate::oracles::{definitions, order};
use crate::plain::{Plain, rows};
use crate::shards::{inserts, shard, tenancy};

fn sent_by(source: &str, event: Event) -> Event {
    Event { origin: Origin { source: source.to_owned(), ..Origin::default() }, ..event }
}

/// The rows of a table in one flush after these records.
fn flushed(shard: &mut Shard, events: &[&Event], from: u64, table: &str) -> Vec<Vec<(&'static str, Plain)>> {
    for (offset, event) in (from..).zip(events) {
        shard.apply(event, offset).unwrap();
    }
    let tables = inserts(shard.flush(&tenancy(1, 9), Scope::Changes));
    let table = tables.iter().find(|t| t.spec().name == table).expect("rows of the table");
    let names = || table.spec().columns.iter().map(|c| c.name);
    rows(table).map(|row| names().zip(row).collect()).collect()
}

fn value<'a>(row: &'a [(&'static str, Plain)], name: &str) -> &'a Plain {
    &row.iter().find(|(column, _)| *column == name).unwrap().1
}

/// The source that the row of the order names after these records.
fn named(definitions: &Arc<Definitions>, events: &[&Event]) -> String {
    let rows = flushed(&mut shard(definitions, 0, 1), events, 0, "orders");
    value(&rows[0], "source").as_text().to_owned()
}

#[test]
fn of_two_sources_that_send_one_record_the_row_names_the_same_whoever_was_first() {
    let definitions = definitions();
    let [till, web] = ["till", "web"].map(|source| sent_by(source, order("ann", "1", 3, "10.00")));
    for events in [&[&till, &web][..], &[&web, &till], &[&web, &till, &web], &[&till, &web, &till]] {
        assert_eq!(named(&definitions, events), "web", "after {} records", events.len());
    }
}

#[test]
fn arrivals_count_every_record_and_keep_the_latest_times_in_any_order_and_over_a_restart() {
    let definitions = definitions();
    let at = |day: i32, received: i64| {
        let mut event = sent_by("till", order("ann", &day.to_string(), day, "10.00"));
        event.origin.received_at = Some(Instant::from_micros(received));
        event
    };
    let (early, late) = (at(3, 500), at(9, 400));
    let mut first = shard(&definitions, 0, 1);
    let before = flushed(&mut first, &[&late, &early, &early], 0, "arrivals");
    assert_eq!(*value(&before[0], "records"), Plain::Int(3));
    assert_eq!(*value(&before[0], "last_received_at"), Plain::Int(500));
    assert_eq!(*value(&before[0], "last_event_at"), Plain::Int(late.event_time().unwrap().micros().into()));

    let mut table = Table::new(&ARRIVALS);
    before.iter().for_each(|row| table.push(row.iter().map(|(_, value)| value.into())));
    let mut second = shard(&definitions, 0, 1);
    second.restore_arrivals(&table);
    second.resume(3, 0);
    let after = flushed(&mut second, &[&early], 3, "arrivals");
    assert_eq!(*value(&after[0], "records"), Plain::Int(4));
    assert_eq!(value(&after[0], "last_event_at"), value(&before[0], "last_event_at"));
}

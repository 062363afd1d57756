//! Shards at work over a log, as an aggregator drives them.

use std::sync::Arc;

use sarafan_core::Event;
use sarafan_core::definitions::Definitions;
use sarafan_core::shard::{Batch, Placement, Scope, Shard, Tenancy};
use sarafan_core::table::Table;

use crate::tables::{Store, Term};

/// Generation of the topic in all these tests; not 0, so that a version is never a plain position.
pub(crate) const GENERATION: u16 = 3;

/// Records in the order in which the topic delivers them, per partition, with their offsets.
pub(crate) type Log = Vec<Vec<(u64, Event)>>;

/// Puts records on a topic of `partitions`; offsets have gaps, as those of compacted or transactional topics do.
pub(crate) fn log(events: Vec<Event>, partitions: u32) -> Log {
    let mut log: Log = (0..partitions).map(|_| Vec::new()).collect();
    for event in events {
        let lane = &mut log[event.key().partition(partitions) as usize];
        let gap = 1 + u64::from(event.stamp.record_hash() % 5 == 0);
        let next = lane.last().map_or(0, |(offset, _)| offset + gap);
        lane.push((next, event));
    }
    log
}

/// A shard that holds nothing yet.
pub(crate) fn shard(definitions: &Arc<Definitions>, partition: u16, partitions: u32) -> Shard {
    shard_of(definitions, GENERATION, partition, partitions)
}

/// The same, of a topic of any generation.
pub(crate) fn shard_of(
    definitions: &Arc<Definitions>,
    generation: u16,
    partition: u16,
    partitions: u32,
) -> Shard {
    let epoch = definitions.epoch;
    Shard::new(Arc::clone(definitions), Placement { epoch, generation, partition, partitions })
}

/// Term and owner of a flush.
pub(crate) fn tenancy(term: u32, owner: u64) -> Tenancy {
    Tenancy { term, owner, incarnation: 77 }
}

/// The inserts of a flush, in their order: details, entities, derived rows, rollups.
pub(crate) fn inserts(batch: Batch) -> Vec<Table> {
    let tables = [batch.details, batch.entities, batch.derived, batch.rollups];
    tables.into_iter().flatten().filter(|table| !table.is_empty()).collect()
}

/// Applies and flushes everything without any mishap: a flush after each of `sizes` records, in turn, and one at the
/// end.
pub(crate) fn run(definitions: &Arc<Definitions>, log: &Log, sizes: &[u8]) -> (Store, Vec<Term>) {
    let mut store = Store::default();
    let mut terms = Vec::new();
    let partitions = u32::try_from(log.len()).unwrap();
    for (partition, lane) in (0_u16..).zip(log) {
        let term = Term { partition, term: 1, owner: 9 };
        terms.push(term);
        let mut shard = shard(definitions, partition, partitions);
        let mut scope = Scope::EveryCell;
        let mut left = lane.as_slice();
        let mut sizes = sizes.iter().cycle();
        while !left.is_empty() || matches!(scope, Scope::EveryCell) {
            let size = sizes.next().map_or(left.len(), |size| usize::from(*size).clamp(1, left.len().max(1)));
            let (now, later) = left.split_at(size.min(left.len()));
            for (offset, event) in now {
                shard.apply(event, *offset).expect("a record of this partition");
            }
            let batch = shard.flush(&tenancy(term.term, term.owner), scope);
            inserts(batch).iter().for_each(|table| store.insert(table));
            scope = Scope::Changes;
            left = later;
        }
    }
    (store, terms)
}

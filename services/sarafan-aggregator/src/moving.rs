//! Moving to a new generation of the canonical topic: the cells of every partition of the new topic, from the entities that
//! there are (DESIGN 2, Topic generations).
//!
//! Rows of entities and customers stay as they are: they are found by `key_hash % partitions`, whatever the count. Cells,
//! markers and ledger rows are of partitions, and a partition of the same number now means other customers. So they are
//! written under an incarnation of their own, which nobody sees until the store is given it, in one row: views go from all
//! old partitions to all new ones, and owners of the old generation find a ledger that is not theirs.

use std::collections::BTreeMap;
use std::sync::Arc;

use sarafan_core::shard::Tenancy;
use sarafan_core::tenure::Entry;
use sarafan_core::{Batch, Definitions, Placement, Scope, Shard};
use sarafan_store::{self as tables, Generation, Store, Warehouse};

use crate::fault::Fault;

/// Writes cells, markers and ledger rows of all partitions of a generation that nothing was read of yet; the incarnation
/// that they count in. Nobody sees them before [`Store::set_incarnation`], and what an attempt that was broken off has
/// left is never seen. `step` is told which partition is done.
///
/// # Errors
/// What could not be read or written. It is safe to begin again.
pub async fn move_cells(
    store: &Store,
    definitions: &Definitions,
    generation: &Generation,
    mut step: impl FnMut(u16),
) -> Result<u64, Fault> {
    let definitions = Arc::new(definitions.clone());
    let incarnation = getrandom::u64().map_err(Fault::Random)?.max(1);
    // Higher than any: whoever collects lower terms on his last day must not meet these.
    let ledger = store.read_ledger(definitions.epoch).await?;
    let term = ledger.iter().map(|entry| entry.term).max().unwrap_or(0) + 1;
    for partition in (0..generation.partitions).filter_map(|number| u16::try_from(number).ok()) {
        let owner = getrandom::u64().map_err(Fault::Random)?.max(1);
        let tenancy = Tenancy { term, owner, incarnation };
        let placement = Placement {
            epoch: definitions.epoch,
            generation: generation.generation,
            partition,
            partitions: generation.partitions,
        };
        let entry = move_partition(store, &definitions, placement, &tenancy).await?;
        store.write_ledger(definitions.epoch, &[entry]).await?;
        step(partition);
    }
    Ok(incarnation)
}

async fn move_partition(
    store: &Store,
    definitions: &Arc<Definitions>,
    placement: Placement,
    tenancy: &Tenancy,
) -> Result<Entry, Fault> {
    let Placement { epoch, partition, partitions, .. } = placement;
    let scope = tables::Scope { epoch, partitions: vec![partition], partition_count: partitions };
    let mut shard = Shard::new(Arc::clone(definitions), placement);
    let mut outcome = Ok(());
    let mut highest: BTreeMap<u16, BTreeMap<String, u64>> = store
        .read_entities(&scope, |subject, _, table| {
            if outcome.is_ok() {
                outcome = shard.restore(subject, &table);
            }
        })
        .await?;
    outcome.map_err(|error| Fault::Shard { partition, error })?;
    shard.resume(0, 0);
    let Batch { details, entities, derived, rollups, entities_held, .. } =
        shard.flush(tenancy, Scope::EveryCell);
    for table in [details, entities, derived, rollups, shard.markers(tenancy)].into_iter().flatten() {
        if let Some(block) = store.prepare(table)? {
            store.insert_block(&block).await?;
        }
    }
    let highest = highest.remove(&partition).unwrap_or_default();
    Ok(Entry::of_new_generation(placement, tenancy, entities_held, &highest))
}

//! What tables and topic hold of partitions, without reading the rows back.

use std::collections::BTreeMap;

use sarafan_core::table::TableSpec;
use sarafan_core::tenure::{Entry, Surroundings};
use sarafan_core::{rows, version};
use sarafan_store::{Scope, Warehouse};
use sarafan_stream::PartitionEnds;

use crate::fault::Fault;
use crate::log::Log;

/// The ledger row that each partition would go on from.
pub(crate) type Bases = BTreeMap<u16, Option<Entry>>;

/// Where to look.
pub(crate) struct Place<'a, W, L> {
    pub(crate) store: &'a W,
    pub(crate) log: &'a L,
    /// The generation of the topic.
    pub(crate) generation: u16,
    pub(crate) scope: Scope,
}

impl<W: Warehouse, L: Log> Place<'_, W, L> {
    /// What tables and topic hold of each partition. The topic is looked at last: owners that live on write rows of what
    /// is in it. `step` is told what is being looked at.
    pub(crate) async fn look(
        &self,
        bases: &Bases,
        mut step: impl FnMut(&str),
    ) -> Result<BTreeMap<u16, Surroundings>, Fault> {
        let limits = bases.iter().map(|(part, base)| (*part, version(self.generation, position(base))));
        step("entities");
        let counts = self.store.entities_up_to(&self.scope, &limits.collect()).await?;
        let mut heights = BTreeMap::new();
        for table in rows::versioned() {
            step(table.name);
            for height in self.store.heights(&self.scope, table).await? {
                heights.insert((height.partition, table.name), height);
            }
        }
        step("topic");
        let ends = self.log.ends().await?;
        let records = self.records_before(bases, &ends).await?;
        let surroundings = |partition: &u16| {
            let ends = ends.get(usize::from(*partition))?;
            let height = |table: &TableSpec| heights.get(&(*partition, table.name));
            let entities = rows::folded().filter_map(rows::entity_table).filter_map(|t| height(t));
            let found = Surroundings {
                entities: entities.map(|height| height.rows).sum(),
                entities_at_base: counts.get(partition).copied().unwrap_or(0),
                highest: rows::versioned()
                    .map(|t| (t.name.to_owned(), height(t).map_or(0, |h| h.highest)))
                    .collect(),
                low: ends.low.cast_unsigned(),
                high: ends.high.cast_unsigned(),
                committed: None,
                highest_copied: 0,
                record_before: records.get(partition).copied(),
            };
            Some((*partition, found))
        };
        Ok(bases.keys().filter_map(surroundings).collect())
    }

    /// Fingerprints of the records before the ledger's positions, where the topic still holds them.
    async fn records_before(
        &self,
        bases: &Bases,
        ends: &[PartitionEnds],
    ) -> Result<BTreeMap<u16, u64>, Fault> {
        let before = |(partition, base): (&u16, &Option<Entry>)| {
            let ends = ends.get(usize::from(*partition))?;
            let offset = position(base).checked_sub(1)?;
            let held = (ends.low..ends.high).contains(&offset.cast_signed());
            held.then_some((*partition, offset))
        };
        let offsets: BTreeMap<u16, u64> = bases.iter().filter_map(before).collect();
        if offsets.is_empty() {
            return Ok(BTreeMap::new());
        }
        Ok(self.log.fingerprints(offsets).await?)
    }
}

fn position(base: &Option<Entry>) -> u64 {
    base.as_ref().map_or(0, |base| base.position)
}

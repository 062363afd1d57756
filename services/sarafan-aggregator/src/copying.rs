//! Copying: a candidate epoch begins with the entities of the live one (DESIGN 2, Epochs). They were read when the partition
//! was taken; here their rows are written under our epoch, with what follows for them by our definitions.
//!
//! It happens inside one flush, so that all rows say the same position, and before the first row of the ledger. Whoever
//! comes after a copy that was broken off finds nothing but a claim, and copies anew.

use std::collections::BTreeMap;

use sarafan_core::table::Table;
use sarafan_core::{Scope, rows};
use sarafan_store::{self as tables, Warehouse};
use sarafan_stream::FlushReason;

use crate::fault::Fault;
use crate::flushing::Built;
use crate::keeper::Keeper;
use crate::log::Log;
use crate::taking::Scanned;

/// Customers whose rows are held at once: some megabytes each, however many there are.
const AT_ONCE: usize = 20_000;

impl<W: Warehouse, L: Log> Keeper<W, L> {
    /// Writes what is to be copied as far as it may be written; the partition where it was given up, if it was.
    pub(crate) async fn copy_entities(&mut self, reason: FlushReason) -> Result<Option<u16>, Fault> {
        let due = self.held.iter().filter(|(_, held)| {
            held.to_copy && held.tenure.may_write(held.shard.version_of(held.shard.position()))
        });
        let due: Vec<u16> = due.map(|(partition, _)| *partition).collect();
        for partition in due {
            if !self.copy_partition(partition, reason).await? {
                return Ok(Some(partition));
            }
        }
        Ok(None)
    }

    /// How high the rows reach, per partition, that copies which were broken off have written under our epoch.
    pub(crate) async fn earlier_copies(&self, partitions: &[u16]) -> Result<BTreeMap<u16, u64>, Fault> {
        let (epoch, partition_count) = (self.definitions.epoch, self.partitions);
        let scope = tables::Scope { epoch, partitions: partitions.to_vec(), partition_count };
        let mut highest = BTreeMap::new();
        for table in rows::versioned() {
            for height in self.patiently(self.persist(|| self.store.heights(&scope, table))).await? {
                let found: &mut u64 = highest.entry(height.partition).or_default();
                *found = height.highest.max(*found);
            }
        }
        Ok(highest)
    }

    /// Reads from the details what the entities that were read lack. Details have no version: until all that the topic
    /// holds by now is applied, nothing is written.
    pub(crate) async fn fill_in(&self, copied: &mut BTreeMap<u16, Scanned>) -> Result<(), Fault> {
        if self.filled_in.is_empty() || copied.is_empty() {
            return Ok(());
        }
        let (epoch, partition_count) = (self.definitions.epoch, self.partitions);
        let scope = tables::Scope { epoch, partitions: copied.keys().copied().collect(), partition_count };
        let read = self.persist(|| async {
            let mut found: Vec<(u16, Table)> = Vec::new();
            self.store
                .read_fields(&scope, &self.filled_in, |partition, part| found.push((partition, part)))
                .await?;
            Ok(found)
        });
        for (partition, part) in self.patiently(read).await? {
            if let Some(found) = copied.get_mut(&partition) {
                found.shard.restore_details(&part).map_err(|error| Fault::Shard { partition, error })?;
            }
        }
        let ends = self.log.ends().await?;
        for (partition, found) in copied {
            let end = ends.get(usize::from(*partition)).map_or(0, |ends| ends.high.cast_unsigned());
            found.highest_copied = found.shard.version_of(end).max(found.highest_copied);
        }
        Ok(())
    }

    async fn copy_partition(&mut self, partition: u16, reason: FlushReason) -> Result<bool, Fault> {
        let Some(held) = self.held.get_mut(&partition) else { return Ok(true) };
        held.unacknowledged = true;
        let keys = held.shard.keys();
        tracing::info!(partition, customers = keys.len(), "entities are copied from the live epoch");
        for keys in keys.chunks(AT_ONCE) {
            let Some(held) = self.held.get_mut(&partition) else { return Ok(true) };
            held.shard.mark_dirty(keys);
            let built = Built::of(held.shard.flush(held.tenure.tenancy(), Scope::Changes));
            held.copied.extend(&built.written);
            if !self.write_batches(&mut BTreeMap::from([(partition, built)]), reason).await? {
                return Ok(false);
            }
            self.pulse.beat();
        }
        if let Some(held) = self.held.get_mut(&partition) {
            held.to_copy = false;
        }
        Ok(true)
    }
}

//! Partitions that are refused: what was read of them does not add up (DESIGN 2.6). The others go on; these stay with this
//! process, paused, are shown, and are looked at again every so often. A replica that lags heals by itself; whoever follows
//! the way out that the refusal names need not restart anything.

use sarafan_core::tenure::{Claim, Refusal};
use sarafan_store::{Scope, Warehouse};
use sarafan_stream::AssignedPartition;

use crate::fault::Fault;
use crate::keeper::Keeper;
use crate::log::{Log, number};
use crate::looking::{Bases, Place};

impl<W: Warehouse, L: Log> Keeper<W, L> {
    /// Refuses a partition, or says anew why it is refused.
    pub(crate) fn refuse(&mut self, partition: u16, refusal: Refusal) {
        tracing::error!(partition, reason = refusal.kind(), "partition {partition} is refused: {refusal}");
        self.no_longer_refused(partition);
        self.metrics.refused.with_label_values(&[&partition.to_string(), refusal.kind()]).set(1);
        self.refused.insert(partition, refusal);
    }

    /// A partition was taken, or is another's.
    pub(crate) fn no_longer_refused(&mut self, partition: u16) {
        if let Some(refusal) = self.refused.remove(&partition) {
            // It was set when the partition was refused.
            let _ = self.metrics.refused.remove_label_values(&[&partition.to_string(), refusal.kind()]);
        }
    }

    /// Those of `parts` that are not known to be refused again. A look costs a fraction of a restore, for which all other
    /// partitions wait, and writes no claim.
    pub(crate) async fn worth_taking(
        &mut self,
        parts: &[AssignedPartition],
    ) -> Result<Vec<AssignedPartition>, Fault> {
        let is_refused =
            |part: &&AssignedPartition| self.refused.contains_key(&number(part.partition.partition));
        let (refused, mut worth): (Vec<_>, Vec<_>) = parts.iter().partition(is_refused);
        if refused.is_empty() {
            return Ok(parts.to_vec());
        }
        match self.patiently(self.look_again(&refused)).await {
            Ok(outcomes) => {
                for (part, outcome) in refused.into_iter().zip(outcomes) {
                    match outcome {
                        Ok(()) => worth.push(part),
                        Err(refusal) => self.refuse(number(part.partition.partition), refusal),
                    }
                }
            }
            // What could not be looked at is as it was.
            Err(error @ Fault::Stream(_)) => {
                tracing::warn!(%error, "refused partitions could not be looked at")
            }
            Err(Fault::Store(error)) if error.is_transient() => {
                tracing::warn!(%error, "refused partitions could not be looked at");
            }
            Err(error) => return Err(error),
        }
        Ok(worth.into_iter().cloned().collect())
    }

    /// Whether each of these partitions would be admitted now.
    async fn look_again(&self, parts: &[&AssignedPartition]) -> Result<Vec<Result<(), Refusal>>, Fault> {
        self.store.sync_replicas().await?;
        let (ledger, incarnation) = self.read_ledger().await?;
        let partitions: Vec<u16> = parts.iter().map(|part| number(part.partition.partition)).collect();
        let claim = |partition: u16| Claim::on(&ledger, self.placement(partition), 0, incarnation);
        let bases: Bases = partitions.iter().map(|p| (*p, claim(*p).found())).collect();
        let scope = Scope { epoch: self.definitions.epoch, partitions, partition_count: self.partitions };
        let (store, log, generation) = (&self.store, &self.log, self.generation);
        let mut found = Place { store, log, generation, scope }.look(&bases, |_| {}).await?;
        let admit = |part: &&AssignedPartition| {
            let partition = number(part.partition.partition);
            let Some(mut found) = found.remove(&partition) else { return Ok(()) };
            found.committed = part.committed.map(i64::cast_unsigned);
            claim(partition).admit(&found, self.placement(partition)).map(|_| ())
        };
        Ok(parts.iter().map(admit).collect())
    }
}

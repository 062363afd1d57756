//! Collecting what earlier owners left: every taking of a partition writes all of its cells under a new term, and nobody
//! sees the old ones (DESIGN 2.5).

use sarafan_core::planted;
use sarafan_core::tenure::LiveTerm;
use sarafan_store::Warehouse;

use crate::keeper::{Held, Keeper};
use crate::log::Log;

impl<W: Warehouse, L: Log> Keeper<W, L> {
    /// Has the cells of earlier terms deleted where ours has been live for longer than the longest query takes. Not done
    /// is no harm: it is tried again when there is nothing else to do.
    pub(crate) async fn collect_old_terms(&mut self) {
        let due = |(partition, held): (&u16, &Held)| {
            let since = held.live_since.filter(|_| !held.collected)?;
            let tenancy = held.tenure.tenancy();
            (since.elapsed() >= self.collect_after).then_some(LiveTerm {
                partition: *partition,
                term: tenancy.term + u32::from(planted("planted::own_cells_collected")),
                owner: tenancy.owner,
            })
        };
        let live: Vec<LiveTerm> = self.held.iter().filter_map(due).collect();
        if live.is_empty() {
            return;
        }
        if let Err(error) = self.store.collect_terms(self.definitions.epoch, &live).await {
            tracing::warn!(%error, "old terms could not be collected; trying again later");
            return;
        }
        tracing::info!(partitions = live.len(), "old terms are being collected");
        for term in live {
            if let Some(held) = self.held.get_mut(&term.partition) {
                held.collected = true;
            }
        }
    }
}

//! Collecting the cells of terms that are over: no view shows them any more.

use sarafan_core::definitions::Epoch;
use sarafan_core::rollup::Rollup;
use sarafan_core::tenure::LiveTerm;

use crate::client::Store;
use crate::error::StoreError;

impl Store {
    /// Has ClickHouse delete, in the background, the cells of every term below a live one of the same partition.
    /// Call it only when the terms have been live for longer than the longest query takes: a query that began before
    /// may still read what is deleted here.
    ///
    /// # Errors
    /// Why it was not accepted. It is safe to ask again.
    pub async fn collect_terms(&self, epoch: Epoch, live: &[LiveTerm]) -> Result<(), StoreError> {
        if live.is_empty() {
            return Ok(());
        }
        let below = |t: &LiveTerm| {
            format!("(partition = {} AND (term, owner) < ({}, {}))", t.partition, t.term, t.owner)
        };
        let over = live.iter().map(below).collect::<Vec<_>>().join(" OR ");
        for rollup in Rollup::ALL {
            let name = rollup.spec().name;
            let sql =
                format!("ALTER TABLE {} DELETE WHERE epoch = {} AND ({over})", self.table(name), epoch.0);
            self.execute(&format!("collect old terms of {name}"), &sql).await?;
        }
        Ok(())
    }
}

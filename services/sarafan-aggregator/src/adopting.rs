//! Adopting a store that was restored from a backup: looks at tables and topic, has the core say from where each partition
//! is to be read again, and gives the store a new incarnation. Why that loses nothing stands in
//! [`sarafan_core::tenure::Restored`].
//!
//! Aggregators may be running: within a few seconds they see the new incarnation and take their partitions again. Until
//! then they write under the old one, which no view shows and no owner reads.

use std::sync::Arc;

use sarafan_core::definitions::{Definitions, Epoch};
use sarafan_core::tenure::{Adoption, Entry, Refusal, Restored, Surroundings, Trust};
use sarafan_core::{Placement, planted};
use sarafan_store::{Generation, Scope, Store, Warehouse};
use sarafan_stream::KafkaConfig;

use crate::checking::{check_epoch, check_topic};
use crate::fault::Fault;
use crate::log::{KafkaLog, Log};
use crate::looking::{Bases, Place};

/// What is to become of each partition. Nothing is changed before [`Plan::carry_out`].
#[derive(Debug, Clone)]
pub struct Plan {
    epoch: Epoch,
    /// The incarnation that was found.
    pub found: u64,
    /// The one that the store is to have.
    pub incarnation: u64,
    /// Every partition of the topic, in their order.
    pub partitions: Vec<Prospect>,
}

/// One partition: what was found of it, and what follows.
#[derive(Debug, Clone)]
pub struct Prospect {
    /// The partition.
    pub partition: u16,
    /// The ledger row that it would go on from, if the ledger knows it.
    pub base: Option<Entry>,
    /// What tables and topic hold.
    pub found: Surroundings,
    /// The ledger row to write, or why the partition cannot be adopted.
    pub outcome: Result<Adoption, Refusal>,
}

/// What is to be adopted.
#[derive(Debug, Clone, Copy)]
pub struct Site {
    /// The epoch that views show.
    pub epoch: Epoch,
    /// The generation of the canonical topic.
    pub generation: u16,
    /// Its partitions.
    pub partitions: u32,
    /// Whether there was an earlier topic, which holds what came before.
    pub has_earlier: bool,
}

impl Plan {
    /// Looks at everything. `step` is told what is being looked at.
    ///
    /// # Errors
    /// When the configuration is not that of the store ([`check_epoch`], [`check_topic`]), or something did not answer.
    pub async fn make(
        store: &Store,
        kafka: &KafkaConfig,
        topic: &str,
        definitions: &Definitions,
        trust: Trust,
        mut step: impl FnMut(&str),
    ) -> Result<Self, Fault> {
        step("epoch, topic and ledger");
        store.check_state().await?;
        store.sync_replicas().await?;
        check_epoch(store, definitions.epoch).await?;
        let generation = check_topic(store, kafka, topic).await?;
        let Generation { generation, partitions, .. } = generation;
        let has_earlier = generation > 0;
        let site = Site { epoch: definitions.epoch, generation, partitions, has_earlier };
        let log = KafkaLog { kafka: kafka.clone(), topic: Arc::from(topic) };
        let incarnation = getrandom::u64().map_err(Fault::Random)?.max(1);
        Self::look(store, &log, site, trust, incarnation, step).await
    }

    /// Looks at tables and topic. The store is to have `incarnation`, which it never had.
    ///
    /// # Errors
    /// When something did not answer.
    pub async fn look<W: Warehouse, L: Log>(
        store: &W,
        log: &L,
        site: Site,
        trust: Trust,
        incarnation: u64,
        step: impl FnMut(&str),
    ) -> Result<Self, Fault> {
        let Site { epoch, generation, partitions: partition_count, has_earlier } = site;
        let partitions: Vec<u16> = (0..partition_count).filter_map(|p| u16::try_from(p).ok()).collect();
        let found = store.incarnation().await?;
        let incarnation = if planted("planted::adopted_as_it_was") { found } else { incarnation };
        let ledger = store.read_ledger(epoch).await?;
        let restored = |partition: u16| Restored {
            ledger: &ledger,
            incarnation: found,
            placement: Placement { epoch, generation, partition, partitions: partition_count },
            has_earlier,
        };
        let bases: Bases = partitions.iter().map(|p| (*p, restored(*p).base())).collect();
        let scope = Scope { epoch, partitions, partition_count };
        let place = Place { store, log, generation, scope };
        let mut surroundings = place.look(&bases, step).await?;
        let prospect = |(partition, base): (u16, Option<Entry>)| {
            let found = surroundings.remove(&partition)?;
            let outcome = restored(partition).adopt(&found, trust, incarnation);
            Some(Prospect { partition, base, found, outcome })
        };
        let partitions = bases.into_iter().filter_map(prospect).collect();
        Ok(Self { epoch, found, incarnation, partitions })
    }

    /// Partitions that cannot be adopted, and why.
    pub fn refused(&self) -> impl Iterator<Item = (u16, &Refusal)> {
        self.partitions.iter().filter_map(|p| Some((p.partition, p.outcome.as_ref().err()?)))
    }

    /// The ledger rows to write.
    ///
    /// # Errors
    /// The first partition that cannot be adopted.
    pub fn entries(&self) -> Result<Vec<Entry>, Fault> {
        if let Some((partition, refusal)) = self.refused().next() {
            return Err(Fault::Refused { partition, refusal: refusal.clone() });
        }
        let adopted = self.partitions.iter().filter_map(|p| p.outcome.as_ref().ok());
        Ok(adopted.map(|adoption| adoption.entry.clone()).collect())
    }

    /// Writes the ledger rows, then makes the new incarnation the one that counts: from that moment on views are empty
    /// until owners have taken the partitions again. A ledger row counts for nobody before; run again after a crash in
    /// between.
    ///
    /// # Errors
    /// The first partition that cannot be adopted, before anything is written; else why a row was not acknowledged.
    pub async fn carry_out(&self, store: &Store) -> Result<(), Fault> {
        store.write_ledger(self.epoch, &self.entries()?).await?;
        Ok(store.set_incarnation(self.incarnation).await?)
    }
}

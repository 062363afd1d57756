//! Adopting a store that was restored from a backup: looks at tables and topic, has the core say from where each partition
//! is to be read again, and gives the store a new incarnation. Why that loses nothing stands in
//! [`sarafan_core::tenure::Restored`].
//!
//! Aggregators may be running: within a few seconds they see the new incarnation and take their partitions again. Until
//! then they write under the old one, which no view shows and no owner reads.

use std::collections::BTreeMap;

use sarafan_core::Placement;
use sarafan_core::definitions::{Definitions, Epoch};
use sarafan_core::rows;
use sarafan_core::table::TableSpec;
use sarafan_core::tenure::{Adoption, Entry, Refusal, Restored, Surroundings, Trust};
use sarafan_store::{Scope, Store};
use sarafan_stream::{Admin, KafkaConfig, PartitionEnds, StreamError, TopicReader};

use crate::checking::{check_epoch, check_topic};
use crate::fault::Fault;
use crate::keeper::{fingerprint, number};

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

/// The ledger row that each partition would go on from.
type Bases = BTreeMap<u16, Option<Entry>>;

/// Where the store is and what it is about.
struct Place<'a> {
    store: &'a Store,
    kafka: &'a KafkaConfig,
    topic: &'a str,
    scope: Scope,
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
        let partitions: Vec<u16> = (0..generation.partitions).filter_map(|p| u16::try_from(p).ok()).collect();
        let found = store.incarnation().await?;
        let ledger = store.read_ledger(definitions.epoch).await?;
        let restored = |partition: u16| Restored {
            ledger: &ledger,
            incarnation: found,
            placement: Placement {
                epoch: definitions.epoch,
                generation: generation.generation,
                partition,
                partitions: generation.partitions,
            },
        };
        let bases: Bases = partitions.iter().map(|p| (*p, restored(*p).base())).collect();
        let scope = Scope { epoch: definitions.epoch, partitions, partition_count: generation.partitions };
        let place = Place { store, kafka, topic, scope };
        let surroundings = place.look(&bases, u64::from(generation.generation), &mut step).await?;
        let incarnation = getrandom::u64().map_err(Fault::Random)?.max(1);
        let prospects = bases.into_iter().zip(surroundings).map(|((partition, base), found)| Prospect {
            partition,
            outcome: restored(partition).adopt(&found, trust, incarnation),
            base,
            found,
        });
        Ok(Self { epoch: definitions.epoch, found, incarnation, partitions: prospects.collect() })
    }

    /// Partitions that cannot be adopted, and why.
    pub fn refused(&self) -> impl Iterator<Item = (u16, &Refusal)> {
        self.partitions.iter().filter_map(|p| Some((p.partition, p.outcome.as_ref().err()?)))
    }

    /// Writes the ledger rows, then makes the new incarnation the one that counts: from that moment on views are empty
    /// until owners have taken the partitions again. A ledger row counts for nobody before; run again after a crash in
    /// between.
    ///
    /// # Errors
    /// The first partition that cannot be adopted, before anything is written; else why a row was not acknowledged.
    pub async fn carry_out(&self, store: &Store) -> Result<(), Fault> {
        if let Some((partition, refusal)) = self.refused().next() {
            return Err(Fault::Refused { partition, refusal: refusal.clone() });
        }
        let adopted = self.partitions.iter().filter_map(|p| p.outcome.as_ref().ok());
        let entries: Vec<Entry> = adopted.map(|adoption| adoption.entry.clone()).collect();
        store.write_ledger(self.epoch, &entries).await?;
        Ok(store.set_incarnation(self.incarnation).await?)
    }
}

impl Place<'_> {
    /// What tables and topic hold of each partition, in their order. The topic is looked at last: owners that live on
    /// write rows of what is in it.
    async fn look(
        &self,
        bases: &Bases,
        generation: u64,
        step: &mut impl FnMut(&str),
    ) -> Result<Vec<Surroundings>, Fault> {
        let limits = bases.iter().map(|(partition, base)| (*partition, generation << 48 | position(base)));
        step("entities");
        let counts = self.store.entities_up_to(&self.scope, &limits.collect()).await?;
        let mut heights = BTreeMap::new();
        for table in tables() {
            step(table.name);
            for height in self.store.heights(&self.scope, table).await? {
                heights.insert((height.partition, table.name), height);
            }
        }
        step("topic");
        let ends = self.ends().await?;
        let records = self.records_before(bases, &ends).await?;
        let surroundings = bases.keys().zip(ends).map(|(partition, ends)| {
            let height = |table: &TableSpec| heights.get(&(*partition, table.name));
            let entities =
                rows::folded().filter_map(rows::entity_table).filter_map(|t| height(t)).map(|h| h.rows);
            Surroundings {
                entities: entities.sum(),
                entities_at_base: counts.get(partition).copied().unwrap_or(0),
                highest: tables().map(|t| (t.name.to_owned(), height(t).map_or(0, |h| h.highest))).collect(),
                low: ends.low.cast_unsigned(),
                high: ends.high.cast_unsigned(),
                committed: None,
                record_before: records.get(partition).copied(),
            }
        });
        Ok(surroundings.collect())
    }

    async fn ends(&self) -> Result<Vec<PartitionEnds>, Fault> {
        let described = Admin::open(self.kafka)?.describe(self.topic).await?;
        let described =
            described.ok_or_else(|| StreamError::UnknownTopic { topic: self.topic.to_owned() })?;
        Ok(described.partitions)
    }

    /// Fingerprints of the records before the ledger's positions, where the topic still holds them.
    async fn records_before(
        &self,
        bases: &Bases,
        ends: &[PartitionEnds],
    ) -> Result<BTreeMap<u16, u64>, Fault> {
        let before = |((partition, base), ends): ((&u16, &Option<Entry>), &PartitionEnds)| {
            let offset = position(base).cast_signed() - 1;
            (ends.low..ends.high).contains(&offset).then_some((i32::from(*partition), offset))
        };
        let offsets: BTreeMap<i32, i64> = bases.iter().zip(ends).filter_map(before).collect();
        if offsets.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (kafka, topic, wanted) = (self.kafka.clone(), self.topic.to_owned(), offsets.clone());
        let read =
            tokio::task::spawn_blocking(move || TopicReader::first_records(&kafka, &topic, wanted)).await;
        let records = read.map_err(|_| StreamError::ThreadEnded)??;
        // An offset without a record is a marker: it tells nothing.
        let exact = records.into_iter().filter(|(partition, r)| offsets.get(partition) == Some(&r.offset));
        Ok(exact.map(|(partition, r)| (number(partition), fingerprint(&r.as_record()))).collect())
    }
}

fn position(base: &Option<Entry>) -> u64 {
    base.as_ref().map_or(0, |base| base.position)
}

/// The tables whose heights the ledger knows.
fn tables() -> impl Iterator<Item = &'static TableSpec> {
    let entities = rows::folded().filter_map(rows::entity_table).map(AsRef::as_ref);
    entities.chain([rows::CUSTOMER_FIGURES.as_ref(), rows::CUSTOMER_MONEY.as_ref()])
}

//! The keeper of partitions: one `Shard` and one term for each that this process owns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use sarafan_core::tenure::{Entry, Refusal, Tenure};
use sarafan_core::vocabulary::Instant;
use sarafan_core::{Definitions, Epoch, Event, Shard, planted};
use sarafan_runtime::health::Condition;
use sarafan_store::{Backoff, Block, Outcome, StoreError, Warehouse, repeat};
use sarafan_stream::{
    AssignedPartition, FlushOutcome, FlushReason, Handler, Position, Pulse, Record, RevokePending, Revoked,
    TopicPartition, fail_point,
};
use tokio::time;

use crate::chance::Chance;
use crate::config::ExportedFigures;
use crate::fail_points;
use crate::fault::Fault;
use crate::log::{Log, fingerprint, number};
use crate::metrics::{Instruments, Metrics};
use crate::publishing::Publisher;
use crate::waiting::Waiting;

/// A partition that is held.
pub(crate) struct Held {
    pub(crate) shard: Shard,
    pub(crate) tenure: Tenure,
    /// Whether all cells were written under this term.
    pub(crate) cells_written: bool,
    /// When the term went live.
    pub(crate) live_since: Option<time::Instant>,
    /// Whether the cells of earlier terms were collected.
    pub(crate) collected: bool,
    /// Position of the last ledger row.
    pub(crate) recorded: u64,
    /// Fingerprint of the last record that was applied; 0 for none.
    pub(crate) last_record: u64,
    /// Whether its entities are those of another epoch and are still to be written under ours.
    pub(crate) to_copy: bool,
    /// Tables that they were written to, with the version that they have there, until the ledger says so.
    pub(crate) copied: BTreeMap<&'static str, u64>,
    /// Records below this position were applied by an earlier owner.
    pub(crate) replay_until: u64,
    /// Whether a batch of it was built and is not acknowledged.
    pub(crate) unacknowledged: bool,
    /// Records that views do not show yet.
    pub(crate) waiting: Waiting,
}

/// What a keeper is told.
#[derive(Debug, Clone)]
pub struct KeeperSettings {
    /// What the figures mean; their epoch is that of all rows.
    pub definitions: Arc<Definitions>,
    /// The live epoch, whose entities a candidate begins with.
    pub copied_from: Option<Epoch>,
    /// What these entities lack of what the definitions read, as details name it.
    pub filled_in: BTreeSet<String>,
    /// The canonical topic.
    pub topic: Arc<str>,
    /// Its generation.
    pub generation: u16,
    /// How many partitions it has.
    pub partitions: u32,
    /// Which figures are exported.
    pub figures: ExportedFigures,
    /// Waits between attempts.
    pub backoff: Backoff,
    /// How long a term must be live before earlier ones are collected.
    pub collect_after: Duration,
}

/// Whom a keeper talks to.
#[derive(Debug, Clone)]
pub struct Ports<W, L, C> {
    /// The tables.
    pub warehouse: W,
    /// The canonical topic, beside its records.
    pub log: L,
    /// Owner ids and spread waits.
    pub chance: C,
}

/// What shows how a keeper fares.
#[derive(Clone)]
pub struct Signs {
    /// Its metrics.
    pub instruments: Instruments,
    /// Whether it serves.
    pub ready: Condition,
    /// Beats with every answer of ClickHouse, for loading and flushing keep the loop waiting.
    pub pulse: Pulse,
}

/// Holds the partitions of this process: the handler that `sarafan_stream::run` feeds.
pub struct Keeper<W, L> {
    pub(crate) store: W,
    pub(crate) log: L,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) definitions: Arc<Definitions>,
    /// The live epoch, whose entities a candidate begins with.
    pub(crate) copied_from: Option<Epoch>,
    /// What these entities lack, as details name it.
    pub(crate) filled_in: BTreeSet<String>,
    pub(crate) topic: Arc<str>,
    pub(crate) generation: u16,
    pub(crate) partitions: u32,
    pub(crate) held: BTreeMap<u16, Held>,
    /// Partitions that are ours and cannot be held, and why.
    pub(crate) refused: BTreeMap<u16, Refusal>,
    pub(crate) revoke: RevokePending,
    pub(crate) metrics: Metrics,
    pub(crate) publisher: Publisher,
    pub(crate) ready: Condition,
    pub(crate) pulse: Pulse,
    pub(crate) backoff: Backoff,
    pub(crate) collect_after: Duration,
}

impl<W: Warehouse, L: Log> Keeper<W, L> {
    /// A keeper that holds nothing yet. `revoke` is the flag of the consumer that it is to be run with.
    pub fn new<C: Chance + 'static>(
        settings: KeeperSettings,
        ports: Ports<W, L, C>,
        revoke: RevokePending,
        signs: Signs,
    ) -> Self {
        let KeeperSettings { definitions, copied_from, filled_in, topic, generation, .. } = settings;
        let KeeperSettings { partitions, figures, backoff, collect_after, .. } = settings;
        let Instruments { metrics, board } = signs.instruments;
        Self {
            store: ports.warehouse,
            log: ports.log,
            chance: Arc::new(ports.chance),
            definitions,
            copied_from,
            filled_in,
            topic,
            generation,
            partitions,
            held: BTreeMap::new(),
            refused: BTreeMap::new(),
            revoke,
            metrics,
            publisher: Publisher::new(board, figures.outlook(), figures.segments),
            ready: signs.ready,
            pulse: signs.pulse,
            backoff,
            collect_after,
        }
    }

    /// The ledger of this epoch, and the incarnation of the store.
    pub(crate) async fn read_ledger(&self) -> Result<(Vec<Entry>, u64), StoreError> {
        let incarnation = self.store.incarnation().await?;
        Ok((self.store.read_ledger(self.definitions.epoch).await?, incarnation))
    }

    /// Does something until ClickHouse has acknowledged it.
    pub(crate) async fn persist<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        attempt: impl FnMut() -> F,
    ) -> Result<T, StoreError> {
        let (spread, never) = (|| self.chance.spread(), std::future::pending());
        match repeat(&self.backoff, spread, never, |n, e| self.retried(n, e), attempt).await? {
            Outcome::Done(done) => {
                self.pulse.beat();
                Ok(done)
            }
            Outcome::Stopped => std::future::pending().await,
        }
    }

    /// Writes a block until it is acknowledged or `stop` comes; false if it came.
    pub(crate) async fn write(
        &self,
        block: &W::Block,
        stop: impl Future<Output = ()>,
    ) -> Result<bool, StoreError> {
        if planted("planted::past_a_failed_write") {
            let _ = self.store.insert_block(block).await;
            return Ok(true);
        }
        let (spread, failed) = (|| self.chance.spread(), |n, e: &StoreError| self.retried(n, e));
        let written = repeat(&self.backoff, spread, stop, failed, || self.store.insert_block(block)).await?;
        self.pulse.beat();
        let acknowledged = written == Outcome::Done(());
        if acknowledged {
            fail_point::pass(fail_points::BLOCK_INSERTED);
            self.metrics.rows.with_label_values(&[block.table()]).inc_by(block.rows() as u64);
        }
        Ok(acknowledged)
    }

    fn retried(&self, failed: u32, error: &StoreError) {
        self.pulse.beat();
        self.metrics.retries.with_label_values(&[error.class().name(), error.kind()]).inc();
        tracing::warn!(%error, failed, "ClickHouse, trying again");
    }

    pub(crate) fn name(&self, partition: u16) -> TopicPartition {
        TopicPartition::new(Arc::clone(&self.topic), i32::from(partition))
    }

    /// Forgets partitions: nothing may be written for them any more, nor shown.
    pub(crate) fn forget(&mut self, partitions: impl IntoIterator<Item = u16>) {
        let mut any = false;
        for partition in partitions {
            any |= self.held.remove(&partition).is_some();
            // Only partitions that were live have a gauge to remove.
            let _ = self.metrics.visible.remove_label_values(&[&partition.to_string()]);
        }
        if any {
            self.withdraw_figures();
        }
    }
}

impl<W: Warehouse, L: Log> Handler for Keeper<W, L> {
    type Error = Fault;

    async fn assigned(&mut self, parts: &[AssignedPartition]) -> Result<Vec<Position>, Fault> {
        self.take(parts).await
    }

    fn declines(&self, partition: &TopicPartition) -> bool {
        self.refused.contains_key(&number(partition.partition))
    }

    fn apply(&mut self, record: &Record<'_>) -> Result<(), Fault> {
        let partition = number(record.partition);
        let held = self.held.get_mut(&partition).ok_or(Fault::NotHeld { partition })?;
        let offset = record.offset.cast_unsigned();
        let mut event =
            sarafan_wire::decode(record.value.unwrap_or_default()).map_err(|error| Fault::Unreadable {
                topic: record.topic.to_owned(),
                partition: record.partition,
                offset: record.offset,
                error,
            })?;
        let received = arrived(&event, record);
        event.origin.received_at = received;
        held.shard.apply(&event, offset).map_err(|error| Fault::Shard { partition, error })?;
        if offset < held.replay_until {
            self.metrics.replayed.inc();
        } else if let Some(received) = received {
            held.waiting.add(&event.origin.source, received);
        }
        held.last_record = fingerprint(record);
        Ok(())
    }

    async fn flush(&mut self, reason: FlushReason) -> Result<FlushOutcome, Fault> {
        let outcome = self.flush_all(reason).await?;
        if reason == FlushReason::Idle {
            self.collect_old_terms().await;
        }
        self.publish();
        Ok(outcome)
    }

    async fn revoked(&mut self, parts: &[TopicPartition], _: Revoked) -> Result<(), Fault> {
        fail_point::pass(fail_points::REVOKE_RECORDED);
        self.forget(parts.iter().map(|part| number(part.partition)));
        parts.iter().for_each(|part| self.no_longer_refused(number(part.partition)));
        self.publish_standing();
        Ok(())
    }
}

/// When what a record says arrived: at its source's broker, or where that keeps its producers' times, on the canonical
/// topic. A producer's time is of any day; a delay since then is not ours.
fn arrived(event: &Event, record: &Record<'_>) -> Option<Instant> {
    let appended = || Some(Instant::from_micros(record.timestamp_ms?.saturating_mul(1_000)));
    event.origin.received_at.or_else(appended)
}

#[cfg(test)]
mod tests;

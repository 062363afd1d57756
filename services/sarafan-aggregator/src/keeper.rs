//! The keeper of partitions: one `Shard` and one term for each that this process owns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{self, Duration};

use sarafan_core::tenure::{Entry, Refusal, Tenure};
use sarafan_core::vocabulary::Instant;
use sarafan_core::{Definitions, Epoch, Event, Shard};
use sarafan_runtime::health::Condition;
use sarafan_store::{Backoff, Outcome, PreparedBlock, Store, StoreError, repeat};
use sarafan_stream::{
    AssignedPartition, FlushOutcome, FlushReason, Handler, KafkaConfig, Position, Pulse, Record,
    RevokePending, Revoked, TopicPartition, fail_point,
};

use xxhash_rust::xxh3::Xxh3;

use crate::fail_points;
use crate::fault::Fault;
use crate::metrics::Metrics;
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
    /// Tables that they were written to, until the ledger says so.
    pub(crate) copied: BTreeSet<&'static str>,
    /// Records below this position were applied by an earlier owner.
    pub(crate) replay_until: u64,
    /// Whether a batch of it was built and is not acknowledged.
    pub(crate) unacknowledged: bool,
    /// Records that views do not show yet.
    pub(crate) waiting: Waiting,
}

/// Holds the partitions of this process.
pub(crate) struct Keeper {
    pub(crate) store: Store,
    pub(crate) definitions: Arc<Definitions>,
    /// The live epoch, whose entities a candidate begins with.
    pub(crate) copied_from: Option<Epoch>,
    pub(crate) kafka: KafkaConfig,
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
    /// Beats with every answer of ClickHouse, for loading and flushing keep the loop waiting.
    pub(crate) pulse: Pulse,
    pub(crate) backoff: Backoff,
    /// How long a term must be live before earlier ones are collected.
    pub(crate) collect_after: Duration,
}

impl Keeper {
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
        match repeat(&self.backoff, std::future::pending(), |n, e| self.retried(n, e), attempt).await? {
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
        block: &PreparedBlock,
        stop: impl Future<Output = ()>,
    ) -> Result<bool, StoreError> {
        let written = self.store.write(block, &self.backoff, stop, |n, e| self.retried(n, e)).await?;
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

impl Handler for Keeper {
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

/// Tells records apart, and so logs: a topic that was recreated holds another at the same offset. Never 0. The ledger's
/// `last_record` is that of the record before its position.
pub fn fingerprint(record: &Record<'_>) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&record.timestamp_ms.unwrap_or_default().to_le_bytes());
    hash.update(record.key.unwrap_or_default());
    hash.update(record.value.unwrap_or_default());
    hash.digest().max(1)
}

/// Partitions of the canonical topic are registered as 16 bits; a topic with more is refused at the start.
pub(crate) fn number(partition: i32) -> u16 {
    u16::try_from(partition).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;

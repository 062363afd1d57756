//! The index of dead letters: what is known of each, so that analysts and `freshness` can count them. Their bytes stay in
//! the topic. Stateless and idempotent: a row is keyed by its place in the dead-letter topic.

use std::collections::BTreeMap;
use std::sync::Arc;

use sarafan_core::vocabulary::Instant;
use sarafan_store::{Backoff, DeadLetter, Outcome, PreparedBlock, Store};
use sarafan_stream::dead_letter;
use sarafan_stream::{
    AssignedPartition, FirstStart, FlushOutcome, FlushReason, Handler, Position, Pulse, Record, Revoked,
    StreamError, TopicPartition, start_position,
};
use thiserror::Error;

/// Why indexing stops.
#[derive(Debug, Error)]
pub(crate) enum IndexFault {
    #[error(transparent)]
    Store(#[from] sarafan_store::StoreError),
    #[error(transparent)]
    Stream(#[from] StreamError),
}

/// Writes a row for each dead letter.
pub(crate) struct Index {
    store: Store,
    pulse: Pulse,
    backoff: Backoff,
    letters: Vec<DeadLetter>,
    positions: BTreeMap<TopicPartition, i64>,
}

impl Index {
    pub(crate) fn new(store: Store, pulse: Pulse) -> Self {
        Self { store, pulse, backoff: Backoff::default(), letters: Vec::new(), positions: BTreeMap::new() }
    }
}

impl Handler for Index {
    type Error = IndexFault;

    async fn assigned(&mut self, parts: &[AssignedPartition]) -> Result<Vec<Position>, IndexFault> {
        parts.iter().map(|part| Ok(start_position(part, FirstStart::Earliest)?)).collect()
    }

    fn apply(&mut self, record: &Record<'_>) -> Result<(), IndexFault> {
        let text =
            |name: &str| String::from_utf8_lossy(record.headers.last(name).unwrap_or_default()).into_owned();
        let number = |name: &str| text(name).parse::<i64>().unwrap_or(-1);
        self.letters.push(DeadLetter {
            dlq_partition: record.partition,
            dlq_offset: record.offset,
            at: Instant::from_micros(record.timestamp_ms.unwrap_or_default().saturating_mul(1000)),
            source: text(dead_letter::CONNECTOR_NAME),
            topic: text(dead_letter::TOPIC),
            partition: i32::try_from(number(dead_letter::PARTITION)).unwrap_or(-1),
            offset: number(dead_letter::OFFSET),
            reason: text(dead_letter::REASON),
            stage: text(dead_letter::STAGE),
            message: text(dead_letter::EXCEPTION_MESSAGE),
        });
        let topic: Arc<str> = Arc::from(record.topic);
        self.positions.insert(TopicPartition::new(topic, record.partition), record.offset + 1);
        Ok(())
    }

    async fn flush(&mut self, _: FlushReason) -> Result<FlushOutcome, IndexFault> {
        if let Some(block) = PreparedBlock::new(&DeadLetter::table(&self.letters))? {
            let never = std::future::pending();
            // Rows that were written and not committed are written again, to the same keys.
            let Outcome::Done(()) =
                self.store.write(&block, &self.backoff, never, |_, _| self.pulse.beat()).await?
            else {
                return Ok(FlushOutcome::default());
            };
        }
        self.letters.clear();
        let commit =
            std::mem::take(&mut self.positions).into_iter().map(|(p, offset)| Position::new(p, offset));
        Ok(FlushOutcome { commit: commit.collect(), retake: Vec::new() })
    }

    async fn revoked(&mut self, parts: &[TopicPartition], _: Revoked) -> Result<(), IndexFault> {
        for part in parts {
            self.positions.remove(part);
        }
        Ok(())
    }
}

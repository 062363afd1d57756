//! The index of dead letters: what is known of each, so that analysts and `freshness` can count them. Their bytes stay in
//! the topic. Stateless and idempotent: a row is keyed by its place in the dead-letter topic.

use std::collections::BTreeMap;
use std::sync::Arc;

use sarafan_core::vocabulary::Instant;
use sarafan_store::{Backoff, DeadLetter, PreparedBlock, Store, StoreError};
use sarafan_stream::dead_letter;
use sarafan_stream::{
    AssignedPartition, FirstStart, FlushOutcome, FlushReason, Handler, KafkaConfig, Position, Pulse,
    ReadFrom, Record, Revoked, StreamError, TopicPartition, TopicReader, start_position,
};
use thiserror::Error;

use crate::fault::Fault;

/// Rows of a block when the whole topic is written again.
const ROWS: usize = 50_000;

/// Why indexing stops.
#[derive(Debug, Error)]
pub(crate) enum IndexFault {
    #[error(transparent)]
    Store(#[from] StoreError),
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
        self.letters.push(letter(record));
        let topic: Arc<str> = Arc::from(record.topic);
        self.positions.insert(TopicPartition::new(topic, record.partition), record.offset + 1);
        Ok(())
    }

    async fn flush(&mut self, _: FlushReason) -> Result<FlushOutcome, IndexFault> {
        write(&self.store, &self.letters, &self.backoff, || self.pulse.beat()).await?;
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

/// What is known of a dead letter.
fn letter(record: &Record<'_>) -> DeadLetter {
    let text =
        |name: &str| String::from_utf8_lossy(record.headers.last(name).unwrap_or_default()).into_owned();
    let number = |name: &str| text(name).parse::<i64>().unwrap_or(-1);
    DeadLetter {
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
    }
}

/// Writes the rows of all dead letters that the topic holds; says how many. A store that was set back lacks those since
/// its backup, and the index goes on where its group has committed: nobody else would write them. Rows that are there
/// are written to the same keys. Blocks while it reads.
///
/// # Errors
/// When the topic cannot be read, or a block was refused; it is safe to run again.
pub async fn index_again(store: &Store, kafka: &KafkaConfig, topic: &str) -> Result<u64, Fault> {
    let backoff = Backoff::default();
    let (mut letters, mut written) = (Vec::new(), 0);
    for record in TopicReader::open(kafka, topic, &ReadFrom::Beginning)? {
        letters.push(letter(&record?.as_record()));
        written += 1;
        if letters.len() == ROWS {
            write(store, &letters, &backoff, || {}).await?;
            letters.clear();
        }
    }
    write(store, &letters, &backoff, || {}).await?;
    Ok(written)
}

/// Until they are acknowledged: rows that were written before are written again, to the same keys.
async fn write(
    store: &Store,
    letters: &[DeadLetter],
    backoff: &Backoff,
    beat: impl Fn(),
) -> Result<(), StoreError> {
    if let Some(block) = PreparedBlock::new(&DeadLetter::table(letters))? {
        store.write(&block, backoff, std::future::pending(), |_, _| beat()).await?;
    }
    Ok(())
}

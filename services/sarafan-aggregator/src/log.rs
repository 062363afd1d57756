//! The port between the keeper and the canonical topic: what it asks beside being handed records.

use std::collections::BTreeMap;
use std::sync::Arc;

use sarafan_stream::{Admin, KafkaConfig, PartitionEnds, Record, StreamError, TopicReader};
use xxhash_rust::xxh3::Xxh3;

/// What the keeper asks of the canonical topic.
///
/// There are two: [`KafkaLog`], and the simulation's.
pub trait Log: Send + Sync {
    /// [`fingerprint`]s of the records at these offsets, by partition. Without one where the topic holds no record at the
    /// offset, but a marker or nothing.
    ///
    /// # Errors
    /// Why the topic could not be read.
    fn fingerprints(
        &self,
        offsets: BTreeMap<u16, u64>,
    ) -> impl Future<Output = Result<BTreeMap<u16, u64>, StreamError>> + Send;

    /// Both ends of each partition as they are now.
    ///
    /// # Errors
    /// Why the brokers did not say.
    fn ends(&self) -> impl Future<Output = Result<Vec<PartitionEnds>, StreamError>> + Send;
}

/// The topic in Kafka.
#[derive(Debug, Clone)]
pub struct KafkaLog {
    /// Where the brokers are.
    pub kafka: KafkaConfig,
    /// The canonical topic.
    pub topic: Arc<str>,
}

impl Log for KafkaLog {
    async fn fingerprints(&self, offsets: BTreeMap<u16, u64>) -> Result<BTreeMap<u16, u64>, StreamError> {
        let wanted: BTreeMap<i32, i64> =
            offsets.iter().map(|(partition, offset)| (i32::from(*partition), offset.cast_signed())).collect();
        let (kafka, topic) = (self.kafka.clone(), Arc::clone(&self.topic));
        let read =
            tokio::task::spawn_blocking(move || TopicReader::first_records(&kafka, &topic, wanted)).await;
        let records = read.map_err(|_| StreamError::ThreadEnded)??;
        let numbered = records.into_iter().map(|(partition, record)| (number(partition), record));
        // An offset without a record is a marker: it tells nothing.
        let exact =
            numbered.filter(|(partition, r)| offsets.get(partition) == Some(&r.offset.cast_unsigned()));
        Ok(exact.map(|(partition, r)| (partition, fingerprint(&r.as_record()))).collect())
    }

    async fn ends(&self) -> Result<Vec<PartitionEnds>, StreamError> {
        let described = Admin::open(&self.kafka)?.describe(&self.topic).await?;
        let unknown = || StreamError::UnknownTopic { topic: self.topic.to_string() };
        Ok(described.ok_or_else(unknown)?.partitions)
    }
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

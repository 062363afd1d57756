//! Reading what a topic holds, from given offsets to its end as of now: no group, no commit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, Timestamp};
use tracing::warn;

use crate::admin::{PartitionEnds, Quiet, describe};
use crate::client;
use crate::config::KafkaConfig;
use crate::error::StreamError;
use crate::group::offsets_list;
use crate::partition::TopicPartition;
use crate::poller::copy_headers;
use crate::record::{Headers, OwnedRecord, Record};

/// Without any record for this long, the brokers count as gone.
const STALL: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// Where reading begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReadFrom {
    /// At the oldest record of every partition.
    #[default]
    Beginning,
    /// At these offsets; partitions that are not named are read from their oldest record.
    Offsets(BTreeMap<i32, i64>),
    /// At these offsets, and no other partition at all.
    Only(BTreeMap<i32, i64>),
}

/// A blocking iterator over a topic's records, up to where each partition ended when it was opened. Records of one
/// partition come in order; partitions are mixed. After an error it ends.
pub struct TopicReader {
    consumer: BaseConsumer<Quiet>,
    topic: String,
    /// Per unfinished partition, the offset before which to stop.
    open: BTreeMap<i32, i64>,
}

impl TopicReader {
    /// Looks at the topic and begins to read. Blocks while it asks the brokers.
    ///
    /// # Errors
    ///
    /// [`StreamError::UnknownTopic`]; [`StreamError::OffsetOutOfRange`] if an offset to begin at is not in the topic;
    /// [`StreamError::Request`] if the brokers do not answer.
    pub fn open(kafka: &KafkaConfig, topic: &str, from: &ReadFrom) -> Result<Self, StreamError> {
        let consumer: BaseConsumer<Quiet> =
            client::reader(kafka)?.create_with_context(Quiet).map_err(StreamError::config)?;
        let info = describe(&consumer, topic)
            .map_err(StreamError::request(format!("asking about topic `{topic}`")))?
            .ok_or_else(|| StreamError::UnknownTopic { topic: topic.to_owned() })?;
        let mut begin = Vec::new();
        let mut open = BTreeMap::new();
        for (partition, PartitionEnds { low, high }) in (0..).zip(info.partitions) {
            let wanted = match from {
                ReadFrom::Beginning => low,
                ReadFrom::Offsets(offsets) => offsets.get(&partition).copied().unwrap_or(low),
                ReadFrom::Only(offsets) => match offsets.get(&partition) {
                    Some(offset) => *offset,
                    None => continue,
                },
            };
            let partition = TopicPartition::new(topic, partition);
            if wanted < low || wanted > high {
                return Err(StreamError::OffsetOutOfRange { partition, wanted, low, high });
            }
            if wanted < high {
                open.insert(partition.partition, high);
                begin.push((partition, wanted));
            }
        }
        if !begin.is_empty() {
            offsets_list(begin.iter().map(|(partition, offset)| (partition, Offset::Offset(*offset))))
                .and_then(|list| consumer.assign(&list))
                .map_err(StreamError::request(format!("reading topic `{topic}`")))?;
        }
        Ok(Self { consumer, topic: topic.to_owned(), open })
    }

    /// The first record at or after each of these offsets, by partition; partitions that hold none are not in it.
    /// Blocks while it reads.
    ///
    /// # Errors
    ///
    /// As [`TopicReader::open`], and if the brokers stop answering.
    pub fn first_records(
        kafka: &KafkaConfig,
        topic: &str,
        offsets: BTreeMap<i32, i64>,
    ) -> Result<BTreeMap<i32, OwnedRecord>, StreamError> {
        let mut reader = Self::open(kafka, topic, &ReadFrom::Only(offsets))?;
        let mut found = BTreeMap::new();
        while let Some(record) = reader.read()? {
            reader.finish(record.partition);
            found.entry(record.partition).or_insert(record);
        }
        Ok(found)
    }

    fn read(&mut self) -> Result<Option<OwnedRecord>, StreamError> {
        let mut last_sign = Instant::now();
        while !self.open.is_empty() {
            match self.consumer.poll(POLL) {
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition(), message.offset());
                    let record = to_owned_record(&message);
                    drop(message);
                    last_sign = Instant::now();
                    let Some(end) = self.open.get(&partition).copied() else { continue };
                    if offset + 1 >= end {
                        self.finish(partition);
                    }
                    if offset < end {
                        return Ok(Some(record));
                    }
                }
                // The records before the end may be markers that are never handed out.
                Some(Err(KafkaError::PartitionEOF(partition))) => self.finish(partition),
                Some(Err(error)) if is_final(&error) => return Err(self.failed(error)),
                Some(Err(error)) => warn!(%error, topic = self.topic, "kafka reader"),
                None if last_sign.elapsed() >= STALL => {
                    return Err(
                        self.failed(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut))
                    );
                }
                None => {}
            }
        }
        Ok(None)
    }

    /// The partition is read to its end: nothing more is to be fetched.
    fn finish(&mut self, partition: i32) {
        if self.open.remove(&partition).is_none() {
            return;
        }
        let done = TopicPartition::new(self.topic.as_str(), partition);
        let paused = offsets_list([(&done, Offset::Invalid)]).and_then(|list| self.consumer.pause(&list));
        if let Err(error) = paused {
            warn!(%error, partition = %done, "a partition that is read to its end could not be paused");
        }
    }

    fn failed(&self, error: KafkaError) -> StreamError {
        StreamError::request(format!("reading topic `{}`", self.topic))(error)
    }
}

impl Iterator for TopicReader {
    type Item = Result<OwnedRecord, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            self.open.clear();
        }
        read.transpose()
    }
}

fn is_final(error: &KafkaError) -> bool {
    matches!(
        error,
        KafkaError::MessageConsumptionFatal(_)
            | KafkaError::MessageConsumption(
                RDKafkaErrorCode::AutoOffsetReset
                    | RDKafkaErrorCode::UnknownTopicOrPartition
                    | RDKafkaErrorCode::UnknownPartition
                    | RDKafkaErrorCode::UnknownTopic
                    | RDKafkaErrorCode::TopicAuthorizationFailed
            )
    )
}

fn to_owned_record(message: &BorrowedMessage<'_>) -> OwnedRecord {
    let headers = copy_headers(message);
    Record {
        topic: message.topic(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis(),
        by_broker: matches!(message.timestamp(), Timestamp::LogAppendTime(_)),
        key: message.key(),
        value: message.payload(),
        headers: Headers::from_owned(&headers),
    }
    .into()
}

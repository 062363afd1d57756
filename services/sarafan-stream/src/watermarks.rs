//! The ends of the partitions that this process owns, for lag.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;

use crate::group::offsets_list;
use crate::partition::{AssignedPartition, TopicPartition};

/// How long one request for offsets may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The high watermarks of the owned partitions as last asked for (every `lag_interval_ms`), readable at any time and
/// from anywhere at the cost of a lock. Paused partitions are asked for too.
#[derive(Clone, Debug, Default)]
pub struct Watermarks(Arc<RwLock<HashMap<TopicPartition, i64>>>);

impl Watermarks {
    /// The offset after the newest record that may be read, if the partition is owned and was asked for.
    pub fn high(&self, partition: &TopicPartition) -> Option<i64> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(partition).copied()
    }

    /// How many offsets lie between `position` (the next offset to read) and the end; an upper bound of the records
    /// there, exact where the topic is neither compacted nor transactional.
    pub fn lag(&self, partition: &TopicPartition, position: i64) -> Option<i64> {
        self.high(partition).map(|high| (high - position).max(0))
    }

    pub(crate) fn update(&self, news: impl IntoIterator<Item = (TopicPartition, i64)>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).extend(news);
    }

    pub(crate) fn forget<'a>(&self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for partition in partitions {
            known.remove(partition);
        }
    }
}

/// What the brokers know of these partitions, in three requests whatever their number. Blocks.
pub(crate) fn describe<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &[TopicPartition],
) -> KafkaResult<Vec<AssignedPartition>> {
    let committed = consumer
        .committed_offsets(offsets_list(partitions.iter().map(|p| (p, Offset::Invalid)))?, REQUEST_TIMEOUT)?;
    let low = ends(consumer, partitions, Offset::Beginning)?;
    let high = ends(consumer, partitions, Offset::End)?;
    partitions
        .iter()
        .zip(low.into_iter().zip(high))
        .map(|(partition, (low, high))| {
            let committed = match committed.find_partition(&partition.topic, partition.partition) {
                Some(element) => {
                    element.error()?;
                    match element.offset() {
                        Offset::Offset(offset) => Some(offset),
                        _ => None,
                    }
                }
                None => None,
            };
            Ok(AssignedPartition { partition: partition.clone(), low, high, committed })
        })
        .collect()
}

/// The first (`Beginning`) or last (`End`) offsets of partitions, in their order, one request per broker. Blocks.
pub(crate) fn ends<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &[TopicPartition],
    which: Offset,
) -> KafkaResult<Vec<i64>> {
    let asked = offsets_list(partitions.iter().map(|partition| (partition, which)))?;
    let known = consumer.offsets_for_times(asked, REQUEST_TIMEOUT)?;
    partitions
        .iter()
        .map(|partition| {
            let missing =
                || rdkafka::error::KafkaError::OffsetFetch(rdkafka::types::RDKafkaErrorCode::NoOffset);
            let element = known.find_partition(&partition.topic, partition.partition).ok_or_else(missing)?;
            element.error()?;
            match element.offset() {
                Offset::Offset(offset) => Ok(offset),
                _ => Err(missing()),
            }
        })
        .collect()
}

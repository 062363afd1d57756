//! The ends of the partitions that this process owns, for lag.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use tokio::sync::oneshot::error::TryRecvError;
use tracing::warn;

use crate::group::offsets_list;
use crate::link::Answer;
use crate::metrics::StreamMetrics;
use crate::partition::{AssignedPartition, TopicPartition};

/// How long one request for offsets may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The high watermarks of the owned partitions as last asked for (every `lag_interval_ms`), at the cost of a lock. Paused
/// partitions are asked for too.
#[derive(Debug, Default)]
pub(crate) struct Watermarks(RwLock<HashMap<TopicPartition, End>>);

/// Where a partition ended, and when the brokers were asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) high: i64,
    pub(crate) asked_ms: i64,
}

impl Watermarks {
    /// Where the partition ended, if it is owned and was asked for.
    pub(crate) fn end(&self, partition: &TopicPartition) -> Option<End> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(partition).copied()
    }

    pub(crate) fn update(&self, asked_ms: i64, news: impl IntoIterator<Item = (TopicPartition, i64)>) {
        let news = news.into_iter().map(|(partition, high)| (partition, End { high, asked_ms }));
        self.0.write().unwrap_or_else(PoisonError::into_inner).extend(news);
    }

    pub(crate) fn forget<'a>(&self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for partition in partitions {
            known.remove(partition);
        }
    }
}

/// Ends that were asked for and are not known yet.
#[derive(Debug)]
pub(crate) struct AskedEnds {
    pub(crate) asked_ms: i64,
    pub(crate) partitions: Vec<TopicPartition>,
    pub(crate) answer: Answer<KafkaResult<Vec<i64>>>,
}

impl AskedEnds {
    /// Takes note of the answer if there is one. Gives itself back as long as there is none.
    pub(crate) fn take_note(mut self, known: &Watermarks, metrics: &StreamMetrics) -> Option<Self> {
        match self.answer.try_recv() {
            Err(TryRecvError::Empty) => return Some(self),
            Ok(Ok(highs)) => known.update(self.asked_ms, self.partitions.into_iter().zip(highs)),
            Ok(Err(error)) => {
                metrics.retries_offsets.inc();
                warn!(%error, "the ends of partitions could not be asked for; lag is older than it should be");
            }
            // Nobody polls any more: the loop hears of it elsewhere.
            Err(TryRecvError::Closed) => {}
        }
        None
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

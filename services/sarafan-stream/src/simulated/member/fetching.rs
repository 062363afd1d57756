//! How a member's client reads: where it is told to, and as far as there is room.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::mpsc::error::TrySendError;

use super::super::cluster::Brokers;
use super::super::log::Log;
use super::{Member, Stepped};
use crate::partition::{Generation, TopicPartition};

/// How many offsets a batch of the log spans.
const BATCH: i64 = 3;

impl Member {
    /// Brokers send whole batches: the first one may begin before the offset that was asked for.
    pub(super) fn start(&mut self, brokers: &Brokers, starts: Vec<(TopicPartition, Generation, i64)>) {
        for (partition, generation, offset) in starts {
            if self.end.ownership.lock().start(&partition, generation, offset) {
                let low = brokers.log(&partition).map_or(offset, Log::low);
                self.reading.insert(partition, (offset - offset % BATCH).max(low.min(offset)));
            }
        }
    }

    pub(super) fn hold(&mut self, partitions: &[(TopicPartition, Generation)]) {
        for (partition, generation) in partitions {
            if self.end.ownership.lock().is_current(partition, *generation) {
                self.reading.remove(partition);
            }
        }
    }

    /// Reads up to so many records, beginning with another partition every time.
    pub(super) fn fetch(&mut self, brokers: &Brokers, most: usize) -> Result<(), Stepped> {
        if self.reading.is_empty() || !self.batch.is_empty() {
            return Ok(());
        }
        let mut left = most;
        self.turn += 1;
        let first = self.turn % self.reading.len();
        let partitions: Vec<TopicPartition> = self.reading.keys().cloned().collect();
        for partition in partitions[first..].iter().chain(&partitions[..first]) {
            let Some(next) = self.reading.get_mut(partition) else { continue };
            let Some(log) = brokers.log(partition).filter(|log| (log.low()..=log.high()).contains(next))
            else {
                return Err(self.fail(
                    KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset),
                    "the next records were deleted from the topic before they were read: decide where to go on",
                ));
            };
            let mut ownership = self.end.ownership.lock();
            let mut at_end = true;
            for record in log.from(*next) {
                if left == 0 {
                    at_end = false;
                    break;
                }
                left -= 1;
                *next = record.offset + 1;
                if let Some((generation, topic)) =
                    ownership.admit(&partition.topic, partition.partition, record.offset)
                {
                    self.batch.push(generation, topic, &record.as_record());
                }
            }
            if at_end && left > 0 {
                *next = log.high();
                if let Some((generation, topic)) =
                    ownership.pass(&partition.topic, partition.partition, *next)
                {
                    self.batch.pass(generation, topic, partition.partition, *next);
                }
            }
        }
        Ok(())
    }

    pub(super) fn hand_over(&mut self) -> Stepped {
        if self.batch.is_empty() {
            return Stepped::Idle;
        }
        match self.end.records.try_send(std::mem::take(&mut self.batch)) {
            Ok(()) => Stepped::HandedOver,
            Err(TrySendError::Full(batch)) => {
                self.batch = batch;
                Stepped::Full
            }
            Err(TrySendError::Closed(_)) => {
                self.owner_gone = true;
                Stepped::Idle
            }
        }
    }
}

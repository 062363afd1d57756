//! How far the handler is behind the ends of the partitions that it is fed from.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::tally::Tally;
use crate::consumer::Consumer;
use crate::partition::TopicPartition;
use crate::unread::{Reading, now_ms};
use crate::watermarks::AskedEnds;

/// Watched on a clock of its own, also while a flush is under way: the lag behind a sink that does not answer is what
/// operators have to see.
pub(super) struct Lag {
    /// How far each active partition was read.
    readings: BTreeMap<TopicPartition, Reading>,
    /// When to look next.
    pub(super) next: Instant,
    asking: Option<AskedEnds>,
}

impl Lag {
    pub(super) fn new(first_look: Instant) -> Self {
        Self { readings: BTreeMap::new(), next: first_look, asking: None }
    }

    /// A partition is fed from `offset` on.
    pub(super) fn begin(&mut self, partition: TopicPartition, offset: i64) {
        self.readings.insert(partition, Reading::begin(offset, now_ms()));
        self.next = Instant::now();
    }

    /// The handler has taken these records.
    pub(super) fn applied(&mut self, partition: &TopicPartition, tally: &Tally) {
        if let Some(reading) = self.readings.get_mut(partition) {
            reading.applied(tally.last_offset + 1, tally.last_timestamp_ms);
        }
    }

    /// A partition was read up to before `offset`, and its records are taken.
    pub(super) fn passed(&mut self, partition: &TopicPartition, offset: i64) {
        if let Some(reading) = self.readings.get_mut(partition) {
            reading.passed(offset);
        }
    }

    /// A partition is fed no longer.
    pub(super) fn end(&mut self, partition: &TopicPartition, consumer: &Consumer) {
        self.readings.remove(partition);
        consumer.unread.forget(partition);
    }

    /// Publishes the lag as far as it is known, and asks for the ends anew.
    pub(super) fn watch(&mut self, consumer: &Consumer) {
        let watermarks = &consumer.watermarks;
        self.asking = self.asking.take().and_then(|asking| asking.take_note(watermarks, &consumer.metrics));
        for (partition, reading) in &mut self.readings {
            if let Some(end) = watermarks.end(partition) {
                let waiting = reading.waiting(end.high, end.asked_ms);
                let labels = [&*partition.topic, &partition.partition.to_string()];
                consumer.metrics.lag.with_label_values(&labels).set(waiting.records);
                consumer.unread.set(partition, waiting);
            }
        }
        // One question at a time, however slow the brokers answer.
        if !self.readings.is_empty() && self.asking.is_none() {
            self.asking = Some(consumer.ask_ends(self.readings.keys().cloned().collect()));
        }
        self.next = Instant::now() + Duration::from_millis(consumer.settings.lag_interval_ms);
    }
}

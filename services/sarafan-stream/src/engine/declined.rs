//! Partitions that the handler would not start: they stay with this member, paused, and are asked for again.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::partition::{Generation, TopicPartition};

/// They are ours, and nothing of them is read.
#[derive(Debug)]
pub(super) struct Declined {
    partitions: BTreeMap<TopicPartition, Generation>,
    every: Duration,
    /// When all of them are asked for again.
    pub(super) next: Instant,
}

impl Declined {
    pub(super) fn new(every: Duration, now: Instant) -> Self {
        Self { partitions: BTreeMap::new(), every, next: now }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.partitions.len()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = TopicPartition> {
        self.partitions.keys().cloned()
    }

    /// One more. What is declined already waits no longer by that.
    pub(super) fn add(&mut self, partition: TopicPartition, generation: Generation) {
        if self.partitions.is_empty() {
            self.next = Instant::now() + self.every;
        }
        self.partitions.insert(partition, generation);
    }

    /// All of them, to be asked for again.
    pub(super) fn take(&mut self) -> BTreeMap<TopicPartition, Generation> {
        std::mem::take(&mut self.partitions)
    }

    /// It is no longer ours.
    pub(super) fn forget(&mut self, partition: &TopicPartition) {
        self.partitions.remove(partition);
    }
}

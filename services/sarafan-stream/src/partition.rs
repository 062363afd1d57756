//! Names of partitions and of the terms in which this process owns them.

use std::fmt;
use std::sync::Arc;

/// One partition of one topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// Names partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// One uninterrupted run of reading a partition: a new one begins whenever the partition is assigned, and whenever
/// it is started at an offset. A record carries the generation in which it was read, so one that was read before a
/// revoke or a seek is recognised wherever it still waits. Unique within a process, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation(pub(crate) u64);

/// An offset of a partition: the next one to read, or to commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset of the next record to read; everything below it is done.
    pub offset: i64,
}

impl Position {
    /// The position `offset` of `partition`.
    pub fn new(partition: TopicPartition, offset: i64) -> Self {
        Self { partition, offset }
    }
}

/// A partition that was just given to this process, and what the broker knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedPartition {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset of the oldest record that the topic still holds.
    pub low: i64,
    /// The offset after the newest record that may be read (transactions that are still open hold it back).
    pub high: i64,
    /// The offset that the group committed, if it ever did. Advisory for a user that keeps its own positions.
    pub committed: Option<i64>,
}

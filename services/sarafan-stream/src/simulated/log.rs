//! Topics and the logs of their partitions.

use std::collections::VecDeque;

use crate::record::{OwnedHeader, OwnedRecord};

/// A record as somebody writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The key; absent and empty differ.
    pub key: Option<Vec<u8>>,
    /// The value; absent and empty differ.
    pub value: Option<Vec<u8>>,
    /// The headers, in order.
    pub headers: Vec<OwnedHeader>,
    /// Milliseconds since the Unix epoch.
    pub timestamp_ms: Option<i64>,
    /// Whether the broker sets that, when it appends the record.
    pub by_broker: bool,
}

/// The log of one partition. A place without a record is a marker: an offset that no reader is ever handed.
#[derive(Debug, Default)]
pub(super) struct Log {
    low: i64,
    places: VecDeque<Option<OwnedRecord>>,
}

impl Log {
    pub(super) fn low(&self) -> i64 {
        self.low
    }

    /// The offset after the last place.
    pub(super) fn high(&self) -> i64 {
        self.low + self.places.len() as i64
    }

    pub(super) fn append(&mut self, topic: &str, partition: i32, written: Written) -> i64 {
        let offset = self.high();
        let Written { key, value, headers, timestamp_ms, by_broker } = written;
        let topic = topic.to_owned();
        self.places.push_back(Some(OwnedRecord {
            topic,
            partition,
            offset,
            timestamp_ms,
            by_broker,
            key,
            value,
            headers,
        }));
        offset
    }

    pub(super) fn append_marker(&mut self) -> i64 {
        let offset = self.high();
        self.places.push_back(None);
        offset
    }

    /// Retention: everything below `low` is gone.
    pub(super) fn delete_before(&mut self, low: i64) {
        while self.low < low && self.places.pop_front().is_some() {
            self.low += 1;
        }
    }

    /// The first record at or after `offset`.
    pub(super) fn first_from(&self, offset: i64) -> Option<&OwnedRecord> {
        self.from(offset).next()
    }

    pub(super) fn from(&self, offset: i64) -> impl Iterator<Item = &OwnedRecord> {
        let skipped = usize::try_from(offset - self.low).unwrap_or(0);
        self.places.iter().skip(skipped).flatten()
    }
}

#[derive(Debug)]
pub(super) struct Topic {
    pub(super) logs: Vec<Log>,
}

impl Topic {
    pub(super) fn new(partitions: i32) -> Self {
        Self { logs: (0..partitions).map(|_| Log::default()).collect() }
    }

    pub(super) fn log(&self, partition: i32) -> Option<&Log> {
        self.logs.get(usize::try_from(partition).ok()?)
    }

    pub(super) fn log_mut(&mut self, partition: i32) -> Option<&mut Log> {
        self.logs.get_mut(usize::try_from(partition).ok()?)
    }
}

//! Records on their way from the polling thread to the handler: many in one piece of memory.

use std::ops::Range;
use std::sync::Arc;

use crate::partition::{Generation, TopicPartition};
use crate::record::{HeaderSpan, Headers, Record};

/// A batch is handed over once it holds this many bytes, or the consumer has nothing more at the moment.
const FULL_BYTES: usize = 256 * 1024;
/// And at the latest with this many records.
const FULL_RECORDS: usize = 2_048;

/// Records of several partitions in the order in which they were read.
#[derive(Debug, Default)]
pub(crate) struct RecordBatch {
    sources: Vec<Source>,
    entries: Vec<Entry>,
    headers: Vec<HeaderSpan>,
    bytes: Vec<u8>,
}

/// A partition in one of its generations.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) partition: TopicPartition,
    pub(crate) generation: Generation,
    /// The partition was read up to before this offset, also where its records in the batch end earlier.
    pub(crate) passed: Option<i64>,
}

#[derive(Debug)]
struct Entry {
    source: usize,
    offset: i64,
    timestamp_ms: Option<i64>,
    by_broker: bool,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: Range<usize>,
}

impl RecordBatch {
    pub(crate) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_BYTES || self.entries.len() >= FULL_RECORDS
    }

    /// The partitions that occur.
    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Copies a record into the batch. The topic's name is taken from `topic`, so that it is shared.
    pub(crate) fn push(&mut self, generation: Generation, topic: Arc<str>, record: &Record<'_>) {
        let source = self.source(generation, topic, record.partition);
        let key = record.key.map(|key| self.copy(key));
        let value = record.value.map(|value| self.copy(value));
        let first_header = self.headers.len();
        for (name, value) in record.headers.iter() {
            let name = self.copy(name.as_bytes());
            let value_end = value.map(|value| self.copy(value).end);
            self.headers.push(HeaderSpan { name_start: name.start, name_end: name.end, value_end });
        }
        self.entries.push(Entry {
            source,
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            by_broker: record.by_broker,
            key,
            value,
            headers: first_header..self.headers.len(),
        });
    }

    /// Notes that a partition was read up to before `offset`.
    pub(crate) fn pass(&mut self, generation: Generation, topic: Arc<str>, partition: i32, offset: i64) {
        let source = self.source(generation, topic, partition);
        self.sources[source].passed = Some(offset);
    }

    /// Each record with the place of its partition in [`sources`](Self::sources).
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, Record<'_>)> {
        self.entries.iter().map(|entry| {
            let source = &self.sources[entry.source];
            let record = Record {
                topic: &source.partition.topic,
                partition: source.partition.partition,
                offset: entry.offset,
                timestamp_ms: entry.timestamp_ms,
                by_broker: entry.by_broker,
                key: entry.key.clone().map(|range| &self.bytes[range]),
                value: entry.value.clone().map(|range| &self.bytes[range]),
                headers: Headers::from_spans(&self.headers[entry.headers.clone()], &self.bytes),
            };
            (entry.source, record)
        })
    }

    /// The place of a source; the client delivers records in runs per partition, so the last one is tried first.
    fn source(&mut self, generation: Generation, topic: Arc<str>, partition: i32) -> usize {
        let found = self.sources.iter().rposition(|source| {
            source.generation == generation
                && source.partition.partition == partition
                && source.partition.topic == topic
        });
        found.unwrap_or_else(|| {
            let partition = TopicPartition { topic, partition };
            self.sources.push(Source { partition, generation, passed: None });
            self.sources.len() - 1
        })
    }

    fn copy(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::{OwnedHeader, OwnedRecord};

    fn record() -> impl Strategy<Value = OwnedRecord> {
        let bytes = || prop::option::of(prop::collection::vec(any::<u8>(), 0..20));
        let header = ("[a-z]{0,4}", bytes()).prop_map(|(name, value)| OwnedHeader { name, value });
        (
            0i32..3,
            any::<i64>(),
            (prop::option::of(any::<i64>()), any::<bool>()),
            bytes(),
            bytes(),
            prop::collection::vec(header, 0..4),
        )
            .prop_map(|(partition, offset, (timestamp_ms, by_broker), key, value, headers)| {
                OwnedRecord {
                    topic: "t".to_owned(),
                    partition,
                    offset,
                    timestamp_ms,
                    by_broker,
                    key,
                    value,
                    headers,
                }
            })
    }

    proptest! {
        /// Every byte of every record comes out as it went in; absent and empty stay different.
        #[test]
        fn a_batch_gives_back_what_was_put_in(records in prop::collection::vec(record(), 0..30)) {
            let mut batch = RecordBatch::default();
            for record in &records {
                batch.push(Generation(record.partition as u64), Arc::from("t"), &record.as_record());
            }
            let back: Vec<OwnedRecord> = batch.iter().map(|(_, record)| record.into()).collect();
            prop_assert_eq!(back, records);
            for (source, record) in batch.iter() {
                prop_assert_eq!(batch.sources()[source].generation, Generation(record.partition as u64));
            }
        }
    }
}

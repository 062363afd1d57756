//! What was applied of one partition's part of a batch.

use crate::record::Record;

#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) last_offset: i64,
    pub(super) last_timestamp_ms: Option<i64>,
}

impl Tally {
    pub(super) fn add(&mut self, bytes: u64, record: &Record<'_>) {
        self.records += 1;
        self.bytes += bytes;
        self.last_offset = record.offset;
        self.last_timestamp_ms = record.timestamp_ms;
    }
}

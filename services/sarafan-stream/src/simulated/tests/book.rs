//! A handler that writes down what it was told, and the book that all of them share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::handler::{FlushOutcome, FlushReason, Handler, Revoked};
use crate::partition::{AssignedPartition, Position, TopicPartition};
use crate::record::Record;
use crate::revoke_pending::RevokePending;
use crate::start::{FirstStart, start_position};

/// A rule of the engine was broken.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Wrong(String);

#[derive(Clone, Default)]
pub(super) struct Book(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    applied: usize,
    owners: BTreeSet<u32>,
}

impl Book {
    fn open(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap()
    }

    pub(super) fn applied(&self) -> usize {
        self.open().applied
    }

    pub(super) fn owners(&self) -> usize {
        self.open().owners.len()
    }
}

pub(super) struct Clerk {
    book: Book,
    process: u32,
    held: BTreeMap<TopicPartition, i64>,
    _revoke: RevokePending,
}

impl Clerk {
    pub(super) fn new(book: Book, process: u32, revoke: RevokePending) -> Self {
        Self { book, process, held: BTreeMap::new(), _revoke: revoke }
    }
}

impl Handler for Clerk {
    type Error = Wrong;

    async fn assigned(&mut self, parts: &[AssignedPartition]) -> Result<Vec<Position>, Wrong> {
        let mut starts = Vec::new();
        for part in parts {
            let start =
                start_position(part, FirstStart::Earliest).map_err(|error| Wrong(error.to_string()))?;
            self.held.insert(start.partition.clone(), start.offset);
            starts.push(start);
        }
        Ok(starts)
    }

    fn apply(&mut self, record: &Record<'_>) -> Result<(), Wrong> {
        let partition = TopicPartition::new(record.topic, record.partition);
        let next = self.held.get_mut(&partition).ok_or_else(|| Wrong(format!("{partition} is not held")))?;
        if record.offset < *next {
            return Err(Wrong(format!("{partition}: {} after {next}", record.offset)));
        }
        *next = record.offset + 1;
        let mut pages = self.book.open();
        pages.applied += 1;
        pages.owners.insert(self.process);
        Ok(())
    }

    async fn flush(&mut self, _: FlushReason) -> Result<FlushOutcome, Wrong> {
        let commit = self.held.iter().map(|(partition, next)| Position::new(partition.clone(), *next));
        Ok(FlushOutcome { commit: commit.collect(), retake: Vec::new() })
    }

    async fn revoked(&mut self, parts: &[TopicPartition], _: Revoked) -> Result<(), Wrong> {
        parts.iter().for_each(|part| _ = self.held.remove(part));
        Ok(())
    }
}

//! A handler that breaks when the engine breaks a rule, and the book that all of them share.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use crate::handler::{FlushOutcome, FlushReason, Handler, Revoked};
use crate::partition::{AssignedPartition, Position, TopicPartition};
use crate::record::Record;
use crate::revoke_pending::RevokePending;
use crate::simulated::Cluster;
use crate::start::{FirstStart, start_position};

/// Why a clerk stops.
#[derive(Debug, thiserror::Error)]
pub(super) enum Wrong {
    /// A rule of the engine was broken.
    #[error("{0}")]
    Rule(String),
    /// It was to fail.
    #[error("as planned")]
    Planned,
    /// The topic does not hold where the group is to go on.
    #[error("no start")]
    NoStart,
}

/// What a clerk does wrong, to prove that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slip {
    /// It allows commits for what it writes only at the end.
    AllowsUnwritten,
    /// It allows one record more than it has written.
    AllowsOneMore,
    /// It begins one record after the committed one.
    StartsLate,
}

/// How a clerk behaves.
#[derive(Clone, Copy, Default)]
pub(super) struct Manner {
    /// It waits up to so many turns wherever it may.
    pub(super) dawdles: u32,
    /// How often in a hundred it gives a batch up and takes the partitions again.
    pub(super) gives_up: u32,
    /// How often in a thousand a flush fails.
    pub(super) fails: u32,
    /// Its last flush before a revoke never ends.
    pub(super) hangs: bool,
    /// A partition that it declines.
    pub(super) declines: Option<i32>,
    pub(super) slip: Option<Slip>,
}

/// What all processes have written, and the rules that were broken.
#[derive(Clone, Default)]
pub(super) struct Book(Arc<Mutex<Pages>>);

#[derive(Default)]
pub(super) struct Pages {
    pub(super) applied: usize,
    pub(super) owners: BTreeSet<u32>,
    /// What each process was asked to take, in turn.
    pub(super) asked: BTreeMap<u32, Vec<i32>>,
    /// What each process holds.
    pub(super) held: BTreeMap<u32, BTreeSet<i32>>,
    /// Flushes before a revoke that were begun.
    pub(super) last_flushes: usize,
    /// Offsets of records that were written.
    pub(super) written: BTreeMap<TopicPartition, BTreeSet<i64>>,
    pub(super) broken: Vec<String>,
    /// Nobody gives up or fails any more.
    pub(super) healed: bool,
}

impl Book {
    pub(super) fn open(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap()
    }

    fn breaks(&self, rule: String) -> Wrong {
        self.open().broken.push(rule.clone());
        Wrong::Rule(rule)
    }

    /// The first record below `position` that nobody has written.
    pub(super) fn unwritten_below(
        &self,
        cluster: &Cluster,
        partition: &TopicPartition,
        position: i64,
    ) -> Option<i64> {
        let pages = self.open();
        let written = pages.written.get(partition);
        let records = cluster.records(partition).into_iter().map(|record| record.offset);
        let mut below = records.take_while(|offset| *offset < position);
        below.find(|offset| !written.is_some_and(|written| written.contains(offset)))
    }
}

/// What a clerk knows of a partition that it was given.
struct Held {
    /// The next offset that may be applied.
    next: i64,
    /// Applied and not written.
    unwritten: Vec<i64>,
}

pub(super) struct Clerk {
    cluster: Cluster,
    book: Book,
    process: u32,
    manner: Manner,
    random: fastrand::Rng,
    held: BTreeMap<TopicPartition, Held>,
    revoke: RevokePending,
}

impl Clerk {
    pub(super) fn new(
        cluster: Cluster,
        book: Book,
        process: u32,
        manner: Manner,
        random: fastrand::Rng,
        revoke: RevokePending,
    ) -> Self {
        Self { cluster, book, process, manner, random, held: BTreeMap::new(), revoke }
    }

    async fn dawdle(&mut self) {
        turns(self.random.u32(0..=self.manner.dawdles)).await;
    }

    /// Writes down what it holds.
    fn report(&self) {
        let held = self.held.keys().map(|partition| partition.partition).collect();
        self.book.open().held.insert(self.process, held);
    }

    fn write(&mut self) -> Vec<Position> {
        let mut pages = self.book.open();
        let mut commit = Vec::new();
        for (partition, held) in &mut self.held {
            pages.written.entry(partition.clone()).or_default().extend(held.unwritten.drain(..));
            let more = i64::from(self.manner.slip == Some(Slip::AllowsOneMore));
            commit.push(Position::new(partition.clone(), held.next + more));
        }
        commit
    }
}

/// Waits for so many polls.
async fn turns(mut left: u32) {
    poll_fn(|_| match left {
        0 => Poll::Ready(()),
        _ => {
            left -= 1;
            Poll::Pending
        }
    })
    .await;
}

impl Handler for Clerk {
    type Error = Wrong;

    /// What the group has committed was written by somebody.
    async fn assigned(&mut self, parts: &[AssignedPartition]) -> Result<Vec<Position>, Wrong> {
        let asked = parts.iter().map(|part| part.partition.partition);
        self.book.open().asked.entry(self.process).or_default().extend(asked);
        self.dawdle().await;
        let mut starts = Vec::new();
        for part in parts {
            if self.declines(&part.partition) {
                continue;
            }
            let mut start = start_position(part, FirstStart::Earliest).map_err(|_| Wrong::NoStart)?;
            if part.committed.is_some() && self.manner.slip == Some(Slip::StartsLate) {
                start.offset += 1;
            }
            if let Some(lost) = self.book.unwritten_below(&self.cluster, &start.partition, start.offset) {
                return Err(self.book.breaks(format!("{start:?}: {lost} was not written")));
            }
            let held = Held { next: start.offset, unwritten: Vec::new() };
            self.held.insert(start.partition.clone(), held);
            starts.push(start);
        }
        self.report();
        Ok(starts)
    }

    fn declines(&self, partition: &TopicPartition) -> bool {
        self.manner.declines == Some(partition.partition)
    }

    async fn ready(&mut self) -> Result<(), Wrong> {
        self.dawdle().await;
        Ok(())
    }

    /// Records come between `assigned` and `revoked` alone, in order, from the start on, and none is left out.
    fn apply(&mut self, record: &Record<'_>) -> Result<(), Wrong> {
        let (partition, offset) = (TopicPartition::new(record.topic, record.partition), record.offset);
        let process = self.process;
        let Some(held) = self.held.get_mut(&partition) else {
            return Err(self.book.breaks(format!("{process}: {partition} at {offset} is not held")));
        };
        let next = held.next;
        let expected = self.cluster.first_record(&partition, next).map(|record| record.offset);
        if expected.is_some_and(|expected| expected != offset) {
            let rule = format!("{process}: {partition} at {offset}, not {expected:?} after {next}");
            return Err(self.book.breaks(rule));
        }
        held.next = offset + 1;
        held.unwritten.push(offset);
        let mut pages = self.book.open();
        pages.applied += 1;
        pages.owners.insert(process);
        Ok(())
    }

    async fn flush(&mut self, reason: FlushReason) -> Result<FlushOutcome, Wrong> {
        if reason == FlushReason::Revoke {
            self.book.open().last_flushes += 1;
            if self.manner.hangs {
                std::future::pending::<()>().await;
            }
        }
        let last = matches!(reason, FlushReason::Revoke | FlushReason::Shutdown);
        if self.manner.slip == Some(Slip::AllowsUnwritten) && !last {
            let commit =
                self.held.iter().map(|(partition, held)| Position::new(partition.clone(), held.next));
            return Ok(FlushOutcome { commit: commit.collect(), retake: Vec::new() });
        }
        self.dawdle().await;
        let healed = self.book.open().healed;
        if !healed && self.random.u32(0..1_000) < self.manner.fails {
            return Err(Wrong::Planned);
        }
        let gives_up = self.random.u32(0..100) < self.manner.gives_up
            || (self.manner.gives_up > 0
                && self.revoke.is_set()
                && reason != FlushReason::Revoke
                && self.random.bool());
        if gives_up && !healed && reason != FlushReason::Shutdown {
            // What was applied is dropped, and read again.
            let retake: Vec<TopicPartition> = std::mem::take(&mut self.held).into_keys().collect();
            return Ok(FlushOutcome { commit: Vec::new(), retake });
        }
        Ok(FlushOutcome { commit: self.write(), retake: Vec::new() })
    }

    /// Partitions go in order only after their last flush.
    async fn revoked(&mut self, parts: &[TopicPartition], how: Revoked) -> Result<(), Wrong> {
        for part in parts {
            let Some(held) = self.held.remove(part) else { continue };
            if how == Revoked::Orderly && !held.unwritten.is_empty() {
                return Err(self.book.breaks(format!("{part} went in order with unwritten records")));
            }
        }
        self.report();
        Ok(())
    }
}

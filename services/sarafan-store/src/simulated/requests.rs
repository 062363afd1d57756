//! What was sent to the store and is not answered yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sarafan_core::definitions::Epoch;
use sarafan_core::table::{Table, TableSpec};
use sarafan_core::tenure::{Entry, LiveTerm};
use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::read::{Height, Scope};

/// A request that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(super) u64);

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// To write a block of this table.
    Insert(&'static str),
    /// To write rows of the ledger that claim terms.
    Claim,
    /// To write rows of the ledger.
    Ledger,
    /// To delete the cells of terms that are over.
    Collect,
    /// That a replica catches up.
    Sync,
    /// For the state version.
    State,
    /// For the incarnation.
    Incarnation,
    /// For the ledger.
    ReadLedger,
    /// For rows of this table, or how high they reach.
    Read(&'static str),
}

impl What {
    /// Whether it changes nothing.
    pub fn is_question(self) -> bool {
        matches!(self, Self::Sync | Self::State | Self::Incarnation | Self::ReadLedger | Self::Read(_))
    }
}

/// A request that can be answered. Not to answer it is to let it hang.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Its name.
    pub id: RequestId,
    /// The process that sent it.
    pub process: u32,
    /// What it asks for.
    pub what: What,
    /// Nobody waits for the answer any more, but what it does can still be done.
    pub abandoned: bool,
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// It is done, and whoever asked is told.
    Done,
    /// It is done, and the answer is still on its way: the request stays pending. To be answered again.
    Unanswered,
    /// It is done, and whoever asked is told that it failed.
    AnswerLost,
    /// It is not done, and whoever asked is told that it failed.
    Refused,
    /// Whoever asked is told that it failed; it stays pending, abandoned, and may be done later.
    Late,
    /// It is done, whoever asked is told, and it stays pending, abandoned: it may be done once more later.
    Twice,
    /// A question is answered by a replica that is behind, but not behind the last [`What::Sync`] of whoever asks; anything
    /// else is done.
    Stale,
    /// As [`How::Stale`], by a replica that does not keep to that either.
    Behind,
}

impl How {
    /// Every way that the rules allow for: all but [`How::Behind`].
    pub const ALL: [Self; 7] =
        [Self::Done, Self::Unanswered, Self::AnswerLost, Self::Refused, Self::Late, Self::Twice, Self::Stale];

    /// Whether the store does now what is asked.
    pub(super) fn is_done(self) -> bool {
        !matches!(self, Self::Refused | Self::Late)
    }

    /// Whether whoever asked hears that it failed, although it may be done.
    pub(super) fn is_failure(self) -> bool {
        matches!(self, Self::AnswerLost | Self::Refused | Self::Late)
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Insert(Arc<Table>),
    Ledger(Epoch, Vec<Entry>),
    Collect(Epoch, Vec<LiveTerm>),
    Sync,
    State,
    Incarnation,
    ReadLedger(Epoch),
    /// Rows of a table, with the columns of the spec, apart by partition.
    Rows(Scope, Arc<TableSpec>),
    Heights(Scope, &'static str),
    /// How many rows of a table lie at or below these versions.
    UpTo(Scope, &'static str, BTreeMap<u16, u64>),
    Fields(Scope, BTreeSet<String>),
    Arrivals(Vec<u16>),
}

impl Body {
    fn what(&self) -> What {
        match self {
            Self::Insert(block) => What::Insert(block.spec().name),
            Self::Ledger(_, entries) if entries.iter().all(|entry| entry.sequence == 0) => What::Claim,
            Self::Ledger(..) => What::Ledger,
            Self::Collect(..) => What::Collect,
            Self::Sync => What::Sync,
            Self::State => What::State,
            Self::Incarnation => What::Incarnation,
            Self::ReadLedger(_) => What::ReadLedger,
            Self::Rows(_, spec) => What::Read(spec.name),
            Self::Heights(_, table) | Self::UpTo(_, table, _) => What::Read(table),
            Self::Fields(..) => What::Read("details"),
            Self::Arrivals(_) => What::Read("arrivals"),
        }
    }
}

/// What is answered.
#[derive(Debug)]
pub(super) enum Answer {
    Acknowledged,
    State(u64),
    Incarnation(u64),
    Ledger(Vec<Entry>),
    Rows(BTreeMap<u16, Table>),
    Heights(Vec<Height>),
    Counts(BTreeMap<u16, u64>),
}

pub(super) type Waiting = oneshot::Sender<Result<Answer, StoreError>>;

#[derive(Debug)]
pub(super) struct Request {
    pub(super) process: u32,
    pub(super) body: Body,
    /// None once it was answered.
    pub(super) waiting: Option<Waiting>,
}

impl Request {
    pub(super) fn what(&self) -> What {
        self.body.what()
    }

    pub(super) fn abandoned(&self) -> bool {
        self.waiting.as_ref().is_none_or(oneshot::Sender::is_closed)
    }
}

#[derive(Debug, Default)]
pub(super) struct Requests {
    last: u64,
    pub(super) sent: BTreeMap<RequestId, Request>,
}

impl Requests {
    pub(super) fn send(&mut self, request: Request) {
        self.last += 1;
        self.sent.insert(RequestId(self.last), request);
    }

    /// Oldest first. A question that nobody waits for is forgotten.
    pub(super) fn pending(&mut self) -> Vec<Pending> {
        self.sent.retain(|_, request| !(request.what().is_question() && request.abandoned()));
        let pending = |(id, request): (&RequestId, &Request)| Pending {
            id: *id,
            process: request.process,
            what: request.what(),
            abandoned: request.abandoned(),
        };
        self.sent.iter().map(pending).collect()
    }
}

impl std::fmt::Display for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let abandoned = if self.abandoned { " (abandoned)" } else { "" };
        write!(f, "{:?} {} of process {}{abandoned}", self.what, self.id.0, self.process)
    }
}

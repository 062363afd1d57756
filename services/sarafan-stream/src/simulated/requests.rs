//! What was sent to the brokers and is not answered yet.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::oneshot;

use super::cluster::Process;
use super::coordinator::Session;
use super::producing::{Sending, speakable};
use crate::commits::CommitOutcome;
use crate::partition::{AssignedPartition, Position, TopicPartition};

/// A request that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(super) u64);

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// To commit positions.
    Commit,
    /// For the committed offsets and the ends of partitions that are about to be loaded.
    Describe,
    /// For the ends of partitions, for lag.
    Ends,
    /// To append a record. Of each producer and partition only those are listed of which something can become: the first,
    /// and the first that was not appended yet.
    Produce,
}

/// A request that can be answered. Not to answer it is to let it hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its name.
    pub id: RequestId,
    /// The process that sent it.
    pub process: Process,
    /// What it asks for.
    pub what: What,
    /// Nobody waits for the answer any more, but what it does can still be done.
    pub abandoned: bool,
}

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// A question is answered with what was true when it was asked; anything else is done.
    Stale,
    /// A commit is done although the generation that it was sent in is over: its sender slept between making sure that it
    /// owns the partitions and sending it, with whatever membership it had when it woke. Anything else is done.
    Overslept,
}

impl How {
    /// Every way.
    pub const ALL: [Self; 8] = [
        Self::Done,
        Self::Unanswered,
        Self::AnswerLost,
        Self::Refused,
        Self::Late,
        Self::Twice,
        Self::Stale,
        Self::Overslept,
    ];

    /// Whether the brokers do now what is asked.
    pub(super) fn is_done(self) -> bool {
        !matches!(self, Self::Refused | Self::Late)
    }

    /// Whether whoever asked hears that it failed, although it may be done.
    pub(super) fn is_failure(self) -> bool {
        matches!(self, Self::AnswerLost | Self::Refused | Self::Late)
    }
}

/// The answer that somebody waits for; none once it was given.
pub(super) type Waiting<T> = Option<oneshot::Sender<T>>;

#[derive(Debug)]
pub(super) struct Commit {
    pub(super) group: String,
    pub(super) session: Session,
    pub(super) generation: u64,
    pub(super) positions: Vec<Position>,
    pub(super) answer: Waiting<CommitOutcome>,
    /// The outcome of what was done already.
    pub(super) done: Option<CommitOutcome>,
}

#[derive(Debug)]
pub(super) struct Describe {
    pub(super) group: String,
    pub(super) partitions: Vec<TopicPartition>,
    pub(super) when_asked: Vec<AssignedPartition>,
    pub(super) answer: Waiting<KafkaResult<Vec<AssignedPartition>>>,
}

#[derive(Debug)]
pub(super) struct Ends {
    pub(super) partitions: Vec<TopicPartition>,
    pub(super) when_asked: Vec<i64>,
    pub(super) answer: Waiting<KafkaResult<Vec<i64>>>,
}

pub(super) enum Body {
    Commit(Commit),
    Describe(Describe),
    Ends(Ends),
    Produce(Sending),
}

pub(super) struct Request {
    pub(super) process: Process,
    pub(super) body: Body,
}

impl Request {
    fn what(&self) -> What {
        match self.body {
            Body::Commit(_) => What::Commit,
            Body::Describe(_) => What::Describe,
            Body::Ends(_) => What::Ends,
            Body::Produce(_) => What::Produce,
        }
    }

    fn abandoned(&self) -> bool {
        match &self.body {
            Body::Commit(commit) => is_gone(&commit.answer),
            Body::Describe(describe) => is_gone(&describe.answer),
            Body::Ends(ends) => is_gone(&ends.answer),
            Body::Produce(sending) => sending.abandoned(),
        }
    }
}

fn is_gone<T>(answer: &Waiting<T>) -> bool {
    answer.as_ref().is_none_or(oneshot::Sender::is_closed)
}

#[derive(Default)]
pub(super) struct Requests {
    last: u64,
    pub(super) sent: BTreeMap<RequestId, Request>,
}

impl Requests {
    pub(super) fn send(&mut self, process: Process, body: Body) {
        self.last += 1;
        self.sent.insert(RequestId(self.last), Request { process, body });
    }

    pub(super) fn take(&mut self, id: RequestId) -> Option<Request> {
        self.sent.remove(&id)
    }

    pub(super) fn put_back(&mut self, id: RequestId, request: Request) {
        self.sent.insert(id, request);
    }

    /// Oldest first. A question that nobody waits for is forgotten.
    pub(super) fn pending(&mut self) -> Vec<Pending> {
        let question = |body: &Body| matches!(body, Body::Describe(_) | Body::Ends(_));
        self.sent.retain(|_, request| !question(&request.body) || !request.abandoned());
        let records: BTreeSet<RequestId> = speakable(self.sent.iter()).collect();
        let listed = |id: &RequestId, body: &Body| !matches!(body, Body::Produce(_)) || records.contains(id);
        let pending = |(id, request): (&RequestId, &Request)| Pending {
            id: *id,
            process: request.process,
            what: request.what(),
            abandoned: request.abandoned(),
        };
        self.sent.iter().filter(|(id, request)| listed(id, &request.body)).map(pending).collect()
    }
}

/// The failure that is told: one that goes away by itself.
pub(super) fn timed_out() -> KafkaError {
    KafkaError::OffsetFetch(RDKafkaErrorCode::RequestTimedOut)
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let abandoned = if self.abandoned { " (abandoned)" } else { "" };
        write!(f, "{:?} {} of process {}{abandoned}", self.what, self.id.0, self.process.0)
    }
}

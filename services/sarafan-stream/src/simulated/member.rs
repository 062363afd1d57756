//! A member's client: what the polling thread and the client library do together, one step at a time.

mod fetching;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::cluster::{Brokers, Process};
use super::coordinator::{Application, Heartbeat, Protocol, Session};
use super::requests::{Body, Commit};
use crate::commits::CommitOutcome;
use crate::error::StreamError;
use crate::group::{Control, RevokeRequest};
use crate::link::PollingEnd;
use crate::partition::{Position, TopicPartition};
use crate::poller::Command;
use crate::record_batch::RecordBatch;

/// How much longer than the owner's deadline the client waits for its answer.
const GRACE: Duration = Duration::from_millis(500);

/// What one step of a member came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stepped {
    /// It is no more: killed, closed, or unable to go on.
    Ended,
    /// It joined the group, for the first time or again.
    Joined,
    /// It found that the group had given its partitions away.
    Lost,
    /// It began to give partitions up, or waits for the engine's answer or for the last commit.
    Revoking,
    /// It took partitions.
    Assigned,
    /// It left the group.
    Left,
    /// It handed records over.
    HandedOver,
    /// There is no room for the records that it has.
    Full,
    /// There was nothing to do.
    Idle,
}

/// What polling waits for.
enum Waits {
    Nothing,
    /// The engine is to answer what may be committed.
    Answer {
        leaving: Leaving,
        deadline: Instant,
        answered: Receiver<Vec<Position>>,
    },
    /// The last commit of partitions that go.
    LastCommit {
        leaving: Leaving,
        answered: oneshot::Receiver<CommitOutcome>,
    },
    /// The last commit of all.
    Closing {
        answered: Option<oneshot::Receiver<CommitOutcome>>,
    },
}

/// Partitions that go, and those that come once they have gone.
struct Leaving {
    going: BTreeSet<TopicPartition>,
    coming: BTreeSet<TopicPartition>,
    protocol: Protocol,
}

pub(super) struct Member {
    pub(super) process: Process,
    pub(super) group: String,
    pub(super) application: Application,
    pub(super) end: PollingEnd,
    pub(super) revoke_flush: Duration,
    pub(super) commands: VecDeque<Command>,
    /// Tells the engine that closing has ended.
    pub(super) closed: Option<oneshot::Sender<()>>,
    /// The engine has gone without closing.
    pub(super) owner_gone: bool,
    ended: bool,
    pub(super) session: Option<Session>,
    /// The generation that it knows of, and the last one whose assignment it took: there may be another round in between.
    generation: u64,
    synced: u64,
    owned: BTreeSet<TopicPartition>,
    /// Where the next record is read from, of the partitions that are being read.
    reading: BTreeMap<TopicPartition, i64>,
    /// The partition that is read first in the next step.
    turn: usize,
    batch: RecordBatch,
    waits: Waits,
}

impl Member {
    pub(super) fn new(
        process: Process,
        group: String,
        application: Application,
        revoke_flush: Duration,
        end: PollingEnd,
    ) -> Self {
        Self {
            process,
            group,
            application,
            end,
            revoke_flush,
            commands: VecDeque::new(),
            closed: None,
            owner_gone: false,
            ended: false,
            session: None,
            generation: 0,
            synced: 0,
            owned: BTreeSet::new(),
            reading: BTreeMap::new(),
            turn: 0,
            batch: RecordBatch::default(),
            waits: Waits::Nothing,
        }
    }

    /// Ends it where it stands: the brokers hear nothing of it.
    pub(super) fn kill(&mut self) {
        self.ended = true;
        self.closed = None;
        self.waits = Waits::Nothing;
        self.commands.clear();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn step(&mut self, brokers: &mut Brokers, now: Instant, most: usize) -> Stepped {
        if self.ended {
            return Stepped::Ended;
        }
        if self.owner_gone {
            return self.leave(brokers, now);
        }
        let Some(session) = self.session else {
            self.session = Some(brokers.group(&self.group).join(self.application.clone(), now));
            return Stepped::Joined;
        };
        let heard = brokers.group(&self.group).heartbeat(session, now);
        if matches!(heard, Heartbeat::Stable(_) | Heartbeat::JoinAgain(_)) {
            self.generation = brokers.group(&self.group).generation();
        }
        match std::mem::replace(&mut self.waits, Waits::Nothing) {
            Waits::Nothing => {}
            // The client is inside its callback: it goes on when that has ended, whatever the group thinks.
            Waits::Answer { leaving, deadline, answered } => {
                return self.answered(brokers, session, leaving, deadline, answered, now);
            }
            Waits::LastCommit { leaving, mut answered } => {
                if let Err(oneshot::error::TryRecvError::Empty) = answered.try_recv() {
                    self.waits = Waits::LastCommit { leaving, answered };
                    return Stepped::Revoking;
                }
                return self.let_go(brokers, session, leaving, now);
            }
            Waits::Closing { mut answered } => {
                let under_way = answered.as_mut().map(oneshot::Receiver::try_recv);
                if let Some(Err(oneshot::error::TryRecvError::Empty)) = under_way {
                    self.waits = Waits::Closing { answered };
                    return Stepped::Idle;
                }
                return self.leave(brokers, now);
            }
        }
        match heard {
            Heartbeat::Fenced => self.fail(
                KafkaError::MessageConsumptionFatal(RDKafkaErrorCode::FencedInstanceId),
                "another process runs with the same instance id: give each its own",
            ),
            Heartbeat::Unknown => self.lose_all(),
            Heartbeat::JoinAgain(Protocol::Eager) if !self.owned.is_empty() => {
                let leaving =
                    Leaving { going: self.owned.clone(), coming: BTreeSet::new(), protocol: Protocol::Eager };
                self.give_up(leaving, now)
            }
            Heartbeat::JoinAgain(_) => {
                brokers.group(&self.group).join_again(session, self.owned.clone());
                Stepped::Joined
            }
            Heartbeat::Stable(generation) if generation != self.synced => {
                self.synced = generation;
                let assigned = brokers.group(&self.group).assigned(session);
                self.reassigned(&assigned, now)
            }
            Heartbeat::Stable(_) | Heartbeat::Joined => self.poll(brokers, most),
        }
    }

    /// The client compares what it was given with what it has.
    fn reassigned(&mut self, assigned: &BTreeSet<TopicPartition>, now: Instant) -> Stepped {
        let going: BTreeSet<TopicPartition> = self.owned.difference(assigned).cloned().collect();
        let coming: BTreeSet<TopicPartition> = assigned.difference(&self.owned).cloned().collect();
        if going.is_empty() {
            return self.assign(coming);
        }
        self.give_up(Leaving { going, coming, protocol: Protocol::Cooperative }, now)
    }

    fn assign(&mut self, coming: BTreeSet<TopicPartition>) -> Stepped {
        if coming.is_empty() {
            return Stepped::Idle;
        }
        let assigned = {
            let mut ownership = self.end.ownership.lock();
            coming.iter().map(|partition| (partition.clone(), ownership.assign(partition))).collect()
        };
        self.owned.extend(coming);
        self.tell(Control::Assigned(assigned));
        Stepped::Assigned
    }

    /// Asks the engine for its last flush.
    fn give_up(&mut self, leaving: Leaving, now: Instant) -> Stepped {
        let deadline = now + self.revoke_flush;
        let (answer, answered) = sync_channel(1);
        self.end.signal.set(deadline);
        let partitions = leaving.going.iter().cloned().collect();
        self.tell(Control::Revoke(RevokeRequest { partitions, deadline, answer }));
        self.waits = Waits::Answer { leaving, deadline, answered };
        Stepped::Revoking
    }

    fn answered(
        &mut self,
        brokers: &mut Brokers,
        session: Session,
        leaving: Leaving,
        deadline: Instant,
        answered: Receiver<Vec<Position>>,
        now: Instant,
    ) -> Stepped {
        let positions = match answered.try_recv() {
            Err(TryRecvError::Empty) if now <= deadline + GRACE => {
                self.waits = Waits::Answer { leaving, deadline, answered };
                return Stepped::Revoking;
            }
            Ok(positions) => positions,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => Vec::new(),
        };
        self.end.signal.clear(deadline);
        self.forget(&leaving.going);
        // The client knows by now whether the group has given them away meanwhile.
        if positions.is_empty() || !brokers.group(&self.group).belongs(session) {
            return self.let_go(brokers, session, leaving, now);
        }
        let answered = self.commit(brokers, positions);
        self.waits = Waits::LastCommit { leaving, answered };
        Stepped::Revoking
    }

    /// The partitions have gone: others come, and the group gives out what went.
    fn let_go(&mut self, brokers: &mut Brokers, session: Session, leaving: Leaving, now: Instant) -> Stepped {
        let Leaving { coming, protocol, .. } = leaving;
        let group = brokers.group(&self.group);
        if protocol == Protocol::Cooperative && group.belongs(session) {
            group.begin_round(Protocol::Cooperative, now);
            return self.assign(coming);
        }
        Stepped::Revoking
    }

    fn lose_all(&mut self) -> Stepped {
        self.session = None;
        (self.generation, self.synced) = (0, 0);
        let lost = std::mem::take(&mut self.owned);
        self.forget(&lost);
        if !lost.is_empty() {
            self.tell(Control::Lost(lost.into_iter().collect()));
        }
        Stepped::Lost
    }

    fn forget(&mut self, partitions: &BTreeSet<TopicPartition>) {
        let mut ownership = self.end.ownership.lock();
        for partition in partitions {
            ownership.revoke(partition);
            self.owned.remove(partition);
            self.reading.remove(partition);
        }
    }

    /// Commands, then records.
    fn poll(&mut self, brokers: &mut Brokers, most: usize) -> Stepped {
        while let Some(command) = self.commands.pop_front() {
            match command {
                Command::Start(starts) => self.start(brokers, starts),
                Command::Hold(held) => self.hold(&held),
                Command::Close(positions) => {
                    let mut positions = positions;
                    positions.retain(|position| self.end.ownership.lock().owns(&position.partition));
                    let answered = (!positions.is_empty()).then(|| self.commit(brokers, positions));
                    self.waits = Waits::Closing { answered };
                    return Stepped::Idle;
                }
            }
        }
        if let Err(stepped) = self.fetch(brokers, most) {
            return stepped;
        }
        self.hand_over()
    }

    /// Leaves the group; a member with a name keeps its place until its session times out.
    fn leave(&mut self, brokers: &mut Brokers, now: Instant) -> Stepped {
        if let Some(session) = self.session.take_if(|_| self.application.instance.is_none()) {
            brokers.group(&self.group).leave(session, now);
        }
        self.ended = true;
        let owned = std::mem::take(&mut self.owned);
        self.forget(&owned);
        if let Some(closed) = self.closed.take() {
            // That nobody waits any more is no fault.
            let _ = closed.send(());
        }
        Stepped::Left
    }

    fn fail(&mut self, source: KafkaError, advice: &'static str) -> Stepped {
        self.tell(Control::Fatal(StreamError::Consumer { group: self.group.clone(), source, advice }));
        self.ended = true;
        Stepped::Ended
    }

    fn commit(
        &mut self,
        brokers: &mut Brokers,
        positions: Vec<Position>,
    ) -> oneshot::Receiver<CommitOutcome> {
        let (answer, answered) = oneshot::channel();
        self.send_commit(brokers, positions, answer);
        answered
    }

    /// Sends a commit with the membership of this moment. Nothing is sent by a process that is no more, nor by one that
    /// has no membership: nobody answers then.
    pub(super) fn send_commit(
        &self,
        brokers: &mut Brokers,
        positions: Vec<Position>,
        answer: oneshot::Sender<CommitOutcome>,
    ) {
        let Some(session) = self.session.filter(|_| !self.ended) else { return };
        let (group, generation) = (self.group.clone(), self.generation);
        let commit = Commit { group, session, generation, positions, answer: Some(answer), done: None };
        brokers.requests.send(self.process, Body::Commit(commit));
    }

    /// The queue has room for far more changes than can wait at once. That the engine has gone is seen elsewhere.
    fn tell(&mut self, control: Control) {
        let _ = self.end.control.try_send(control);
    }
}

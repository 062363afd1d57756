//! The link of a simulated member: what its engine asks for goes to its client's queue, or to the brokers.

use rdkafka::error::KafkaResult;
use tokio::sync::oneshot;

use super::cluster::{Brokers, Cluster, MemberId};
use super::member::Member;
use super::requests::{Body, Describe, Ends};
use crate::commits::CommitOutcome;
use crate::error::StreamError;
use crate::link::{Answer, Link};
use crate::partition::{AssignedPartition, Generation, Position, TopicPartition};
use crate::poller::Command;

pub(super) struct SimulatedLink {
    pub(super) cluster: Cluster,
    pub(super) member: MemberId,
    /// It was closed in order.
    pub(super) closed: bool,
}

impl SimulatedLink {
    fn command(&self, command: Command) -> Result<(), StreamError> {
        self.with(|member, _| {
            if member.has_ended() {
                return Err(StreamError::ThreadEnded);
            }
            member.commands.push_back(command);
            Ok(())
        })
        .unwrap_or(Err(StreamError::ThreadEnded))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Member, &mut Brokers) -> T) -> Option<T> {
        let mut state = self.cluster.lock();
        let (members, brokers) = state.parts();
        members.get_mut(self.member.0).map(|member| work(member, brokers))
    }

    /// Sends something to the brokers, unless the process was killed.
    fn ask<T>(&self, body: impl FnOnce(&Member, &Brokers, oneshot::Sender<T>) -> Body) -> Answer<T> {
        let (sender, answer) = oneshot::channel();
        self.with(|member, brokers| {
            if !member.has_ended() {
                let body = body(member, brokers, sender);
                brokers.requests.send(member.process, body);
            }
        });
        answer
    }
}

impl Link for SimulatedLink {
    fn start(&self, starts: Vec<(TopicPartition, Generation, i64)>) -> Result<(), StreamError> {
        self.command(Command::Start(starts))
    }

    fn hold(&self, partitions: Vec<(TopicPartition, Generation)>) -> Result<(), StreamError> {
        self.command(Command::Hold(partitions))
    }

    fn took_records(&self) {}

    fn commit(&self, mut positions: Vec<Position>) -> Answer<CommitOutcome> {
        let (sender, answer) = oneshot::channel();
        self.with(|member, brokers| {
            positions.retain(|position| member.end.ownership.lock().owns(&position.partition));
            match positions.is_empty() {
                // Nothing to be said is said at once. That nobody waits is no fault.
                true => _ = sender.send(CommitOutcome::Confirmed),
                false => member.send_commit(brokers, positions, sender),
            }
        });
        answer
    }

    fn describe(&self, partitions: &[TopicPartition]) -> Answer<KafkaResult<Vec<AssignedPartition>>> {
        self.ask(|member, brokers, answer| {
            let (group, partitions) = (member.group.clone(), partitions.to_vec());
            let when_asked = brokers.describe(&group, &partitions);
            Body::Describe(Describe { group, partitions, when_asked, answer: Some(answer) })
        })
    }

    fn ends(&self, partitions: &[TopicPartition]) -> Answer<KafkaResult<Vec<i64>>> {
        self.ask(|_, brokers, answer| {
            let partitions = partitions.to_vec();
            let when_asked = brokers.ends(&partitions);
            Body::Ends(Ends { partitions, when_asked, answer: Some(answer) })
        })
    }

    fn close(mut self: Box<Self>, positions: Vec<Position>) -> Answer<()> {
        let (sender, answer) = oneshot::channel();
        self.closed = self
            .with(|member, _| {
                if !member.has_ended() {
                    member.commands.push_back(Command::Close(positions));
                    member.closed = Some(sender);
                }
            })
            .is_some();
        answer
    }
}

impl Drop for SimulatedLink {
    fn drop(&mut self) {
        if !self.closed {
            self.with(|member, _| member.owner_gone = true);
        }
    }
}

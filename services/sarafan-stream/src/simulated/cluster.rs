//! The cluster and whoever drives it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::coordinator::{Application, Group, Protocol};
use super::link::SimulatedLink;
use super::log::{Log, Topic, Written};
use super::member::{Member, Stepped};
use super::producing::{self, ProducerId, SimulatedOutlet};
use super::requests::{Body, Commit, How, Pending, Request, RequestId, Requests, Waiting, timed_out};
use crate::commits::CommitOutcome;
use crate::config::ConsumerSettings;
use crate::consumer::Consumer;
use crate::error::StreamError;
use crate::metrics::StreamMetrics;
use crate::partition::{AssignedPartition, TopicPartition};
use crate::planted::planted;
use crate::producer::{Producer, ProducerRecord};
use crate::record::OwnedRecord;

/// When a simulation begins, in milliseconds since the Unix epoch.
const BEGAN_MS: i64 = 1_700_000_000_000;

/// A process, as whoever drives the simulation numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Process(pub u32);

/// A consumer that joined a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub(super) usize);

/// A Kafka cluster in memory. Clones are the same cluster.
#[derive(Clone, Default)]
pub struct Cluster(Arc<Mutex<State>>);

#[derive(Default)]
pub(super) struct State {
    brokers: Brokers,
    members: Vec<Member>,
}

impl State {
    pub(super) fn parts(&mut self) -> (&mut Vec<Member>, &mut Brokers) {
        (&mut self.members, &mut self.brokers)
    }
}

/// What outlives every process.
#[derive(Default)]
pub(super) struct Brokers {
    topics: BTreeMap<String, Topic>,
    groups: BTreeMap<String, Group>,
    pub(super) requests: Requests,
    /// The producers that live.
    producers: BTreeMap<ProducerId, Process>,
    last_producer: u64,
    keyless: u32,
    began: Option<Instant>,
}

impl Brokers {
    pub(super) fn group(&mut self, name: &str) -> &mut Group {
        self.groups.entry(name.to_owned()).or_default()
    }

    pub(super) fn log(&self, partition: &TopicPartition) -> Option<&Log> {
        self.topics.get(&*partition.topic)?.log(partition.partition)
    }

    pub(super) fn log_mut(&mut self, partition: &TopicPartition) -> Option<&mut Log> {
        self.topics.get_mut(&*partition.topic)?.log_mut(partition.partition)
    }

    pub(super) fn describe(&self, group: &str, partitions: &[TopicPartition]) -> Vec<AssignedPartition> {
        let committed =
            |partition: &TopicPartition| self.groups.get(group)?.committed.get(partition).copied();
        let describe = |partition: &TopicPartition| AssignedPartition {
            partition: partition.clone(),
            low: self.log(partition).map_or(0, Log::low),
            high: self.log(partition).map_or(0, Log::high),
            committed: committed(partition),
        };
        partitions.iter().map(describe).collect()
    }

    pub(super) fn ends(&self, partitions: &[TopicPartition]) -> Vec<i64> {
        partitions.iter().map(|partition| self.log(partition).map_or(0, Log::high)).collect()
    }

    /// Where a record goes: by its key as Java clients compute it, without one to each partition in turn. None if there
    /// is no such topic.
    pub(super) fn partition_of(&mut self, record: &ProducerRecord) -> Option<TopicPartition> {
        let count = u32::try_from(self.topics.get(&*record.topic)?.logs.len()).ok()?;
        let hash = match &record.key {
            Some(key) => {
                let mask = if planted("planted::signed_partitioner") { u32::MAX } else { 0x7fff_ffff };
                murmur2::murmur2(key, murmur2::KAFKA_SEED) & mask
            }
            None => {
                self.keyless = self.keyless.wrapping_add(1);
                self.keyless
            }
        };
        Some(TopicPartition::new(Arc::clone(&record.topic), hash.checked_rem(count)?.cast_signed()))
    }

    /// The time of the simulation, in milliseconds since the Unix epoch.
    pub(super) fn now_ms(&mut self) -> i64 {
        let now = Instant::now();
        let since = now - *self.began.get_or_insert(now);
        BEGAN_MS + i64::try_from(since.as_millis()).unwrap_or_default()
    }

    pub(super) fn is_dead(&self, producer: ProducerId) -> bool {
        !self.producers.contains_key(&producer)
    }

    /// A producer is no more; what it sent may still arrive.
    pub(super) fn end_producer(&mut self, producer: ProducerId) {
        if self.producers.remove(&producer).is_some() {
            self.requests.abandon(producer);
        }
    }

    fn serve_groups(&mut self, now: Instant) {
        let topics = &self.topics;
        let partitions_of = |topic: &str| topics.get(topic).map_or(0, |topic| topic.logs.len() as i32);
        for group in self.groups.values_mut() {
            group.serve(now, partitions_of);
        }
    }

    fn commit(&mut self, commit: &Commit, how: How) -> CommitOutcome {
        let group = self.group(&commit.group);
        let generation = if how == How::Overslept { group.generation() } else { commit.generation };
        match group.commit(commit.session, generation, &commit.positions) {
            true => CommitOutcome::Confirmed,
            false => CommitOutcome::Failed,
        }
    }
}

impl Cluster {
    /// A cluster without topics.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates a topic; one that exists is gone with all its records, as if it had been deleted and created again.
    pub fn create_topic(&self, name: &str, partitions: i32) {
        self.lock().brokers.topics.insert(name.to_owned(), Topic::new(partitions));
    }

    /// Appends a record and says at which offset; none if there is no such partition.
    pub fn append(&self, partition: &TopicPartition, written: Written) -> Option<i64> {
        let mut state = self.lock();
        let log = state.brokers.log_mut(partition)?;
        Some(log.append(&partition.topic, partition.partition, written))
    }

    /// Appends an offset that no reader is ever handed, such as the marker that ends a transaction.
    pub fn append_marker(&self, partition: &TopicPartition) -> Option<i64> {
        Some(self.lock().brokers.log_mut(partition)?.append_marker())
    }

    /// Retention: the records below `low` are gone.
    pub fn delete_before(&self, partition: &TopicPartition, low: i64) {
        if let Some(log) = self.lock().brokers.log_mut(partition) {
            log.delete_before(low);
        }
    }

    /// The first offset of a partition and the one after its last; none if there is no such partition.
    pub fn ends(&self, partition: &TopicPartition) -> Option<(i64, i64)> {
        self.lock().brokers.log(partition).map(|log| (log.low(), log.high()))
    }

    /// The first record at or after `offset`.
    pub fn first_record(&self, partition: &TopicPartition, offset: i64) -> Option<OwnedRecord> {
        self.lock().brokers.log(partition)?.first_from(offset).cloned()
    }

    /// All records that a partition holds.
    pub fn records(&self, partition: &TopicPartition) -> Vec<OwnedRecord> {
        self.lock().brokers.log(partition).map_or_else(Vec::new, |log| log.from(log.low()).cloned().collect())
    }

    /// What a group has committed for a partition.
    pub fn committed(&self, group: &str, partition: &TopicPartition) -> Option<i64> {
        self.lock().brokers.groups.get(group)?.committed.get(partition).copied()
    }

    /// How a group moves its partitions from now on.
    pub fn set_protocol(&self, group: &str, protocol: Protocol) {
        self.lock().brokers.group(group).protocol = protocol;
    }

    /// Everybody in the group joins again; partitions are given out in turn, beginning with the member of number `turn`.
    pub fn begin_rebalance(&self, group: &str, protocol: Protocol, turn: usize) {
        let mut state = self.lock();
        let group = state.brokers.group(group);
        group.turn = turn;
        group.begin_round(protocol, Instant::now());
    }

    /// Makes a member of `settings.group` that reads `topics`. It joins when it is first stepped.
    ///
    /// # Errors
    ///
    /// None at present; the signature is that of the real one.
    pub fn consumer(
        &self,
        process: Process,
        settings: ConsumerSettings,
        topics: &[&str],
        metrics: StreamMetrics,
    ) -> Result<(Consumer, MemberId), StreamError> {
        let id = MemberId(self.lock().members.len());
        let consumer = Consumer::over(settings, metrics, |settings, _, end| {
            let application = Application {
                instance: settings.instance_id.clone(),
                session_timeout: Duration::from_millis(settings.session_timeout_ms),
                rebalance_timeout: Duration::from_millis(settings.max_poll_interval_ms),
                topics: topics.iter().map(|topic| Arc::from(*topic)).collect(),
            };
            let (group, revoke_flush) = (settings.group.clone(), settings.revoke_flush());
            self.lock().members.push(Member::new(process, group, application, revoke_flush, end));
            Ok(Box::new(SimulatedLink { cluster: self.clone(), member: id, closed: false }))
        })?;
        Ok((consumer, id))
    }

    /// Makes a producer that has room for so many records that are on their way.
    ///
    /// # Errors
    ///
    /// None at present; the signature is that of the real one.
    pub fn producer(
        &self,
        process: Process,
        room: u32,
        metrics: StreamMetrics,
    ) -> Result<Producer, StreamError> {
        Producer::over(metrics, |deliveries| {
            let mut state = self.lock();
            let brokers = &mut state.brokers;
            brokers.last_producer += 1;
            let producer = ProducerId(brokers.last_producer);
            brokers.producers.insert(producer, process);
            drop(state);
            let cluster = self.clone();
            Ok(Arc::new(SimulatedOutlet { cluster, process, producer, room, deliveries }))
        })
    }

    /// Polls once for a member, reading up to `most` records.
    pub fn step(&self, member: MemberId, most: usize) -> Stepped {
        let now = Instant::now();
        let mut state = self.lock();
        state.brokers.serve_groups(now);
        let (members, brokers) = state.parts();
        let stepped =
            members.get_mut(member.0).map_or(Stepped::Ended, |member| member.step(brokers, now, most));
        brokers.serve_groups(now);
        stepped
    }

    /// Ends a process as `SIGKILL` does. To be called before its futures are dropped.
    pub fn kill(&self, process: Process) {
        let mut state = self.lock();
        state.members.iter_mut().filter(|member| member.process == process).for_each(Member::kill);
        let brokers = &mut state.brokers;
        let of_process = brokers.producers.iter().filter(|(_, of)| **of == process);
        let producers: Vec<ProducerId> = of_process.map(|(producer, _)| *producer).collect();
        producers.into_iter().for_each(|producer| brokers.end_producer(producer));
    }

    /// What was sent to the brokers and can be answered, oldest first.
    pub fn pending(&self) -> Vec<Pending> {
        self.lock().brokers.requests.pending()
    }

    /// Acknowledges a record that never arrives.
    #[cfg(test)]
    pub(super) fn lose(&self, id: RequestId) {
        if let Some(Request { body: Body::Produce(sending), .. }) = self.lock().brokers.requests.take(id) {
            sending.lose();
        }
    }

    /// Answers what is pending; false if it is not (any more).
    pub fn answer(&self, id: RequestId, how: How) -> bool {
        let mut state = self.lock();
        let brokers = &mut state.brokers;
        let Some(Request { process, body }) = brokers.requests.take(id) else { return false };
        let left = match body {
            Body::Describe(mut asked) => {
                let answer = match how {
                    How::Unanswered => None,
                    _ if how.is_failure() => Some(Err(timed_out())),
                    How::Stale => Some(Ok(asked.when_asked.clone())),
                    _ => Some(Ok(brokers.describe(&asked.group, &asked.partitions))),
                };
                tell(&mut asked.answer, answer).then_some(Body::Describe(asked))
            }
            Body::Ends(mut asked) => {
                let answer = match how {
                    How::Unanswered => None,
                    _ if how.is_failure() => Some(Err(timed_out())),
                    How::Stale => Some(Ok(asked.when_asked.clone())),
                    _ => Some(Ok(brokers.ends(&asked.partitions))),
                };
                tell(&mut asked.answer, answer).then_some(Body::Ends(asked))
            }
            Body::Produce(sending) => producing::answer(brokers, id, sending, how).map(Body::Produce),
            Body::Commit(mut commit) => {
                if how.is_done() && commit.done.is_none() {
                    commit.done = Some(brokers.commit(&commit, how));
                }
                let outcome = if how.is_failure() { None } else { commit.done };
                let answer = (how != How::Unanswered).then_some(outcome.unwrap_or(CommitOutcome::Failed));
                let waits = tell(&mut commit.answer, answer);
                let again = matches!(how, How::Late | How::Twice);
                if again {
                    commit.done = None;
                }
                (waits || again).then_some(Body::Commit(commit))
            }
        };
        if let Some(body) = left {
            brokers.requests.put_back(id, Request { process, body });
        }
        true
    }
}

/// Gives the answer if there is one; true if somebody still waits for one. That nobody waits is no fault.
fn tell<T>(waiting: &mut Waiting<T>, answer: Option<T>) -> bool {
    if let Some(answer) = answer
        && let Some(waiting) = waiting.take()
    {
        let _ = waiting.send(answer);
    }
    waiting.is_some()
}

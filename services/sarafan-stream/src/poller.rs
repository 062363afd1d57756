//! The polling thread: the only place that reads from the client, and that changes what it reads.
//!
//! It never waits for the handler with more than a bounded delay, except in a revoke, where it is meant to.

mod starting;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use rdkafka::{Offset, Timestamp, TopicPartitionList};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tracing::{debug, warn};

use crate::backpressure::{Advice, Backpressure};
use crate::error::StreamError;
use crate::group::{Control, GroupContext, SharedOwnership, commit_sync, offsets_list};
use crate::metrics::StreamMetrics;
use crate::partition::{Generation, Position, TopicPartition};
use crate::record::{Headers, OwnedHeader, Record};
use crate::record_batch::RecordBatch;
use starting::Starting;

/// How long a poll waits for a record when there is nothing else to do; commands wait as long.
const IDLE_POLL: Duration = Duration::from_millis(20);
/// How often at most the client is asked how far it has read.
const POSITIONS_EVERY: Duration = Duration::from_millis(500);

/// How often the last commit is tried while the group is being rearranged.
const LAST_COMMIT_ATTEMPTS: usize = 30;
const LAST_COMMIT_BACKOFF: Duration = Duration::from_millis(100);

/// What the owner asks of the polling thread.
#[derive(Debug)]
pub(crate) enum Command {
    /// Read these partitions from these offsets, if they are still in these generations.
    Start(Vec<(TopicPartition, Generation, i64)>),
    /// Stop reading these partitions, if they are still in these generations.
    Hold(Vec<(TopicPartition, Generation)>),
    /// Commit, wait for it, and leave.
    Close(Vec<Position>),
}

pub(crate) struct Poller {
    pub(crate) consumer: Arc<BaseConsumer<GroupContext>>,
    pub(crate) group: String,
    pub(crate) ownership: SharedOwnership,
    pub(crate) control: mpsc::Sender<Control>,
    pub(crate) records: mpsc::Sender<RecordBatch>,
    pub(crate) commands: Receiver<Command>,
    pub(crate) metrics: StreamMetrics,
    pub(crate) flow: Backpressure,
    pub(crate) batch: RecordBatch,
    /// Starts that the client was not ready for yet.
    pub(crate) starting: Vec<Starting>,
    pub(crate) began: Instant,
    /// When the client was last asked how far it has read.
    pub(crate) asked: Instant,
}

/// Whether the loop goes on.
enum Step {
    On,
    End,
}

impl Poller {
    /// Polls until told to close, until the owner is gone, or until the consumer fails for good.
    pub(crate) fn run(mut self) {
        let mut nothing_more = true;
        loop {
            if let Step::End = self.serve_commands() {
                break;
            }
            self.try_starts();
            let patience = match self.hand_over(nothing_more) {
                HandOver::Done | HandOver::Paused => IDLE_POLL,
                HandOver::Filling => Duration::ZERO,
                HandOver::Wait { at_most } => {
                    // The owner unparks this thread whenever it has taken a batch.
                    thread::park_timeout(at_most);
                    continue;
                }
                HandOver::OwnerGone => break,
            };
            let consumer = Arc::clone(&self.consumer);
            let polled = consumer.poll(patience);
            nothing_more = polled.is_none();
            match polled {
                None => self.note_positions(),
                Some(Ok(message)) => self.take(&message),
                Some(Err(error)) => {
                    if self.is_of_a_held_partition(&error) {
                        self.start_again();
                    } else if let Some(fatal) = self.judge(error) {
                        // Nothing is polled any more; the owner is told as soon as it looks.
                        if self.control.blocking_send(Control::Fatal(fatal)).is_err() {
                            debug!("the owner has gone");
                        }
                        break;
                    }
                }
            }
        }
        self.consumer.context().close();
    }

    fn serve_commands(&mut self) -> Step {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Start(starts)) => self.starting.extend(starts.into_iter().map(Starting::from)),
                Ok(Command::Hold(partitions)) => self.hold(&partitions),
                Ok(Command::Close(positions)) => {
                    self.last_commit(positions);
                    return Step::End;
                }
                Err(TryRecvError::Empty) => return Step::On,
                Err(TryRecvError::Disconnected) => return Step::End,
            }
        }
    }

    fn hold(&mut self, partitions: &[(TopicPartition, Generation)]) {
        let held: Vec<&TopicPartition> = partitions
            .iter()
            .filter(|(partition, generation)| self.ownership.lock().is_current(partition, *generation))
            .map(|(partition, _)| partition)
            .collect();
        if !held.is_empty() {
            self.pause(held);
        }
    }

    /// The commit at the end. While the group distributes partitions the broker takes none; polling brings that to
    /// its end. The owner is gone, so records are dropped and revokes have nobody to ask.
    fn last_commit(&self, mut positions: Vec<Position>) {
        for _ in 0..LAST_COMMIT_ATTEMPTS {
            positions = self.owned(positions);
            match commit_sync(&self.consumer, &self.metrics, &positions) {
                Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::RebalanceInProgress)) => {
                    drop(self.consumer.poll(LAST_COMMIT_BACKOFF));
                }
                Ok(()) | Err(_) => return,
            }
        }
    }

    fn owned(&self, mut positions: Vec<Position>) -> Vec<Position> {
        let ownership = self.ownership.lock();
        positions.retain(|position| ownership.owns(&position.partition));
        positions
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) {
        let admitted = self.ownership.lock().admit(message.topic(), message.partition(), message.offset());
        let Some((generation, topic)) = admitted else {
            let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
            debug!(topic, partition, offset, "a record that may not pass");
            return;
        };
        let headers = copy_headers(message);
        let record = Record {
            topic: message.topic(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis(),
            by_broker: matches!(message.timestamp(), Timestamp::LogAppendTime(_)),
            key: message.key(),
            value: message.payload(),
            headers: Headers::from_owned(&headers),
        };
        self.batch.push(generation, topic, &record);
    }

    /// Where nothing more is there at the moment, the last offsets may be ones that are never handed out, such as the marker
    /// that ends a transaction. The client's own position is past them: without it lag would never be nothing.
    fn note_positions(&mut self) {
        if self.asked.elapsed() < POSITIONS_EVERY {
            return;
        }
        self.asked = Instant::now();
        let positions = match self.consumer.position() {
            Ok(positions) => positions,
            Err(error) => return debug!(%error, "how far the client has read is not known"),
        };
        let mut ownership = self.ownership.lock();
        for element in positions.elements() {
            // None before the first record after a start.
            let Offset::Offset(offset) = element.offset() else { continue };
            let (topic, partition) = (element.topic(), element.partition());
            if let Some((generation, topic)) = ownership.pass(topic, partition, offset) {
                self.batch.pass(generation, topic, partition, offset);
            }
        }
    }

    /// Gives the batch to the owner when it is full or nothing more is there at the moment.
    fn hand_over(&mut self, nothing_more: bool) -> HandOver {
        if self.batch.is_empty() {
            return HandOver::Done;
        }
        if !nothing_more && !self.batch.is_full() {
            return HandOver::Filling;
        }
        match self.records.try_send(std::mem::take(&mut self.batch)) {
            Ok(()) => {
                if self.flow.drained() {
                    let started = self.ownership.lock().started();
                    debug!(count = started.len(), "the handler has caught up: resuming");
                    self.metrics.paused.set(0);
                    self.resume(&started);
                }
                HandOver::Done
            }
            Err(TrySendError::Full(batch)) => {
                self.batch = batch;
                self.held_up()
            }
            Err(TrySendError::Closed(_)) => HandOver::OwnerGone,
        }
    }

    fn held_up(&mut self) -> HandOver {
        match self.flow.full(self.began.elapsed()) {
            Advice::Wait { at_most } => HandOver::Wait { at_most },
            Advice::Poll => HandOver::Paused,
            Advice::Pause => {
                let started = self.ownership.lock().started();
                debug!(count = started.len(), "the handler is slower than the topic: pausing");
                self.metrics.paused.set(started.len() as i64);
                self.pause(&started);
                HandOver::Paused
            }
        }
    }

    fn pause<'a>(&self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        self.change(partitions, |consumer, list| consumer.pause(list));
    }

    fn resume<'a>(&self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        self.change(partitions, |consumer, list| consumer.resume(list));
    }

    fn change<'a>(
        &self,
        partitions: impl IntoIterator<Item = &'a TopicPartition>,
        change: impl FnOnce(&BaseConsumer<GroupContext>, &TopicPartitionList) -> KafkaResult<()>,
    ) {
        let list = offsets_list(partitions.into_iter().map(|partition| (partition, Offset::Invalid)));
        match list {
            Ok(list) if list.count() == 0 => {}
            Ok(list) => {
                if let Err(error) = change(&self.consumer, &list) {
                    warn!(%error, "partitions could not be paused or resumed");
                }
            }
            Err(error) => warn!(%error, "partitions could not be named"),
        }
    }

    /// The errors after which the consumer cannot go on by itself. All others are passing: the client retries.
    fn judge(&self, error: KafkaError) -> Option<StreamError> {
        let advice = match &error {
            KafkaError::MessageConsumptionFatal(RDKafkaErrorCode::FencedInstanceId) => {
                "another process runs with the same instance id: give each its own"
            }
            KafkaError::MessageConsumptionFatal(_) => "start the process again",
            KafkaError::MessageConsumption(code) => match code {
                RDKafkaErrorCode::AutoOffsetReset => {
                    "the next records were deleted from the topic before they were read: decide where to go on"
                }
                RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic => {
                    "a topic that it reads does not exist: create it or correct the configuration"
                }
                RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::GroupAuthorizationFailed => {
                    "grant it the right to read the topics and to use the group"
                }
                RDKafkaErrorCode::InconsistentGroupProtocol => {
                    "other members of the group assign partitions differently: use a group of its own"
                }
                _ => {
                    warn!(%error, "kafka consumer");
                    return None;
                }
            },
            _ => {
                warn!(%error, "kafka consumer");
                return None;
            }
        };
        Some(StreamError::Consumer { group: self.group.clone(), source: error, advice })
    }
}

/// What became of the batch.
enum HandOver {
    /// There is none any more.
    Done,
    /// It may still grow.
    Filling,
    /// There is no room for it yet; partitions are paused.
    Paused,
    /// There is no room for it yet; wait before polling.
    Wait { at_most: Duration },
    /// Nobody will ever take it.
    OwnerGone,
}

/// The client panics on a header whose name is not UTF-8, which Kafka forbids but does not prevent. Such a record
/// passes without headers: one broken producer must not stop the stream for good.
pub(crate) fn copy_headers(message: &BorrowedMessage<'_>) -> Vec<OwnedHeader> {
    let Some(headers) = message.headers() else { return Vec::new() };
    let copied = catch_unwind(AssertUnwindSafe(|| {
        headers
            .iter()
            .map(|header| OwnedHeader {
                name: header.key.to_owned(),
                value: header.value.map(<[u8]>::to_vec),
            })
            .collect()
    }));
    copied.unwrap_or_else(|_| {
        let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
        warn!(
            topic,
            partition, offset, "a record has a header name that is not UTF-8: its headers are left out"
        );
        Vec::new()
    })
}

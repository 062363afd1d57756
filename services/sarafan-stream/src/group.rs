//! What happens when the group gives partitions and takes them away: the client's callbacks.
//!
//! They run on the polling thread, inside a poll.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use crate::error::StreamError;
use crate::metrics::StreamMetrics;
use crate::ownership::Ownership;
use crate::partition::{Generation, Position, TopicPartition};
use crate::revoke_pending::RevokeSignal;

/// How much longer than the owner's deadline the callback waits, so that an answer in the last moment is heard.
const GRACE: Duration = Duration::from_millis(500);

/// What the polling thread tells the owner.
#[derive(Debug)]
pub(crate) enum Control {
    /// Partitions were given to this member; they are held until started.
    Assigned(Vec<(TopicPartition, Generation)>),
    /// Partitions must be given up; the group waits for the answer.
    Revoke(RevokeRequest),
    /// Partitions went away without asking.
    Lost(Vec<TopicPartition>),
    /// The consumer cannot go on.
    Fatal(StreamError),
}

/// Partitions that must be given up by `deadline`, and where to send what may be committed for them.
#[derive(Debug)]
pub(crate) struct RevokeRequest {
    pub(crate) partitions: Vec<TopicPartition>,
    pub(crate) deadline: Instant,
    pub(crate) answer: SyncSender<Vec<Position>>,
}

/// State that the callbacks, the polling loop and the owner share.
#[derive(Clone, Debug)]
pub(crate) struct SharedOwnership(Arc<Mutex<Ownership>>);

impl SharedOwnership {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Ownership::default())))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Ownership> {
        // No code panics while it holds the lock; and if it did, the table itself would still be sound.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client's context: answers its callbacks.
#[derive(Debug)]
pub(crate) struct GroupContext {
    pub(crate) group: String,
    pub(crate) ownership: SharedOwnership,
    pub(crate) control: mpsc::Sender<Control>,
    pub(crate) signal: RevokeSignal,
    pub(crate) revoke_flush: Duration,
    pub(crate) metrics: StreamMetrics,
    /// Set when the owner has gone: partitions are given up without asking.
    pub(crate) closing: AtomicBool,
}

impl GroupContext {
    /// Takes partitions, paused before they are ours: where to read is the owner's to say, and it may take minutes,
    /// during which the group must not wait for us. The start is a seek.
    ///
    /// They are assigned at a number, not at the "end" or the "beginning": those the client has to ask the broker for,
    /// and when a pause or a seek overtakes the answer it asks once more and goes there, past the start that was
    /// sought. Nothing is fetched at that number, because they are paused.
    fn assign(&self, consumer: &BaseConsumer<Self>, tpl: &TopicPartitionList) -> KafkaResult<()> {
        let partitions = partitions_of(tpl);
        let held = offsets_list(partitions.iter().map(|partition| (partition, Offset::Offset(0))))?;
        // A partition that the client has not heard of yet cannot be paused before it is assigned; it is below.
        if let Err(error) = consumer.pause(&held) {
            debug!(%error, "partitions are paused after they are assigned");
        }
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(&held)?,
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(&held)?,
        }
        if partitions.is_empty() || self.is_closing() {
            return Ok(());
        }
        consumer.pause(&held)?;
        info!(count = partitions.len(), "partitions assigned");
        self.metrics.rebalances_assign.inc();
        let assigned = {
            let mut ownership = self.ownership.lock();
            let take = |partition| {
                let generation = ownership.assign(&partition);
                (partition, generation)
            };
            partitions.into_iter().map(take).collect()
        };
        self.tell(Control::Assigned(assigned));
        Ok(())
    }

    /// Gives partitions up: asks the owner for its last flush, commits what it says, and lets go. If the group has
    /// given them to somebody else already, there is nobody to wait for and nothing to commit.
    fn revoke(&self, consumer: &BaseConsumer<Self>, tpl: &TopicPartitionList) -> KafkaResult<()> {
        let partitions = partitions_of(tpl);
        if !partitions.is_empty() && !self.is_closing() {
            if consumer.assignment_lost() {
                warn!(count = partitions.len(), "partitions lost: the group gave them away without asking");
                self.metrics.rebalances_lost.inc();
                self.forget(&partitions);
                self.tell(Control::Lost(partitions.clone()));
            } else {
                info!(count = partitions.len(), "partitions are being revoked");
                self.metrics.rebalances_revoke.inc();
                let positions = self.ask_for_last_flush(&partitions);
                self.forget(&partitions);
                if !consumer.assignment_lost() && commit_sync(consumer, &self.metrics, &positions).is_err() {
                    warn!("the last commit before a revoke failed; the next owner reads some records again");
                }
            }
        }
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(tpl),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
        }
    }

    fn ask_for_last_flush(&self, partitions: &[TopicPartition]) -> Vec<Position> {
        let deadline = Instant::now() + self.revoke_flush;
        let (answer, answered) = sync_channel(1);
        self.signal.set(deadline);
        self.tell(Control::Revoke(RevokeRequest { partitions: partitions.to_vec(), deadline, answer }));
        let wait = deadline.saturating_duration_since(Instant::now()) + GRACE;
        let positions = answered.recv_timeout(wait).unwrap_or_else(|_| {
            warn!(
                "no last flush before the deadline; what it had not committed is read again by the next owner"
            );
            Vec::new()
        });
        self.signal.clear(deadline);
        positions
    }

    fn forget(&self, partitions: &[TopicPartition]) {
        let mut ownership = self.ownership.lock();
        for partition in partitions {
            ownership.revoke(partition);
        }
    }

    /// The queue has room for far more changes than can wait at once; should it ever be full, polling waits for the
    /// owner, which is right too.
    fn tell(&self, control: Control) {
        if self.control.blocking_send(control).is_err() {
            debug!("the owner has gone");
        }
    }

    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}

impl ClientContext for GroupContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_client(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        warn!(%error, reason, "kafka client");
    }
}

impl ConsumerContext for GroupContext {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, tpl: &mut TopicPartitionList) {
        let done = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(consumer, tpl),
            _ => self.revoke(consumer, tpl),
        };
        if let Err(source) = done {
            error!(error = %source, "the assignment could not be changed");
            self.tell(Control::Fatal(StreamError::Consumer {
                group: self.group.clone(),
                source,
                advice: "start the process again",
            }));
        }
    }
}

/// Commits and waits for the broker; the client tells nobody of the outcome of a commit that is not waited for. A
/// failure is logged besides: the positions are committed again by the next commit or read again by the next owner.
pub(crate) fn commit_sync<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    metrics: &StreamMetrics,
    positions: &[Position],
) -> KafkaResult<()> {
    if positions.is_empty() {
        return Ok(());
    }
    let result = position_list(positions).and_then(|list| consumer.commit(&list, CommitMode::Sync));
    note_commit(metrics, &result);
    result
}

fn note_commit(metrics: &StreamMetrics, result: &KafkaResult<()>) {
    match result {
        Ok(()) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            metrics.last_commit.set(now.as_secs_f64());
        }
        Err(error) => {
            warn!(%error, "a commit failed; the next one covers it");
            metrics.retries_commit.inc();
        }
    }
}

/// Forwards the client's log lines.
pub(crate) fn log_client(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => {
            error!(facility, message, "kafka client");
        }
        RDKafkaLogLevel::Warning => warn!(facility, message, "kafka client"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => info!(facility, message, "kafka client"),
        RDKafkaLogLevel::Debug => debug!(facility, message, "kafka client"),
    }
}

fn partitions_of(tpl: &TopicPartitionList) -> Vec<TopicPartition> {
    tpl.elements().iter().map(|element| TopicPartition::new(element.topic(), element.partition())).collect()
}

/// A list in the client's form.
pub(crate) fn offsets_list<'a>(
    offsets: impl IntoIterator<Item = (&'a TopicPartition, Offset)>,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in offsets {
        list.add_partition_offset(&partition.topic, partition.partition, offset)?;
    }
    Ok(list)
}

/// Positions in the client's form.
fn position_list(positions: &[Position]) -> KafkaResult<TopicPartitionList> {
    offsets_list(positions.iter().map(|position| (&position.partition, Offset::Offset(position.offset))))
}

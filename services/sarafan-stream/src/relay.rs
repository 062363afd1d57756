//! The stateless user: every record becomes records of other topics.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::dead_letter::{DeadLetters, Rejection};
use crate::error::StreamError;
use crate::fail_point;
use crate::frontier::{Frontier, OutOfOrder, Receipt};
use crate::handler::{FlushOutcome, FlushReason, Handler, Revoked};
use crate::metrics::StreamMetrics;
use crate::partition::{AssignedPartition, Position, TopicPartition};
use crate::planted::planted;
use crate::producer::{Producer, ProducerRecord, Sent};
use crate::record::Record;
use crate::revoke_pending::RevokePending;
use crate::start::{FirstStart, start_position};

/// How long before the end of a revoke the relay stops waiting for acknowledgements and answers with what it has.
const ANSWER_MARGIN: Duration = Duration::from_millis(200);

/// How many source records may be tracked at once, over all partitions.
const MAX_OPEN: usize = 200_000;

/// Fail point: what a record became is with the producer, no broker has acknowledged it yet.
const SENT: &str = "relay.sent";
/// Fail point: brokers have acknowledged records, and the source's offset is not committed.
const ACKNOWLEDGED: &str = "relay.acknowledged";

/// Turns one record into any number of others. Pure as far as the engine is concerned: it may be called again for the
/// same record after a restart.
pub trait Transform: Send {
    /// Why it cannot go on. What is wrong with a single record is a dead letter, not an error.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Puts what `record` becomes into `out`; nothing at all is fine.
    fn transform(&mut self, record: &Record<'_>, out: &mut Outbox<'_>) -> Result<(), Self::Error>;
}

/// Takes what a record becomes.
#[derive(Debug)]
pub struct Outbox<'a> {
    dead_letters: &'a DeadLetters,
    metrics: &'a StreamMetrics,
    records: &'a mut Vec<ProducerRecord>,
}

impl Outbox<'_> {
    /// A record to produce.
    pub fn send(&mut self, record: ProducerRecord) {
        self.records.push(record);
    }

    /// `record` cannot be read: its dead letter is produced, and counted by reason.
    pub fn dead_letter(&mut self, record: &Record<'_>, rejection: &Rejection<'_>) {
        self.metrics.dead_letters.with_label_values(&[record.topic, rejection.reason]).inc();
        self.records.push(self.dead_letters.letter(record, rejection));
    }
}

/// Why a [`Relay`] cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RelayError<E: std::error::Error + 'static> {
    /// The Kafka side failed.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The transform failed.
    #[error(transparent)]
    Transform(E),
    /// Records arrived in an order that cannot be: a fault in the engine.
    #[error("records out of order: {0}")]
    OutOfOrder(#[from] OutOfOrder),
    /// A record arrived of a partition that was not assigned: a fault in the engine.
    #[error("{0}: a record of a partition that was not assigned")]
    NotAssigned(TopicPartition),
}

/// A [`Handler`] that produces what its [`Transform`] makes of each record, and lets a source offset be committed only
/// when everything that came of it and of all records before it is acknowledged. At least once: after a crash the
/// records above the committed offset are produced again.
pub struct Relay<T> {
    transform: T,
    producer: Producer,
    dead_letters: DeadLetters,
    first_start: FirstStart,
    revoke_pending: RevokePending,
    metrics: StreamMetrics,
    frontiers: BTreeMap<Arc<str>, BTreeMap<i32, Frontier>>,
    /// What the producer had no room for yet: at most what one batch of records becomes.
    waiting: VecDeque<(ProducerRecord, Receipt)>,
    fresh: Vec<ProducerRecord>,
}

impl<T: Transform> Relay<T> {
    /// A relay for `consumer`'s records, from its committed offsets on, or from where `first_start` says.
    pub fn new(
        transform: T,
        consumer: &crate::Consumer,
        producer: Producer,
        dead_letters: DeadLetters,
        first_start: FirstStart,
    ) -> Self {
        Self {
            transform,
            producer,
            dead_letters,
            first_start,
            revoke_pending: consumer.revoke_pending(),
            metrics: consumer.metrics.clone(),
            frontiers: BTreeMap::new(),
            waiting: VecDeque::new(),
            fresh: Vec::new(),
        }
    }

    async fn send_waiting(&mut self) -> Result<(), StreamError> {
        while let Some((record, receipt)) = self.waiting.front() {
            self.producer.send(record, receipt).await?;
            // The producer expects the acknowledgement itself by now: what held its place may go.
            receipt.acknowledge();
            self.waiting.pop_front();
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), StreamError> {
        self.send_waiting().await?;
        self.producer.settled().await
    }

    fn open(&self) -> usize {
        self.frontiers.values().flat_map(BTreeMap::values).map(Frontier::open).sum()
    }

    fn positions(&mut self) -> Vec<Position> {
        let of_topic = |(topic, of_topic): (&Arc<str>, &mut BTreeMap<i32, Frontier>)| {
            let position = |(partition, frontier): (&i32, &mut Frontier)| {
                Position::new(TopicPartition::new(Arc::clone(topic), *partition), frontier.advance())
            };
            of_topic.iter_mut().map(position).collect::<Vec<Position>>()
        };
        self.frontiers.iter_mut().flat_map(of_topic).collect()
    }
}

impl<T: Transform> Handler for Relay<T> {
    type Error = RelayError<T::Error>;

    async fn assigned(&mut self, parts: &[AssignedPartition]) -> Result<Vec<Position>, Self::Error> {
        let mut starts = Vec::with_capacity(parts.len());
        for part in parts {
            let start = start_position(part, self.first_start)?;
            self.frontiers
                .entry(Arc::clone(&start.partition.topic))
                .or_default()
                .insert(start.partition.partition, Frontier::new(start.offset));
            starts.push(start);
        }
        Ok(starts)
    }

    async fn ready(&mut self) -> Result<(), Self::Error> {
        self.send_waiting().await?;
        // One topic that does not acknowledge must not let the records behind it pile up without bound.
        while self.open() >= MAX_OPEN {
            self.positions();
            if self.open() >= MAX_OPEN {
                self.producer.acknowledged().await?;
            }
        }
        Ok(())
    }

    fn apply(&mut self, record: &Record<'_>) -> Result<(), Self::Error> {
        let mut out =
            Outbox { dead_letters: &self.dead_letters, metrics: &self.metrics, records: &mut self.fresh };
        self.transform.transform(record, &mut out).map_err(RelayError::Transform)?;
        let receipt = Receipt::default();
        for produced in self.fresh.drain(..) {
            let is_letter = self.dead_letters.is_for(&produced);
            if is_letter && planted("planted::poison_drops_neighbours") {
                self.waiting.drain(..).for_each(|(_, receipt)| receipt.acknowledge());
            }
            let unheard = is_letter && planted("planted::dead_letter_not_awaited");
            let receipt = if unheard { Receipt::default() } else { receipt.clone() };
            // In order: nothing overtakes what is waiting.
            if self.waiting.is_empty() && self.producer.try_send(&produced, &receipt)? == Sent::Queued {
                continue;
            }
            if planted("planted::full_queue_drops") {
                continue;
            }
            // Keeps the frontier from passing until the producer has taken the record.
            if !planted("planted::waiting_not_expected") {
                receipt.expect();
            }
            self.waiting.push_back((produced, receipt));
        }
        fail_point::pass(SENT);
        let receipt = if planted("planted::commit_unacknowledged") { Receipt::default() } else { receipt };
        let frontier =
            self.frontiers.get_mut(record.topic).and_then(|topic| topic.get_mut(&record.partition));
        let not_assigned = || RelayError::NotAssigned(TopicPartition::new(record.topic, record.partition));
        Ok(frontier.ok_or_else(not_assigned)?.track(record.offset, receipt)?)
    }

    /// Says what is acknowledged by now. Only when partitions go away does it wait for the rest, and even then what
    /// is acknowledged at the end may be committed: a frontier is right at any moment.
    async fn flush(&mut self, reason: FlushReason) -> Result<FlushOutcome, Self::Error> {
        self.producer.check()?;
        fail_point::pass(ACKNOWLEDGED);
        match reason {
            FlushReason::Full | FlushReason::Age | FlushReason::Idle => {}
            FlushReason::Revoke | FlushReason::Shutdown => {
                let deadline = self.revoke_pending.deadline();
                let left = deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
                if let Ok(settled) = timeout(left.saturating_sub(ANSWER_MARGIN), self.settle()).await {
                    settled?;
                }
            }
        }
        Ok(FlushOutcome { commit: self.positions(), retake: Vec::new() })
    }

    async fn revoked(&mut self, parts: &[TopicPartition], _how: Revoked) -> Result<(), Self::Error> {
        for part in parts {
            if let Some(of_topic) = self.frontiers.get_mut(&part.topic) {
                of_topic.remove(&part.partition);
            }
        }
        Ok(())
    }
}

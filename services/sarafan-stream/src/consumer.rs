//! A member of a consumer group: the owner's end of its queues.

use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::mpsc;
use tracing::warn;

use crate::commits::CommitOutcome;
use crate::config::{ConsumerSettings, KafkaConfig};
use crate::error::StreamError;
use crate::group::{Control, SharedOwnership};
use crate::link::{self, Answer, Link, PollingEnd};
use crate::metrics::StreamMetrics;
use crate::partition::{AssignedPartition, Generation, Position, TopicPartition};
use crate::pulse::Pulse;
use crate::record_batch::RecordBatch;
use crate::revoke_pending::{RevokePending, RevokeSignal};
use crate::unread::{Unread, now_ms};
use crate::watermarks::{AskedEnds, Watermarks};

/// Room for changes of the assignment that the owner has not looked at yet. Each brings partitions that were not
/// owned before, so there can hardly be more than one or two; a full queue only delays polling.
const CONTROL_QUEUE: usize = 64;
/// Pause between two attempts to learn about partitions.
const DESCRIBE_BACKOFF: Duration = Duration::from_millis(500);

/// A member of a consumer group, to be given to [`run`](crate::run).
///
/// It joins the group when it is opened and is polled from then on by a thread of its own; nothing is read before
/// `run` says where to start.
pub struct Consumer {
    pub(crate) settings: ConsumerSettings,
    pub(crate) metrics: StreamMetrics,
    pub(crate) control: mpsc::Receiver<Control>,
    pub(crate) records: mpsc::Receiver<RecordBatch>,
    pub(crate) signal: RevokeSignal,
    revoke_pending: RevokePending,
    pub(crate) watermarks: Watermarks,
    pub(crate) unread: Unread,
    pub(crate) pulse: Pulse,
    ownership: SharedOwnership,
    pub(crate) link: Box<dyn Link>,
}

impl Consumer {
    /// Joins `settings.group` and subscribes to `topics`.
    ///
    /// # Errors
    ///
    /// [`StreamError::Config`] if the client refuses its settings, [`StreamError::Thread`] if the polling thread
    /// cannot be started. Brokers that cannot be reached are no error here: the client keeps trying, and says so in
    /// the log.
    pub fn open(
        kafka: &KafkaConfig,
        settings: ConsumerSettings,
        topics: &[&str],
        metrics: StreamMetrics,
    ) -> Result<Self, StreamError> {
        Self::over(settings, metrics, |settings, metrics, end| {
            link::open(kafka, settings, topics, metrics, end)
        })
    }

    /// A member over the link that `open` makes of the polling end.
    pub(crate) fn over(
        settings: ConsumerSettings,
        metrics: StreamMetrics,
        open: impl FnOnce(&ConsumerSettings, &StreamMetrics, PollingEnd) -> Result<Box<dyn Link>, StreamError>,
    ) -> Result<Self, StreamError> {
        let (control_sender, control) = mpsc::channel(CONTROL_QUEUE);
        let (record_sender, records) = mpsc::channel(settings.channel_batches.max(1));
        let (signal, revoke_pending) = RevokeSignal::new();
        let ownership = SharedOwnership::new();
        let end = PollingEnd {
            ownership: ownership.clone(),
            control: control_sender,
            records: record_sender,
            signal: signal.clone(),
        };
        let link = open(&settings, &metrics, end)?;
        let (watermarks, unread) = (Watermarks::default(), Unread::default());
        Ok(Self {
            settings,
            metrics,
            control,
            records,
            signal,
            revoke_pending,
            watermarks,
            unread,
            pulse: Pulse::default(),
            ownership,
            link,
        })
    }

    /// Has the loop of [`run`](crate::run) say that it turns: at least every `lag_interval_ms`, unless the handler keeps it
    /// waiting. A handler whose loading or flushing may take long is to beat itself.
    #[must_use]
    pub fn with_pulse(self, pulse: Pulse) -> Self {
        Self { pulse, ..self }
    }

    /// The flag that tells a busy handler to come to an end.
    pub fn revoke_pending(&self) -> RevokePending {
        self.revoke_pending.clone()
    }

    /// What of the owned partitions was not read yet, kept current while [`run`](crate::run) runs.
    pub fn unread(&self) -> Unread {
        self.unread.clone()
    }

    /// Reads a partition from `offset` on, if it is still in this generation.
    pub(crate) fn start(&self, starts: Vec<(TopicPartition, Generation, i64)>) -> Result<(), StreamError> {
        self.link.start(starts)
    }

    /// Stops reading partitions; what was read and not yet taken counts as never read. Those that are gone already
    /// are left out of the answer.
    pub(crate) fn hold(
        &self,
        partitions: impl IntoIterator<Item = (TopicPartition, Generation)>,
    ) -> Result<Vec<(TopicPartition, Generation)>, StreamError> {
        let held: Vec<(TopicPartition, Generation)> = {
            let mut ownership = self.ownership.lock();
            partitions
                .into_iter()
                .filter_map(|(partition, known)| {
                    ownership.hold(&partition, known).map(|held| (partition, held))
                })
                .collect()
        };
        self.link.hold(held.clone())?;
        Ok(held)
    }

    /// Commits beside the polling, as far as the partitions are still owned by then.
    pub(crate) fn commit(&self, positions: Vec<Position>) -> Answer<CommitOutcome> {
        self.link.commit(positions)
    }

    /// A batch was taken: whoever polls may be waiting for the room.
    pub(crate) fn took_records(&self) {
        self.link.took_records();
    }

    /// Asks for the ends of `partitions`, beside the polling, without waiting.
    pub(crate) fn ask_ends(&self, partitions: Vec<TopicPartition>) -> AskedEnds {
        let (asked_ms, answer) = (now_ms(), self.link.ends(&partitions));
        AskedEnds { asked_ms, partitions, answer }
    }

    /// Commits `positions`, waits for it, and leaves the group.
    pub(crate) async fn close(self, positions: Vec<Position>) -> Result<(), StreamError> {
        let Self { mut control, mut records, link, .. } = self;
        // Whatever still waits in the queues is for nobody now; a revoke in progress goes on without an answer.
        control.close();
        while control.try_recv().is_ok() {}
        records.close();
        let closed = link.close(positions);
        drop((control, records));
        closed.await.map_err(|_| StreamError::ThreadEnded)
    }
}

/// What the brokers know of `partitions`, asked for beside the polling, for as long as it takes.
pub(crate) async fn describe(
    link: &dyn Link,
    partitions: &[TopicPartition],
    known: &Watermarks,
    metrics: &StreamMetrics,
    pulse: &Pulse,
) -> Result<Vec<AssignedPartition>, StreamError> {
    loop {
        pulse.beat();
        let asked_ms = now_ms();
        match link.describe(partitions).await.map_err(|_| StreamError::ThreadEnded)? {
            Ok(described) => {
                let ends = described.iter().map(|part| (part.partition.clone(), part.high));
                known.update(asked_ms, ends);
                return Ok(described);
            }
            Err(source) if !is_passing(&source) => {
                let request = "asking for committed offsets and ends of partitions".to_owned();
                return Err(StreamError::Request { request, source });
            }
            Err(error) => {
                metrics.retries_offsets.inc();
                warn!(%error, "committed offsets and ends of partitions are not known yet");
                tokio::time::sleep(DESCRIBE_BACKOFF).await;
            }
        }
    }
}

/// True for a failure that goes away without anybody doing anything.
fn is_passing(error: &KafkaError) -> bool {
    !matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
        )
    )
}

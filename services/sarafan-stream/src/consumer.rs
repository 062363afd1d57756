//! A member of a consumer group: the polling thread and the owner's end of its queues.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::warn;

use crate::backpressure::Backpressure;
use crate::client;
use crate::commits::CommitOutcome;
use crate::config::{ConsumerSettings, KafkaConfig};
use crate::error::StreamError;
use crate::group::{Control, GroupContext, SharedOwnership, commit_sync};
use crate::metrics::StreamMetrics;
use crate::partition::{AssignedPartition, Generation, Position, TopicPartition};
use crate::poller::{Command, Poller};
use crate::pulse::Pulse;
use crate::record_batch::RecordBatch;
use crate::revoke_pending::{RevokePending, RevokeSignal};
use crate::unread::{Unread, now_ms};
use crate::watermarks::{self, Watermarks};

/// Room for changes of the assignment that the owner has not looked at yet. Each brings partitions that were not
/// owned before, so there can hardly be more than one or two; a full queue only delays polling.
const CONTROL_QUEUE: usize = 64;
/// Room for commands that the polling thread has not looked at yet; it looks every few milliseconds.
const COMMAND_QUEUE: usize = 1_024;
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
    watermarks: Watermarks,
    pub(crate) unread: Unread,
    pub(crate) pulse: Pulse,
    ownership: SharedOwnership,
    commands: SyncSender<Command>,
    client: Arc<BaseConsumer<GroupContext>>,
    thread: Option<thread::JoinHandle<()>>,
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
        let (control_sender, control) = mpsc::channel(CONTROL_QUEUE);
        let (record_sender, records) = mpsc::channel(settings.channel_batches.max(1));
        let (commands, command_receiver) = sync_channel(COMMAND_QUEUE);
        let (signal, revoke_pending) = RevokeSignal::new();
        let ownership = SharedOwnership::new();
        let context = GroupContext {
            group: settings.group.clone(),
            ownership: ownership.clone(),
            control: control_sender.clone(),
            signal: signal.clone(),
            revoke_flush: settings.revoke_flush(),
            metrics: metrics.clone(),
            closing: AtomicBool::new(false),
        };
        let client: BaseConsumer<GroupContext> =
            client::consumer(kafka, &settings)?.create_with_context(context).map_err(StreamError::config)?;
        client.subscribe(topics).map_err(|source| StreamError::Consumer {
            group: settings.group.clone(),
            source,
            advice: "correct the names of the topics",
        })?;
        metrics.consumes(topics);
        let client = Arc::new(client);
        let poller = Poller {
            consumer: Arc::clone(&client),
            group: settings.group.clone(),
            ownership: ownership.clone(),
            control: control_sender,
            records: record_sender,
            commands: command_receiver,
            metrics: metrics.clone(),
            flow: Backpressure::new(Duration::from_millis(settings.pause_after_ms)),
            batch: RecordBatch::default(),
            starting: Vec::new(),
            began: Instant::now(),
            asked: Instant::now(),
        };
        let thread = thread::Builder::new()
            .name(format!("poll {}", settings.group))
            .spawn(move || poller.run())
            .map_err(StreamError::Thread)?;
        Ok(Self {
            settings,
            metrics,
            control,
            records,
            signal,
            revoke_pending,
            watermarks: Watermarks::default(),
            unread: Unread::default(),
            pulse: Pulse::default(),
            ownership,
            commands,
            client,
            thread: Some(thread),
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

    /// The ends of the owned partitions.
    pub(crate) fn watermarks(&self) -> Watermarks {
        self.watermarks.clone()
    }

    /// What of the owned partitions was not read yet, kept current while [`run`](crate::run) runs.
    pub fn unread(&self) -> Unread {
        self.unread.clone()
    }

    /// Reads a partition from `offset` on, if it is still in this generation.
    pub(crate) fn start(&self, starts: Vec<(TopicPartition, Generation, i64)>) -> Result<(), StreamError> {
        self.send(Command::Start(starts))
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
        self.send(Command::Hold(held.clone()))?;
        Ok(held)
    }

    /// Commits beside the polling thread, as far as the partitions are still owned by then.
    pub(crate) fn commit(&self, mut positions: Vec<Position>) -> JoinHandle<CommitOutcome> {
        let client = Arc::clone(&self.client);
        let ownership = self.ownership.clone();
        let metrics = self.metrics.clone();
        tokio::task::spawn_blocking(move || {
            positions.retain(|position| ownership.lock().owns(&position.partition));
            match commit_sync(&client, &metrics, &positions) {
                Ok(()) => CommitOutcome::Confirmed,
                Err(_) => CommitOutcome::Failed,
            }
        })
    }

    /// A batch was taken: the polling thread may be waiting for the room.
    pub(crate) fn took_records(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// What the brokers know of `partitions`, asked for beside the polling thread, for as long as it takes.
    pub(crate) fn describe(
        &self,
        partitions: Vec<TopicPartition>,
    ) -> impl Future<Output = Result<Vec<AssignedPartition>, StreamError>> + Send + use<> {
        let client = Arc::clone(&self.client);
        let known = self.watermarks.clone();
        let retries = self.metrics.retries_offsets.clone();
        let pulse = self.pulse.clone();
        async move {
            let partitions = Arc::new(partitions);
            loop {
                pulse.beat();
                let (client, partitions) = (Arc::clone(&client), Arc::clone(&partitions));
                let asked_ms = now_ms();
                let described =
                    tokio::task::spawn_blocking(move || watermarks::describe(&client, &partitions)).await;
                match described.map_err(|_| StreamError::ThreadEnded)? {
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
                        retries.inc();
                        warn!(%error, "committed offsets and ends of partitions are not known yet");
                        tokio::time::sleep(DESCRIBE_BACKOFF).await;
                    }
                }
            }
        }
    }

    /// Asks for the ends of `partitions`, beside the polling thread, without waiting.
    pub(crate) fn refresh_watermarks(&self, partitions: Vec<TopicPartition>) -> JoinHandle<()> {
        let client = Arc::clone(&self.client);
        let known = self.watermarks.clone();
        let retries = self.metrics.retries_offsets.clone();
        tokio::task::spawn_blocking(move || {
            let asked_ms = now_ms();
            match watermarks::ends(&client, &partitions, rdkafka::Offset::End) {
                Ok(highs) => known.update(asked_ms, partitions.into_iter().zip(highs)),
                Err(error) => {
                    retries.inc();
                    warn!(%error, "the ends of partitions could not be asked for; lag is older than it should be");
                }
            }
        })
    }

    /// Commits `positions`, waits for it, and leaves the group.
    pub(crate) async fn close(mut self, positions: Vec<Position>) -> Result<(), StreamError> {
        // Whatever still waits in the queues is for nobody now; a revoke in progress goes on without an answer.
        self.control.close();
        while self.control.try_recv().is_ok() {}
        self.records.close();
        self.send(Command::Close(positions))?;
        let thread = self.thread.take();
        drop(self);
        let joined = tokio::task::spawn_blocking(move || thread.map(thread::JoinHandle::join)).await;
        match joined {
            Ok(None | Some(Ok(()))) => Ok(()),
            Ok(Some(Err(_))) | Err(_) => Err(StreamError::ThreadEnded),
        }
    }

    fn send(&self, command: Command) -> Result<(), StreamError> {
        self.commands.try_send(command).map_err(|_| StreamError::ThreadEnded)
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

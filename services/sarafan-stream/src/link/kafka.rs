//! The link over the client library: a polling thread, and requests that block beside it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaResult;
use tokio::sync::oneshot;

use super::{Answer, Link, PollingEnd};
use crate::backpressure::Backpressure;
use crate::client;
use crate::commits::CommitOutcome;
use crate::config::{ConsumerSettings, KafkaConfig};
use crate::error::StreamError;
use crate::group::{GroupContext, SharedOwnership, commit_sync};
use crate::metrics::StreamMetrics;
use crate::partition::{AssignedPartition, Generation, Position, TopicPartition};
use crate::poller::{Command, Poller};
use crate::record_batch::RecordBatch;
use crate::watermarks;

/// Room for commands that the polling thread has not looked at yet; it looks every few milliseconds.
const COMMAND_QUEUE: usize = 1_024;

struct KafkaLink {
    client: Arc<BaseConsumer<GroupContext>>,
    ownership: SharedOwnership,
    metrics: StreamMetrics,
    commands: SyncSender<Command>,
    thread: Option<thread::JoinHandle<()>>,
}

/// Joins `settings.group`, subscribes to `topics` and starts the polling thread.
pub(crate) fn open(
    kafka: &KafkaConfig,
    settings: &ConsumerSettings,
    topics: &[&str],
    metrics: &StreamMetrics,
    end: PollingEnd,
) -> Result<Box<dyn Link>, StreamError> {
    let (commands, command_receiver) = sync_channel(COMMAND_QUEUE);
    let context = GroupContext {
        group: settings.group.clone(),
        ownership: end.ownership.clone(),
        control: end.control.clone(),
        signal: end.signal,
        revoke_flush: settings.revoke_flush(),
        metrics: metrics.clone(),
        closing: AtomicBool::new(false),
    };
    let client: BaseConsumer<GroupContext> =
        client::consumer(kafka, settings)?.create_with_context(context).map_err(StreamError::config)?;
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
        ownership: end.ownership.clone(),
        control: end.control,
        records: end.records,
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
    let (ownership, metrics) = (end.ownership, metrics.clone());
    Ok(Box::new(KafkaLink { client, ownership, metrics, commands, thread: Some(thread) }))
}

impl KafkaLink {
    fn send(&self, command: Command) -> Result<(), StreamError> {
        self.commands.try_send(command).map_err(|_| StreamError::ThreadEnded)
    }

    /// Runs a request on a thread where it may block.
    fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(&BaseConsumer<GroupContext>) -> T + Send + 'static,
    ) -> Answer<T> {
        let client = Arc::clone(&self.client);
        blocking(move || request(&client))
    }
}

/// Does something where it may block. That nobody waits for the outcome any more is no fault. A thread of its own, none of
/// the runtime's: the client library waits for a broker without limit, and a runtime that ends waits for its threads, so
/// a process whose brokers are away would never end.
fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    let (sender, answer) = oneshot::channel();
    // Without a thread the sender is dropped, which whoever waits sees.
    let _ = thread::Builder::new().name("ask kafka".to_owned()).spawn(move || {
        let _ = sender.send(work());
    });
    answer
}

impl Link for KafkaLink {
    fn start(&self, starts: Vec<(TopicPartition, Generation, i64)>) -> Result<(), StreamError> {
        self.send(Command::Start(starts))
    }

    fn hold(&self, partitions: Vec<(TopicPartition, Generation)>) -> Result<(), StreamError> {
        self.send(Command::Hold(partitions))
    }

    fn took_records(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    fn commit(&self, mut positions: Vec<Position>) -> Answer<CommitOutcome> {
        let ownership = self.ownership.clone();
        let metrics = self.metrics.clone();
        self.ask(move |client| {
            positions.retain(|position| ownership.lock().owns(&position.partition));
            match commit_sync(client, &metrics, &positions) {
                Ok(()) => CommitOutcome::Confirmed,
                Err(_) => CommitOutcome::Failed,
            }
        })
    }

    fn describe(&self, partitions: &[TopicPartition]) -> Answer<KafkaResult<Vec<AssignedPartition>>> {
        let partitions = partitions.to_vec();
        self.ask(move |client| watermarks::describe(client, &partitions))
    }

    fn ends(&self, partitions: &[TopicPartition]) -> Answer<KafkaResult<Vec<i64>>> {
        let partitions = partitions.to_vec();
        self.ask(move |client| watermarks::ends(client, &partitions, rdkafka::Offset::End))
    }

    fn close(mut self: Box<Self>, positions: Vec<Position>) -> Answer<()> {
        let (sender, answer) = oneshot::channel();
        let thread = self.thread.take();
        if self.send(Command::Close(positions)).is_err() {
            return answer;
        }
        // Only when the polling thread holds the last of the client does the client leave the group before it ends.
        drop(self);
        let waiting = thread::Builder::new().name("close kafka".to_owned());
        // As above.
        let _ = waiting.spawn(move || {
            if thread.is_some_and(|thread| thread.join().is_ok()) {
                // That nobody waits any more is no fault.
                let _ = sender.send(());
            }
        });
        answer
    }
}

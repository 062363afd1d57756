//! The loop that ties a group member to its handler.

mod declined;
mod lag;
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::{Instant, sleep_until};

use crate::batch::Filling;
use crate::commits::{CommitOutcome, Commits};
use crate::consumer::{Consumer, describe};
use crate::error::{EngineError, StreamError};
use crate::group::Control;
use crate::handler::{FlushOutcome, Handler};
use crate::link::Answer;
use crate::partition::{Generation, Position, TopicPartition};
use crate::record_batch::RecordBatch;
use declined::Declined;
use lag::Lag;
use tally::Tally;

/// Runs `handler` on the partitions that the group gives to `consumer`, until `shutdown` resolves or something fails.
///
/// After `shutdown` the handler gets one last flush, its positions are committed, and the group is left, all within
/// `drain_ms`. After an error the group is left too, so that nobody waits for the session's end.
///
/// # Errors
///
/// [`EngineError::Handler`] with whatever the handler returned; [`EngineError::Stream`] if the consumer cannot go on,
/// or if the last flush did not end in time. After an error nothing more was committed than the handler allowed.
pub async fn run<H: Handler>(
    handler: H,
    consumer: Consumer,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), EngineError<H::Error>> {
    let mut shutdown = std::pin::pin!(shutdown);
    let mut engine = Engine::new(handler, consumer);
    let ended = match engine.work(shutdown.as_mut()).await {
        Ok(End::Shutdown { deadline }) => engine.drain(deadline).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(last) => engine.leave(last).await,
        Err(error) => {
            engine.leave_as_it_is().await;
            Err(error)
        }
    }
}

/// Why the loop ended without an error.
pub(crate) enum End {
    /// The process is to stop by `deadline`.
    Shutdown { deadline: Instant },
}

/// How loading ended.
enum Loaded {
    /// The handler said where to start.
    Starts(Vec<Position>),
    /// Something came that cannot wait.
    Interrupted(Control),
    /// The process is to stop.
    Stopped,
}

type Shutdown<'a, S> = Pin<&'a mut S>;

pub(crate) struct Engine<H> {
    pub(crate) handler: H,
    pub(crate) consumer: Consumer,
    /// Partitions that are being fed, and the generation whose records count.
    pub(crate) active: BTreeMap<TopicPartition, Generation>,
    /// Partitions that wait for the handler to say where to start.
    pub(crate) loading: BTreeMap<TopicPartition, Generation>,
    declined: Declined,
    lag: Lag,
    /// What is to be committed, and the commit that is under way.
    commits: Commits,
    committing: Option<Answer<CommitOutcome>>,
    filling: Filling,
    began: Instant,
}

impl<H: Handler> Engine<H> {
    fn new(handler: H, consumer: Consumer) -> Self {
        let began = Instant::now();
        let idle = Duration::from_millis(consumer.settings.idle_ms);
        let declined_retry = Duration::from_millis(consumer.settings.declined_retry_ms);
        Self {
            filling: Filling::new(consumer.settings.batch, idle, Duration::ZERO),
            handler,
            consumer,
            active: BTreeMap::new(),
            loading: BTreeMap::new(),
            declined: Declined::new(declined_retry, began),
            lag: Lag::new(began),
            commits: Commits::default(),
            committing: None,
            began,
        }
    }

    async fn work<S: Future<Output = ()> + Send>(
        &mut self,
        mut shutdown: Shutdown<'_, S>,
    ) -> Result<End, EngineError<H::Error>> {
        loop {
            self.consumer.pulse.beat();
            if !self.loading.is_empty()
                && let Some(end) = self.load(shutdown.as_mut()).await?
            {
                return Ok(end);
            }
            let flush_at = self.began + self.filling.due_at();
            let flush_due = !self.active.is_empty();
            // The order is the order of harm. Partitions that must be given up have a clock running at the whole
            // group, so they come first; a stop has a clock of its own. A flush that is due comes before more
            // records, else a flood could hold it off and the batch would grow without bound. Lag is only watched, and what
            // was declined has waited already.
            // Records come last, they can wait: in the queue, then in the topic.
            tokio::select! {
                biased;
                control = self.consumer.control.recv() => {
                    self.control(control.ok_or(StreamError::ThreadEnded)?).await?;
                }
                () = shutdown.as_mut() => return Ok(self.stopping()),
                () = sleep_until(flush_at), if flush_due => {
                    if let Some(end) = self.flush_if_due(shutdown.as_mut()).await? {
                        return Ok(end);
                    }
                }
                () = sleep_until(self.lag.next) => self.lag.watch(&self.consumer),
                () = sleep_until(self.declined.next), if !self.declined.is_empty() => {
                    self.loading.extend(self.declined.take());
                }
                batch = next_batch(&mut self.handler, &mut self.consumer.records) => {
                    let Some(batch) = batch? else { return Err(self.why_the_thread_ended().into()) };
                    self.apply(&batch)?;
                    if self.filling.is_full()
                        && let Some(end) = self.flush_if_due(shutdown.as_mut()).await?
                    {
                        return Ok(end);
                    }
                }
            }
        }
    }

    /// The polling thread says why before it ends.
    fn why_the_thread_ended(&mut self) -> StreamError {
        while let Ok(control) = self.consumer.control.try_recv() {
            if let Control::Fatal(error) = control {
                return error;
            }
        }
        StreamError::ThreadEnded
    }

    /// The process is to stop: a handler that is retrying must come to an end too.
    fn stopping(&self) -> End {
        let deadline = Instant::now() + Duration::from_millis(self.consumer.settings.drain_ms);
        self.consumer.signal.set(deadline);
        End::Shutdown { deadline }
    }

    async fn control(&mut self, control: Control) -> Result<(), EngineError<H::Error>> {
        match control {
            Control::Assigned(partitions) => {
                self.loading.extend(partitions);
                self.count_partitions();
                Ok(())
            }
            Control::Revoke(request) => self.give_up(request).await,
            Control::Lost(partitions) => self.lost(&partitions).await,
            Control::Fatal(error) => Err(error.into()),
        }
    }

    /// Has the handler load the partitions that wait for it, and starts them where it says. Polling goes on
    /// meanwhile. Given up as soon as a partition must be; the ones that stay are tried again by the caller.
    async fn load<S: Future<Output = ()> + Send>(
        &mut self,
        mut shutdown: Shutdown<'_, S>,
    ) -> Result<Option<End>, EngineError<H::Error>> {
        let partitions: Vec<TopicPartition> = self.loading.keys().cloned().collect();
        let loaded = {
            let Self { handler, consumer, loading, .. } = self;
            let Consumer { link, watermarks, metrics, pulse, control, .. } = consumer;
            let mut load = std::pin::pin!(async {
                let described = describe(&**link, &partitions, watermarks, metrics, pulse).await?;
                handler.assigned(&described).await.map_err(EngineError::Handler)
            });
            loop {
                tokio::select! {
                    biased;
                    control = control.recv() => match control.ok_or(StreamError::ThreadEnded)? {
                        // More of the same does not disturb what is being loaded. It waits where what follows finds
                        // it: it may be taken away again before its turn comes.
                        Control::Assigned(more) => loading.extend(more),
                        other => break Loaded::Interrupted(other),
                    },
                    () = shutdown.as_mut() => break Loaded::Stopped,
                    starts = load.as_mut() => break Loaded::Starts(starts?),
                }
            }
        };
        let end = match loaded {
            Loaded::Starts(starts) => {
                self.start(&partitions, starts)?;
                None
            }
            Loaded::Interrupted(control) => {
                self.control(control).await?;
                None
            }
            Loaded::Stopped => Some(self.stopping()),
        };
        self.count_partitions();
        Ok(end)
    }

    /// Starts the loaded partitions, after making sure that the handler spoke of exactly those.
    fn start(&mut self, asked: &[TopicPartition], starts: Vec<Position>) -> Result<(), StreamError> {
        let mut unanswered: BTreeSet<&TopicPartition> = asked.iter().collect();
        let mut commands = Vec::with_capacity(starts.len());
        for Position { partition, offset } in starts {
            let generation = self.loading.get(&partition).copied().filter(|_| unanswered.remove(&partition));
            let Some(generation) = generation else { return Err(StreamError::StartMissing { partition }) };
            tracing::info!(%partition, offset, "partition starts");
            commands.push((partition, generation, offset));
        }
        for partition in unanswered {
            if !self.handler.declines(partition) {
                return Err(StreamError::StartMissing { partition: partition.clone() });
            }
            if let Some(generation) = self.loading.remove(partition) {
                tracing::warn!(%partition, "partition is declined: it stays paused and is asked for again");
                self.declined.add(partition.clone(), generation);
            }
        }
        for (partition, generation, offset) in &commands {
            self.loading.remove(partition);
            self.active.insert(partition.clone(), *generation);
            self.lag.begin(partition.clone(), *offset);
        }
        self.consumer.start(commands)
    }

    fn apply(&mut self, batch: &RecordBatch) -> Result<(), EngineError<H::Error>> {
        self.consumer.took_records();
        let now = self.began.elapsed();
        // A record that was read before a revoke or a seek belongs to a generation that is over.
        let counts: Vec<bool> = batch
            .sources()
            .iter()
            .map(|source| self.active.get(&source.partition) == Some(&source.generation))
            .collect();
        let mut tally = vec![Tally::default(); counts.len()];
        for (source, record) in batch.iter() {
            if counts[source] {
                self.handler.apply(&record).map_err(EngineError::Handler)?;
                let bytes = record.size_bytes();
                self.filling.add(bytes, now);
                tally[source].add(bytes, &record);
            }
        }
        for ((source, tally), counts) in batch.sources().iter().zip(tally).zip(counts) {
            if tally.records > 0 {
                let topic: &str = &source.partition.topic;
                self.consumer.metrics.records_consumed.with_label_values(&[topic]).inc_by(tally.records);
                self.consumer.metrics.bytes_consumed.with_label_values(&[topic]).inc_by(tally.bytes);
                self.lag.applied(&source.partition, &tally);
            }
            if let Some(offset) = source.passed.filter(|_| counts) {
                self.lag.passed(&source.partition, offset);
            }
        }
        Ok(())
    }

    /// Flushes if it is due. A stop that comes meanwhile is passed on to the handler, and bounds the flush; lag goes on being
    /// watched, for a flush takes as long as the sink is away.
    async fn flush_if_due<S: Future<Output = ()> + Send>(
        &mut self,
        mut shutdown: Shutdown<'_, S>,
    ) -> Result<Option<End>, EngineError<H::Error>> {
        let Some(reason) = self.filling.due(self.began.elapsed()) else { return Ok(None) };
        let timer = self.consumer.metrics.flush_seconds(reason).start_timer();
        let mut end = None;
        let outcome = {
            let Self { handler, consumer, lag, .. } = self;
            let mut flush = std::pin::pin!(handler.flush(reason));
            loop {
                // What ended first: a flush that is done needs no deadline, and lag is only watched.
                tokio::select! {
                    biased;
                    outcome = flush.as_mut() => break outcome,
                    () = shutdown.as_mut() => {
                        let drain_ms = consumer.settings.drain_ms;
                        let deadline = Instant::now() + Duration::from_millis(drain_ms);
                        consumer.signal.set(deadline);
                        end = Some(End::Shutdown { deadline });
                        break tokio::time::timeout_at(deadline, flush)
                            .await
                            .map_err(|_| StreamError::DrainTimeout { limit_ms: drain_ms })?;
                    }
                    () = sleep_until(lag.next) => lag.watch(consumer),
                }
            }
        };
        timer.observe_duration();
        self.flushed(outcome.map_err(EngineError::Handler)?)?;
        Ok(end)
    }

    /// Takes note of a flush: commits what may be, and stops feeding what is to be loaded anew.
    pub(crate) fn flushed(&mut self, outcome: FlushOutcome) -> Result<(), StreamError> {
        self.filling.flushed(self.began.elapsed());
        let active = &self.active;
        self.commits
            .offer(outcome.commit.into_iter().filter(|position| active.contains_key(&position.partition)));
        self.retake(outcome.retake)?;
        if self.may_commit() {
            self.committing = self.commits.next_commit().map(|positions| self.consumer.commit(positions));
        }
        Ok(())
    }

    /// True if no commit is under way (any more).
    fn may_commit(&mut self) -> bool {
        let ended = match self.committing.as_mut().map(Answer::try_recv) {
            None => return true,
            Some(Err(TryRecvError::Empty)) => return false,
            Some(Ok(outcome)) => outcome,
            Some(Err(TryRecvError::Closed)) => CommitOutcome::Failed,
        };
        self.committing = None;
        self.commits.finished(ended);
        true
    }

    /// Waits for the commit that is under way, so that no older position can arrive after one of a later commit.
    pub(crate) async fn last_commit_ended(&mut self) {
        if let Some(committing) = self.committing.take() {
            self.commits.finished(committing.await.unwrap_or(CommitOutcome::Failed));
        }
    }

    /// Stops feeding partitions until the handler has loaded them again.
    pub(crate) fn retake(&mut self, partitions: Vec<TopicPartition>) -> Result<(), StreamError> {
        let known: Vec<(TopicPartition, Generation)> = partitions
            .into_iter()
            .filter_map(|partition| self.active.remove(&partition).map(|generation| (partition, generation)))
            .collect();
        if known.is_empty() {
            return Ok(());
        }
        tracing::info!(count = known.len(), "partitions are taken again");
        self.commits.forget(known.iter().map(|(partition, _)| partition));
        for (partition, _) in &known {
            self.lag.end(partition, &self.consumer);
        }
        // What went away in between is told to us by a revoke that is already on its way.
        let held = self.consumer.hold(known.iter().cloned())?;
        self.loading.extend(held);
        Ok(())
    }

    /// Forgets partitions that are no longer ours.
    pub(crate) fn forget(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.loading.remove(partition);
            self.active.remove(partition);
            self.declined.forget(partition);
            self.lag.end(partition, &self.consumer);
            let labels = [&*partition.topic, &partition.partition.to_string()];
            // Only partitions that were measured have a gauge to remove.
            let _ = self.consumer.metrics.lag.remove_label_values(&labels);
        }
        self.commits.forget(partitions);
        self.consumer.watermarks.forget(partitions);
        self.count_partitions();
    }

    /// Partitions that are not fed: they wait for the handler, or it declined them.
    pub(crate) fn unfed(&self) -> impl Iterator<Item = TopicPartition> {
        self.loading.keys().cloned().chain(self.declined.names())
    }

    fn count_partitions(&self) {
        let assigned = self.active.len() + self.loading.len() + self.declined.len();
        self.consumer.metrics.assigned.set(assigned as i64);
    }
}

/// The next batch, once the handler has room for it; none if the polling thread has ended. Dropped whenever something else comes first; neither half loses
/// anything by that.
async fn next_batch<H: Handler>(
    handler: &mut H,
    records: &mut mpsc::Receiver<RecordBatch>,
) -> Result<Option<RecordBatch>, EngineError<H::Error>> {
    handler.ready().await.map_err(EngineError::Handler)?;
    Ok(records.recv().await)
}

#[cfg(test)]
mod tests;

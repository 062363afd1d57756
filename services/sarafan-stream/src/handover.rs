//! How the engine lets partitions go: to another member, or because the process stops.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use crate::engine::Engine;
use crate::error::{EngineError, StreamError};
use crate::group::RevokeRequest;
use crate::handler::{FlushReason, Handler, Revoked};
use crate::partition::{Position, TopicPartition};

/// How long a member that has failed waits until its group knows that it is gone.
const LEAVING: Duration = Duration::from_secs(5);

/// What is still to be committed when the process stops, and until when.
pub(crate) struct LastCommit {
    allowed: Vec<Position>,
    deadline: Instant,
}

impl<H: Handler> Engine<H> {
    /// Gives partitions up in order: the last flush (over all partitions, as always), then the handler forgets them,
    /// then the polling thread, which waits for this, commits and lets go.
    pub(crate) async fn give_up(&mut self, request: RevokeRequest) -> Result<(), EngineError<H::Error>> {
        let RevokeRequest { partitions, deadline, answer } = request;
        let fed = partitions.iter().any(|partition| self.active.contains_key(partition));
        let mut allowed = Vec::new();
        let mut how = Revoked::Orderly;
        let mut in_doubt = false;
        if Instant::now() >= deadline {
            how = Revoked::Lost;
        } else if fed {
            let timer = self.consumer.metrics.flush_seconds(FlushReason::Revoke).start_timer();
            match timeout_at(deadline, self.handler.flush(FlushReason::Revoke)).await {
                Ok(outcome) => {
                    let mut outcome = outcome.map_err(EngineError::Handler)?;
                    let goes = |partition: &TopicPartition| partitions.contains(partition);
                    (allowed, outcome.commit) = outcome.commit.into_iter().partition(|p| goes(&p.partition));
                    // All of it, even what was sent before: that commit may still be under way, or fail.
                    allowed.retain(|position| self.active.contains_key(&position.partition));
                    outcome.retake.retain(|partition| !goes(partition));
                    self.flushed(outcome)?;
                }
                Err(_) => {
                    how = Revoked::Lost;
                    in_doubt = true;
                }
            }
            timer.observe_duration();
        }
        self.last_commit_ended().await;
        self.handler.revoked(&partitions, how).await.map_err(EngineError::Handler)?;
        self.forget(&partitions);
        if in_doubt {
            // The flush was cut off in the middle: nobody knows what the others had written in it.
            warn!("the last flush did not end in time: all partitions are taken again");
            self.retake(self.active.keys().cloned().collect())?;
        }
        if answer.send(allowed).is_err() {
            warn!("the last flush ended too late to be committed");
        }
        Ok(())
    }

    /// Partitions are somebody else's already: nothing may be written for them any more.
    pub(crate) async fn lost(&mut self, partitions: &[TopicPartition]) -> Result<(), EngineError<H::Error>> {
        self.handler.revoked(partitions, Revoked::Lost).await.map_err(EngineError::Handler)?;
        self.forget(partitions);
        Ok(())
    }

    /// The end of the process: one last flush. Says what is to be committed, and until when.
    pub(crate) async fn drain(&mut self, deadline: Instant) -> Result<LastCommit, EngineError<H::Error>> {
        let mut allowed: Vec<Position> = Vec::new();
        if !self.active.is_empty() {
            let timer = self.consumer.metrics.flush_seconds(FlushReason::Shutdown).start_timer();
            let flush = timeout_at(deadline, self.handler.flush(FlushReason::Shutdown)).await;
            let outcome = flush.map_err(|_| self.late())?.map_err(EngineError::Handler)?;
            timer.observe_duration();
            allowed = outcome.commit;
            allowed.retain(|position| self.active.contains_key(&position.partition));
        }
        let mut partitions: Vec<TopicPartition> = self.active.keys().cloned().collect();
        partitions.extend(self.unfed());
        if !partitions.is_empty() {
            self.handler.revoked(&partitions, Revoked::Orderly).await.map_err(EngineError::Handler)?;
            self.forget(&partitions);
        }
        if timeout_at(deadline, self.last_commit_ended()).await.is_err() {
            return Err(self.late().into());
        }
        Ok(LastCommit { allowed, deadline })
    }

    /// One last commit, then the group is left.
    pub(crate) async fn leave(self, last: LastCommit) -> Result<(), EngineError<H::Error>> {
        let late = self.late();
        match timeout_at(last.deadline, self.consumer.close(last.allowed)).await {
            Ok(closed) => Ok(closed?),
            Err(_) => Err(late.into()),
        }
    }

    /// Leaves the group after an error: nothing more is committed.
    pub(crate) async fn leave_as_it_is(self) {
        let left = tokio::time::timeout(LEAVING, self.consumer.close(Vec::new())).await;
        if !matches!(left, Ok(Ok(()))) {
            debug!("the group could not be told: it waits for the session's end");
        }
    }

    fn late(&self) -> StreamError {
        StreamError::DrainTimeout { limit_ms: self.consumer.settings.drain_ms }
    }
}

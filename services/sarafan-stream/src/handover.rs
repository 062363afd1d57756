//! How the engine lets partitions go: to another member, or because the process stops.

use tokio::time::{Instant, timeout_at};
use tracing::warn;

use crate::engine::Engine;
use crate::error::{EngineError, StreamError};
use crate::group::RevokeRequest;
use crate::handler::{FlushReason, Handler, Revoked};
use crate::partition::{Position, TopicPartition};

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

    /// The end of the process: one last flush, one last commit, then the group is left.
    pub(crate) async fn drain(mut self, deadline: Instant) -> Result<(), EngineError<H::Error>> {
        let limit_ms = self.consumer.settings.drain_ms;
        let late = |_| StreamError::DrainTimeout { limit_ms };
        let mut allowed: Vec<Position> = Vec::new();
        if !self.active.is_empty() {
            let timer = self.consumer.metrics.flush_seconds(FlushReason::Shutdown).start_timer();
            let flush = self.handler.flush(FlushReason::Shutdown);
            let outcome = timeout_at(deadline, flush).await.map_err(late)?.map_err(EngineError::Handler)?;
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
        timeout_at(deadline, self.last_commit_ended()).await.map_err(late)?;
        timeout_at(deadline, self.consumer.close(allowed)).await.map_err(late)??;
        Ok(())
    }
}

//! One token that tells every task to come to an end.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::RuntimeError;

/// How long a service may drain after SIGTERM.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(10);

/// A request to shut down, which any clone can make and every clone sees. Once made, it stays.
#[derive(Debug, Clone)]
pub struct Shutdown {
    /// Holds the reason once it is requested.
    state: Arc<watch::Sender<Option<String>>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// A token that only [`request`](Self::request) triggers.
    pub fn new() -> Self {
        Self { state: Arc::new(watch::Sender::new(None)) }
    }

    /// A token that SIGTERM and SIGINT trigger. To be called inside a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When the handlers cannot be installed.
    pub fn on_signals() -> Result<Self, RuntimeError> {
        let mut terminate = signal(SignalKind::terminate()).map_err(RuntimeError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(RuntimeError::Signals)?;
        let shutdown = Self::new();
        let token = shutdown.clone();
        tokio::spawn(async move {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            token.request(name);
        });
        Ok(shutdown)
    }

    /// Requests the shutdown. Only the first reason counts.
    pub fn request(&self, reason: impl Into<String>) {
        let reason = reason.into();
        self.state.send_if_modified(|state| {
            let first = state.is_none();
            if first {
                tracing::info!(reason, "shutting down");
                *state = Some(reason);
            }
            first
        });
    }

    /// Whether it was requested. For loops that poll.
    pub fn is_requested(&self) -> bool {
        self.state.borrow().is_some()
    }

    /// Why it was requested.
    pub fn reason(&self) -> Option<String> {
        self.state.borrow().clone()
    }

    /// Returns once it is requested. Safe to be dropped and called again, as in a `select!`.
    pub async fn requested(&self) {
        // The sender lives in `self`, so the channel cannot close.
        let _ = self.state.subscribe().wait_for(Option::is_some).await;
    }

    /// Runs `work` to its end, which may take `deadline` at most after the shutdown was requested. `work` has to look
    /// at the token itself; this only sets the limit.
    ///
    /// # Errors
    ///
    /// When the deadline passed; `work` was dropped then.
    pub async fn drained<F: Future>(&self, deadline: Duration, work: F) -> Result<F::Output, RuntimeError> {
        let expired = async {
            self.requested().await;
            tokio::time::sleep(deadline).await;
        };
        tokio::select! {
            // Work that ends at the deadline has ended.
            biased;
            output = work => Ok(output),
            () = expired => Err(RuntimeError::DrainDeadline(deadline)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_sees_the_first_request_for_ever() {
        let shutdown = Shutdown::new();
        let clone = shutdown.clone();
        assert!(!clone.is_requested());
        shutdown.request("first");
        shutdown.request("second");
        clone.requested().await;
        clone.requested().await;
        assert_eq!(clone.reason().as_deref(), Some("first"));
    }

    #[tokio::test(start_paused = true)]
    async fn work_has_until_the_deadline_after_the_request_and_no_limit_before() {
        let shutdown = Shutdown::new();
        let long = tokio::time::sleep(Duration::from_secs(3600));
        assert!(shutdown.drained(DRAIN_DEADLINE, long).await.is_ok());
        shutdown.request("test");
        let in_time = async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            7
        };
        assert_eq!(shutdown.drained(DRAIN_DEADLINE, in_time).await.unwrap(), 7);
        let late = shutdown.drained(DRAIN_DEADLINE, std::future::pending::<()>()).await.unwrap_err();
        assert_eq!(late.kind(), "drain_deadline");
    }
}

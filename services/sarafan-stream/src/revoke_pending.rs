//! The flag that tells a busy handler to come to an end.

use tokio::sync::watch;
use tokio::time::Instant;

/// Set while partitions must be given up soon, because of a rebalance or because the process stops. A handler that
/// retries looks at it between the attempts, or waits for it beside its back-off. Cheap to clone and to read.
#[derive(Clone, Debug)]
pub struct RevokePending(watch::Receiver<Option<Instant>>);

impl RevokePending {
    /// True while partitions must be given up soon.
    pub fn is_set(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// By when the partitions are gone whatever the handler does, if they must be given up.
    pub fn deadline(&self) -> Option<Instant> {
        *self.0.borrow()
    }

    /// Waits until it is set; at once if it is. Loses nothing when dropped.
    pub async fn wait(&mut self) {
        if self.0.wait_for(Option::is_some).await.is_err() {
            // The consumer is gone, and with it every partition: there is nothing left to be told.
            std::future::pending::<()>().await;
        }
    }
}

/// The side that sets the flag.
#[derive(Clone, Debug)]
pub(crate) struct RevokeSignal(watch::Sender<Option<Instant>>);

impl RevokeSignal {
    pub(crate) fn new() -> (Self, RevokePending) {
        let (sender, receiver) = watch::channel(None);
        (Self(sender), RevokePending(receiver))
    }

    pub(crate) fn set(&self, deadline: Instant) {
        self.0.send_replace(Some(deadline));
    }

    /// Takes back what was set with `deadline`, unless something else was set since (the end of the process).
    pub(crate) fn clear(&self, deadline: Instant) {
        self.0.send_if_modified(|pending| {
            let mine = *pending == Some(deadline);
            if mine {
                *pending = None;
            }
            mine
        });
    }
}

//! What is read beside the flow, for operators: whether views still show this epoch, and ids under two keys. A read that
//! fails is counted and tried again; it stops nothing.

use std::time::Duration;

use sarafan_core::Epoch;
use sarafan_runtime::shutdown::Shutdown;
use sarafan_store::{Store, StoreError};
use tokio::time::{MissedTickBehavior, interval};

use crate::metrics::{CONFLICTS, LIVE_EPOCH, Metrics};

/// How often the live epoch is read: it decides whether figures are believed.
const EPOCH_EVERY: Duration = Duration::from_secs(5);
/// How often conflicts are counted: the view reads all facts.
const CONFLICTS_EVERY: Duration = Duration::from_secs(60);
/// The view counts on the server; a row is an id under two keys.
const CONFLICTS_SQL: &str = "SELECT count() AS conflicts FROM identity_conflicts";

/// Reads them.
pub(crate) struct Watch {
    pub(crate) store: Store,
    pub(crate) epoch: Epoch,
    /// The epoch as metrics name it.
    pub(crate) label: String,
    pub(crate) metrics: Metrics,
}

impl Watch {
    /// Until `shutdown`. The two do not wait for each other: counting conflicts may take seconds.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let epoch = repeat(EPOCH_EVERY, || self.look_at_epoch());
        let conflicts = repeat(CONFLICTS_EVERY, || self.count_conflicts());
        tokio::select! {
            () = epoch => {}
            () = conflicts => {}
            () = shutdown.requested() => {}
        }
    }

    async fn look_at_epoch(&self) {
        match self.store.live_epoch().await {
            Ok(live) => {
                let is_live = i64::from(live == Some(self.epoch));
                self.metrics.epoch_live.with_label_values(&[&self.label]).set(is_live);
            }
            Err(error) => self.failed(LIVE_EPOCH, &error),
        }
    }

    async fn count_conflicts(&self) {
        match self.store.query(CONFLICTS_SQL, &[]).await {
            Ok(found) => {
                let conflicts = found.text(0, "conflicts").and_then(|count| count.parse().ok());
                let gauge = self.metrics.identity_conflicts.with_label_values::<&str>(&[]);
                conflicts.into_iter().for_each(|count| gauge.set(count));
            }
            Err(error) => self.failed(CONFLICTS, &error),
        }
    }

    fn failed(&self, read: &str, error: &StoreError) {
        self.metrics.watch_failures.with_label_values(&[read]).inc();
        tracing::warn!(%error, read, "a read for the metrics failed; trying again later");
    }
}

/// Does something again and again, for ever.
async fn repeat<F: Future<Output = ()>>(every: Duration, mut action: impl FnMut() -> F) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        action().await;
    }
}

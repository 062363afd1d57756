//! What is read beside the flow, for operators: whether views still show this epoch, and ids under two keys. A read that
//! fails is counted and tried again; it stops nothing.

use std::time::Duration;

use sarafan_core::Epoch;
use sarafan_runtime::shutdown::Shutdown;
use sarafan_store::{Store, StoreError};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::metrics::{Board, CONFLICTS, LIVE_EPOCH, Metrics};

/// How often the live epoch is read: it decides whether figures are believed.
const EPOCH_EVERY: Duration = Duration::from_secs(5);
/// After so many reads in a row that failed, nobody knows whether views show this epoch.
const MOST_FAILURES: u32 = 3;
/// How often conflicts are counted: the view reads all facts.
const CONFLICTS_EVERY: Duration = Duration::from_secs(60);
/// How often it is seen who has to count them.
const TURN_EVERY: Duration = Duration::from_secs(1);
/// Who holds this partition counts conflicts, for all: the view is one.
const COUNTING_PARTITION: u16 = 0;
/// The view counts on the server; a row is an id under two keys.
const CONFLICTS_SQL: &str = "SELECT count() AS conflicts FROM identity_conflicts";

/// Reads them.
pub(crate) struct Watch {
    pub(crate) store: Store,
    pub(crate) epoch: Epoch,
    /// The epoch as metrics name it.
    pub(crate) label: String,
    /// Says which partitions are held.
    pub(crate) board: Board,
    pub(crate) metrics: Metrics,
}

impl Watch {
    /// Until `shutdown`. The two do not wait for each other: counting conflicts may take seconds.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        tokio::select! {
            () = self.watch_epoch() => {}
            () = self.watch_conflicts() => {}
            () = shutdown.requested() => {}
        }
    }

    async fn watch_epoch(&self) {
        let (mut ticks, mut failures) = (ticks(EPOCH_EVERY), 0);
        loop {
            ticks.tick().await;
            let live = self.store.live_epoch().await;
            let live = live.map_err(|error| self.failed(LIVE_EPOCH, &error)).ok();
            failures = show_epoch(&self.metrics, &self.label, live.map(|l| l == Some(self.epoch)), failures);
        }
    }

    async fn watch_conflicts(&self) {
        let (mut ticks, mut counted) = (ticks(TURN_EVERY), None::<Instant>);
        loop {
            ticks.tick().await;
            if !self.board.holds(COUNTING_PARTITION) {
                // Not there is as good as removed.
                let _ = self.metrics.identity_conflicts.remove_label_values::<&str>(&[]);
                counted = None;
            } else if counted.is_none_or(|at| at.elapsed() >= CONFLICTS_EVERY) {
                counted = Some(Instant::now());
                self.count_conflicts().await;
            }
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

/// Shows whether views show the epoch, or for a while what was known before; returns how many reads in a row have failed.
fn show_epoch(metrics: &Metrics, label: &str, is_live: Option<bool>, failures: u32) -> u32 {
    let Some(is_live) = is_live else {
        if failures + 1 >= MOST_FAILURES {
            // Not there is as good as removed.
            let _ = metrics.epoch_live.remove_label_values(&[label]);
        }
        return failures.saturating_add(1).min(MOST_FAILURES);
    };
    metrics.epoch_live.with_label_values(&[label]).set(i64::from(is_live));
    0
}

/// Again and again, for ever.
fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
mod tests {
    use prometheus::{Registry, TextEncoder};

    use super::*;

    #[test]
    fn an_epoch_that_cannot_be_read_three_times_in_a_row_is_not_shown_as_live() {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry, &[]).unwrap();
        let shown = || {
            let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
            text.lines().find_map(|line| line.strip_prefix("sarafan_epoch_live").map(str::to_owned))
        };
        let one = Some("{epoch=\"01234567\"} 1".to_owned());
        let reads = [Some(true), None, None, Some(true), None, None, None, None, Some(true), Some(false)];
        let zero = Some("{epoch=\"01234567\"} 0".to_owned());
        let expected = [&one, &one, &one, &one, &one, &one, &None, &None, &one, &zero];
        let mut failures = 0;
        for (place, (read, expected)) in reads.into_iter().zip(expected).enumerate() {
            failures = show_epoch(&metrics, "01234567", read, failures);
            assert_eq!(shown(), *expected, "after read {place}");
        }
    }
}

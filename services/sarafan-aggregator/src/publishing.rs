//! What the outside sees of the partitions held: gauges of each, and the figures of the live ones.

use std::time::{Duration, Instant};

use sarafan_core::Definitions;
use sarafan_core::standing::{Outlook, Overview};
use sarafan_core::vocabulary::{self, Day};

use crate::keeper::{Held, Keeper};
use crate::metrics::{Board, Shown, Snapshot, text_bytes};

/// Figures are gathered no more often.
const EVERY: Duration = Duration::from_secs(1);
/// Nor for more than one part in so many of the time, however many segments there are.
const SHARE: u32 = 20;

/// Bytes of text that segments may take of a scrape, so that the whole stays below two megabytes.
pub(crate) const MOST_BYTES: usize = 1_900_000;

/// Shows figures on the board.
pub(crate) struct Publisher {
    pub(crate) board: Board,
    pub(crate) outlook: Outlook,
    /// The most segments of one dimension that are shown.
    pub(crate) segments: usize,
    /// Before this moment figures need not be gathered again.
    next: Option<Instant>,
}

impl Publisher {
    pub(crate) fn new(board: Board, outlook: Outlook, segments: usize) -> Self {
        Self { board, outlook, segments, next: None }
    }
}

impl Held {
    /// Whether its figures are those that views show.
    fn is_shown(&self) -> bool {
        self.tenure.is_live() && !self.unacknowledged
    }
}

impl Keeper {
    /// What operators see of the partitions held; their figures at most once a second.
    pub(crate) fn publish(&mut self) {
        let entities: u64 = self.held.values().map(|h| h.shard.entities()).sum();
        self.metrics.entities.set(entities.cast_signed());
        for (partition, held) in self.held.iter().filter(|(_, held)| held.tenure.is_live()) {
            let label = partition.to_string();
            self.metrics.visible.with_label_values(&[&label]).set(held.recorded.cast_signed());
        }
        if self.held.values().all(|h| h.tenure.is_live()) {
            self.ready.ready();
        } else {
            self.ready.not_ready("partitions are catching up with what was written before");
        }
        if self.publisher.next.is_none_or(|next| Instant::now() >= next) {
            self.publish_figures();
        }
    }

    /// Shows the figures of the live partitions, and of no other: at once, for what is no longer owned must not be shown.
    pub(crate) fn publish_figures(&mut self) {
        let began = Instant::now();
        let held = self.held.iter().map(|(partition, held)| {
            (*partition, Shown { live: held.is_shown(), term: held.tenure.tenancy().term })
        });
        let held = held.collect();
        let overview = self.overview();
        self.publisher.board.show(Snapshot { held, overview });
        let bytes: u64 = self.held.values().map(|h| h.shard.state_bytes()).sum();
        self.metrics.state_bytes.set(bytes.cast_signed());
        self.publisher.next = Some(began + EVERY.max(began.elapsed() * SHARE));
    }

    fn overview(&mut self) -> Option<Overview> {
        let mut live = self.held.values_mut().filter(|held| held.is_shown()).peekable();
        live.peek()?;
        let mut overview = Overview::new(&self.definitions, self.publisher.outlook, today(&self.definitions));
        live.for_each(|held| held.shard.add_figures(&mut overview));
        overview.fold(self.publisher.segments, MOST_BYTES, text_bytes);
        Some(overview)
    }
}

/// The calendar day in the reporting zone.
fn today(definitions: &Definitions) -> Day {
    definitions.zone.day(now())
}

/// The moment.
pub(crate) fn now() -> vocabulary::Instant {
    let micros = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros());
    vocabulary::Instant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

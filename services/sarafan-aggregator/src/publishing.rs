//! What the outside sees of the partitions held: gauges of each, and the figures of the live ones.

use std::time::Duration;

use sarafan_core::standing::{Outlook, Overview};
use sarafan_core::vocabulary;
use sarafan_store::Warehouse;
use tokio::time::Instant;

use crate::keeper::{Held, Keeper};
use crate::log::Log;
use crate::metrics::{Board, Moment, Shown, Snapshot, text_bytes};

/// Figures are gathered no more often.
const EVERY: Duration = Duration::from_secs(1);
/// Nor for more than one part in so many of the time, however many segments there are.
const SHARE: u32 = 20;
/// Figures that should have been gathered anew so long ago are not shown any more: the keeper stands still.
const PATIENCE: Duration = Duration::from_secs(30);

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

impl<W: Warehouse, L: Log> Keeper<W, L> {
    /// What operators see of the partitions held; their figures at most once a second.
    pub(crate) fn publish(&mut self) {
        self.publish_standing();
        if self.publisher.next.is_none_or(|next| Instant::now() >= next) {
            self.publish_figures();
        }
    }

    /// How far the partitions are, which costs nothing.
    pub(crate) fn publish_standing(&mut self) {
        let entities: u64 = self.held.values().map(|h| h.shard.entities()).sum();
        self.metrics.entities.set(entities.cast_signed());
        for (partition, held) in self.held.iter().filter(|(_, held)| held.tenure.is_live()) {
            let label = partition.to_string();
            self.metrics.visible.with_label_values(&[&label]).set(held.recorded.cast_signed());
        }
        if let Some((partition, refusal)) = self.refused.first_key_value() {
            self.ready.not_ready(format!("partition {partition} is refused: {refusal}"));
        } else if self.held.is_empty() {
            self.ready.not_ready("no partition is assigned");
        } else if self.held.values().all(|h| h.tenure.is_live()) {
            self.ready.ready();
        } else {
            self.ready.not_ready("partitions are catching up with what was written before");
        }
    }

    /// Shows which partitions are held, and no figure until they are gathered anew: at once, for what is no longer owned
    /// must not be shown, and without a recount, for others wait for what is given up.
    pub(crate) fn withdraw_figures(&mut self) {
        let held = self
            .held
            .iter()
            .map(|(partition, held)| (*partition, Shown { live: false, term: held.tenure.tenancy().term }));
        let held = held.collect();
        self.publisher.board.show(Snapshot { held, ..Snapshot::default() });
        self.publisher.next = None;
    }

    /// Shows the figures of the live partitions, and of no other.
    fn publish_figures(&mut self) {
        let began = Instant::now();
        let held = self.held.iter().map(|(partition, held)| {
            (*partition, Shown { live: held.is_shown(), term: held.tenure.tenancy().term })
        });
        let held = held.collect();
        let overview = self.overview();
        let next = began + EVERY.max(began.elapsed() * SHARE);
        let good_until = overview.is_some().then_some((next + PATIENCE).into_std());
        self.publisher.board.show(Snapshot { held, overview, good_until });
        let bytes: u64 = self.held.values().map(|h| h.shard.state_bytes()).sum();
        self.metrics.state_bytes.set(bytes.cast_signed());
        self.publisher.next = Some(next);
    }

    fn overview(&mut self) -> Option<Overview> {
        let mut live = self.held.values_mut().filter(|held| held.is_shown()).peekable();
        live.peek()?;
        let mut overview =
            Overview::new(&self.definitions, self.publisher.outlook, self.definitions.zone.day(now()));
        live.for_each(|held| held.shard.add_figures(&mut overview));
        overview.fold(self.publisher.segments, MOST_BYTES, text_bytes);
        Some(overview)
    }
}

/// The moment.
pub(crate) fn now() -> vocabulary::Instant {
    Moment::now().wall
}

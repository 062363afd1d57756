//! The board that the keeper writes on and that scrapes read: one snapshot at a time, so that a scrape is of one moment.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use sarafan_core::standing::{Outlook, Overview};
use sarafan_core::statistics::normal::critical_z;
use sarafan_core::vocabulary;

use super::figures::{
    BUSINESS_DAY_FAMILY, FAMILIES, NPS_CRITICAL_Z_FAMILY, PARTITION_LIVE_FAMILY, SEGMENT_WINDOW_DAYS_FAMILY,
    SEGMENTS_HIDDEN_FAMILY, TERM_FAMILY, TOPIC_PARTITIONS_FAMILY,
};
use super::segments::segment_families;

/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;
/// The error that all segments together may make (METRICS 2).
const ALPHA: f64 = 0.05;

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// For how long something is true.
    pub(crate) steady: time::Instant,
    /// What day it is.
    pub(crate) wall: vocabulary::Instant,
}

impl Moment {
    /// This one.
    pub(crate) fn now() -> Self {
        let micros = time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros());
        let wall = vocabulary::Instant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
        Self { steady: time::Instant::now(), wall }
    }
}

/// A partition that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Whether its figures are in the snapshot.
    pub(crate) live: bool,
    /// The number of its term.
    pub(crate) term: u32,
}

/// What is shown at one moment.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    /// The partitions held.
    pub(crate) held: BTreeMap<u16, Shown>,
    /// The figures of the live ones; none when none is live.
    pub(crate) overview: Option<Overview>,
    /// When the figures are too old to be shown: whoever should have gathered newer ones by then does not. None without
    /// figures.
    pub(crate) good_until: Option<time::Instant>,
}

impl Snapshot {
    /// The figures, if they are of this moment: gathered lately, with windows that end today.
    fn overview_at(&self, at: &Moment) -> Option<&Overview> {
        let overview = self.overview.as_ref()?;
        let is_fresh = self.good_until.is_some_and(|until| at.steady < until);
        let is_of_today = overview.definitions().zone.day(at.wall) == overview.day();
        (is_fresh && is_of_today).then_some(overview)
    }
}

/// Shared by the keeper and the registry.
#[derive(Debug, Clone)]
pub(crate) struct Board {
    fixed: Arc<Fixed>,
    current: Arc<RwLock<Arc<Snapshot>>>,
}

/// What does not change.
#[derive(Debug)]
struct Fixed {
    descs: Vec<Desc>,
    epoch: String,
    partitions: u32,
    outlook: Outlook,
    critical_z: Vec<f64>,
}

impl Board {
    /// An empty board: of an epoch (the label), for a topic of so many partitions, with critical values for up to so
    /// many segments.
    pub(crate) fn new(
        epoch: &str,
        partitions: u32,
        outlook: Outlook,
        segments: usize,
    ) -> Result<Self, prometheus::Error> {
        let descs = FAMILIES.iter().map(|family| family.desc()).collect::<Result<_, _>>()?;
        let critical_z = (1..=segments).map(|n| critical_z(ALPHA / n as f64)).collect();
        let fixed = Arc::new(Fixed { descs, epoch: epoch.to_owned(), partitions, outlook, critical_z });
        Ok(Self { fixed, current: Arc::default() })
    }

    /// Shows a snapshot instead of the one before.
    pub(crate) fn show(&self, snapshot: Snapshot) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a partition is held.
    pub(crate) fn holds(&self, partition: u16) -> bool {
        self.current().held.contains_key(&partition)
    }

    /// What is to be seen at a moment. Figures that are not of it are left out, and then no partition is live.
    pub(super) fn families(&self, at: &Moment) -> Vec<MetricFamily> {
        let snapshot = self.current();
        let overview = snapshot.overview_at(at);
        let mut families = self.partition_families(&snapshot, overview.is_some()).to_vec();
        if let Some(overview) = overview {
            families.extend(self.overview_families(overview));
        }
        let critical = (1..).zip(&self.fixed.critical_z);
        let critical = critical.map(|(n, z)| NPS_CRITICAL_Z_FAMILY.sample([&n.to_string()], *z));
        families.push(NPS_CRITICAL_Z_FAMILY.filled(critical.collect()));
        families
    }

    fn partition_families(&self, snapshot: &Snapshot, has_figures: bool) -> [MetricFamily; 4] {
        let (mut live, mut terms) = (Vec::new(), Vec::new());
        for (partition, shown) in &snapshot.held {
            let partition = partition.to_string();
            let flag = f64::from(u8::from(shown.live && has_figures));
            live.push(PARTITION_LIVE_FAMILY.sample([&self.fixed.epoch, &partition], flag));
            terms.push(TERM_FAMILY.sample([&partition], shown.term.into()));
        }
        let partitions = TOPIC_PARTITIONS_FAMILY.sample([], self.fixed.partitions.into());
        let window = SEGMENT_WINDOW_DAYS_FAMILY.sample([], self.fixed.outlook.segment_window_days.into());
        [
            PARTITION_LIVE_FAMILY.filled(live),
            TERM_FAMILY.filled(terms),
            TOPIC_PARTITIONS_FAMILY.filled(vec![partitions]),
            SEGMENT_WINDOW_DAYS_FAMILY.filled(vec![window]),
        ]
    }

    fn overview_families(&self, overview: &Overview) -> Vec<MetricFamily> {
        let epoch = self.fixed.epoch.as_str();
        let midnight = f64::from(overview.day().number()) * DAY_SECONDS;
        let hidden = overview.hidden();
        let hidden = hidden.map(|(dimension, n)| SEGMENTS_HIDDEN_FAMILY.sample([epoch, dimension], n as f64));
        let mut families = vec![
            BUSINESS_DAY_FAMILY.filled(vec![BUSINESS_DAY_FAMILY.sample([], midnight)]),
            SEGMENTS_HIDDEN_FAMILY.filled(hidden.collect()),
        ];
        families.extend(segment_families(epoch, overview));
        families
    }
}

impl Collector for Board {
    fn desc(&self) -> Vec<&Desc> {
        self.fixed.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.families(&Moment::now())
    }
}

//! The board that the keeper writes on and that scrapes read: one snapshot at a time, so that a scrape is of one moment.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use sarafan_core::standing::Overview;
use sarafan_core::statistics::normal::critical_z;

use super::figures::{
    BUSINESS_DAY_FAMILY, FAMILIES, NPS_CRITICAL_Z_FAMILY, PARTITION_LIVE_FAMILY, SEGMENTS_HIDDEN_FAMILY,
    TERM_FAMILY, TOPIC_PARTITIONS_FAMILY,
};
use super::segments::segment_families;

/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;
/// The error that all segments together may make (METRICS 2).
const ALPHA: f64 = 0.05;

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
    critical_z: Vec<f64>,
}

impl Board {
    /// An empty board: of an epoch (the label), for a topic of so many partitions, with critical values for up to so
    /// many segments.
    pub(crate) fn new(epoch: &str, partitions: u32, segments: usize) -> Result<Self, prometheus::Error> {
        let descs = FAMILIES.iter().map(|family| family.desc()).collect::<Result<_, _>>()?;
        let critical_z = (1..=segments).map(|n| critical_z(ALPHA / n as f64)).collect();
        let fixed = Arc::new(Fixed { descs, epoch: epoch.to_owned(), partitions, critical_z });
        Ok(Self { fixed, current: Arc::default() })
    }

    /// Shows a snapshot instead of the one before.
    pub(crate) fn show(&self, snapshot: Snapshot) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn partition_families(&self, snapshot: &Snapshot) -> [MetricFamily; 3] {
        let (mut live, mut terms) = (Vec::new(), Vec::new());
        for (partition, shown) in &snapshot.held {
            let partition = partition.to_string();
            let flag = f64::from(u8::from(shown.live));
            live.push(PARTITION_LIVE_FAMILY.sample([&self.fixed.epoch, &partition], flag));
            terms.push(TERM_FAMILY.sample([&partition], shown.term.into()));
        }
        let partitions = TOPIC_PARTITIONS_FAMILY.sample([], self.fixed.partitions.into());
        [
            PARTITION_LIVE_FAMILY.filled(live),
            TERM_FAMILY.filled(terms),
            TOPIC_PARTITIONS_FAMILY.filled(vec![partitions]),
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
        let snapshot = self.current();
        let mut families = self.partition_families(&snapshot).to_vec();
        if let Some(overview) = &snapshot.overview {
            families.extend(self.overview_families(overview));
        }
        let critical = (1..).zip(&self.fixed.critical_z);
        let critical = critical.map(|(n, z)| NPS_CRITICAL_Z_FAMILY.sample([&n.to_string()], *z));
        families.push(NPS_CRITICAL_Z_FAMILY.filled(critical.collect()));
        families
    }
}

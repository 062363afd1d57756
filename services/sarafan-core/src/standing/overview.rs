//! The figures of several partitions together, by the text of their segments.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::figures::{AnswerSeries, Figures, Invited, Population};
use crate::definitions::{Definitions, Scale};
use crate::vocabulary::Day;

/// The segment that stands for those beyond the limit.
pub const OTHER: &str = "other";
/// Name of the dimension, and of its one segment, that everything is in.
const ALL: &str = "all";

/// What is followed beside `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// The one rolling window of segments, days.
    pub segment_window_days: u16,
}

/// Figures of one day by dimension and segment, summed over partitions.
#[derive(Debug, Clone)]
pub struct Overview {
    pub(crate) outlook: Outlook,
    definitions: Arc<Definitions>,
    day: Day,
    all: Figures,
    dimensions: Vec<BTreeMap<Arc<str>, Figures>>,
    hidden: Vec<usize>,
}

impl Overview {
    /// The figures of nobody: `all` has every declared survey at zero.
    pub fn new(definitions: &Arc<Definitions>, outlook: Outlook, day: Day) -> Self {
        let mut all = Figures::default();
        let scored = definitions.surveys.iter().enumerate().filter(|(_, s)| s.scale == Scale::ZeroToTen);
        for (survey, _) in scored {
            let survey = survey as u16;
            for &window_days in &definitions.metrics.windows {
                for population in Population::ALL {
                    all.answers.insert(AnswerSeries { survey, population, window_days }, [[0; 3]; 3]);
                }
                all.invited.insert((survey, window_days), Invited::default());
            }
        }
        let count = definitions.dimensions.len();
        Self {
            outlook,
            definitions: Arc::clone(definitions),
            day,
            all,
            dimensions: vec![BTreeMap::new(); count],
            hidden: vec![0; count],
        }
    }

    /// The day on which its rolling windows end.
    pub fn day(&self) -> Day {
        self.day
    }

    /// What the figures mean.
    pub fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    /// Every segment with its dimension, `all` first.
    pub fn segments(&self) -> impl Iterator<Item = (&str, &str, &Figures)> {
        let named = self.definitions.dimensions.iter().zip(&self.dimensions);
        let cut = named.flat_map(|(dimension, segments)| {
            segments.iter().map(|(segment, figures)| (dimension.name.as_str(), &**segment, figures))
        });
        std::iter::once((ALL, ALL, &self.all)).chain(cut)
    }

    /// How many segments of each dimension were folded into [`OTHER`].
    pub fn hidden(&self) -> impl Iterator<Item = (&str, usize)> {
        let names = self.definitions.dimensions.iter().map(|dimension| dimension.name.as_str());
        names.zip(self.hidden.iter().copied())
    }

    /// Folds all but the `limit` largest segments of each dimension into [`OTHER`]: by customers who bought, then by
    /// answers of the complete window, then by name. One ranking per dimension, whatever the metric.
    pub fn fold(&mut self, limit: usize) {
        for (segments, hidden) in self.dimensions.iter_mut().zip(&mut self.hidden) {
            segments.retain(|_, figures| !figures.is_empty());
            let excess = segments.len().saturating_sub(limit);
            if excess == 0 {
                continue;
            }
            let mut ranked: Vec<(Arc<str>, (i64, i64))> =
                segments.iter().map(|(name, figures)| (Arc::clone(name), figures.size())).collect();
            ranked.sort_by(|(a, larger), (b, smaller)| smaller.cmp(larger).then_with(|| a.cmp(b)));
            let mut other = Figures::default();
            for (name, _) in ranked.drain(limit..) {
                if let Some(figures) = segments.remove(&name) {
                    other.add(&figures);
                }
            }
            segments.entry(Arc::from(OTHER)).or_default().add(&other);
            *hidden += excess;
        }
    }

    /// The figures of a cut, to add to.
    pub(super) fn figures(&mut self, dimension: Option<u16>, segment: &Arc<str>) -> Option<&mut Figures> {
        match dimension {
            None => Some(&mut self.all),
            Some(index) => {
                let segments = self.dimensions.get_mut(usize::from(index))?;
                Some(segments.entry(Arc::clone(segment)).or_default())
            }
        }
    }
}

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

    /// Folds all but the largest segments of each dimension into [`OTHER`]: at most `limit` of a dimension stay, and no more
    /// than together weigh `most` (`weigh` is handed dimension, segment and figures). The largest have most customers who
    /// bought, then most answers in the complete window, then the lesser name: one ranking per dimension, whatever the
    /// metric.
    pub fn fold(&mut self, limit: usize, most: usize, weigh: impl Fn(&str, &str, &Figures) -> usize) {
        let named = self.definitions.dimensions.iter().zip(&mut self.dimensions);
        let ranked: Vec<Ranked> = named
            .map(|(dimension, segments)| {
                segments.retain(|_, figures| !figures.is_empty());
                Ranked::of(segments, |segment, figures| weigh(&dimension.name, segment, figures))
            })
            .collect();
        let largest = ranked.iter().map(|r| r.names.len()).max().unwrap_or(0);
        let together = |limit: usize| ranked.iter().map(|r| r.weight(limit)).sum::<usize>();
        let limit = (0..=limit.min(largest)).rev().find(|limit| together(*limit) <= most).unwrap_or(0);
        for ((segments, hidden), ranked) in self.dimensions.iter_mut().zip(&mut self.hidden).zip(ranked) {
            let mut other = Figures::default();
            for name in ranked.names.iter().skip(limit) {
                if let Some(figures) = segments.remove(name) {
                    other.add(&figures);
                    *hidden += 1;
                }
            }
            if !other.is_empty() {
                segments.entry(Arc::from(OTHER)).or_default().add(&other);
            }
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

/// The segments of a dimension, the largest first.
struct Ranked {
    names: Vec<Arc<str>>,
    /// What the first, the first two, ... weigh together.
    weights: Vec<usize>,
}

impl Ranked {
    fn of(segments: &BTreeMap<Arc<str>, Figures>, weigh: impl Fn(&str, &Figures) -> usize) -> Self {
        let mut ranked: Vec<(&Arc<str>, &Figures)> = segments.iter().collect();
        // Stable: of equals the lesser name comes first.
        ranked.sort_by_cached_key(|(_, figures)| std::cmp::Reverse(figures.size()));
        let mut sum = 0;
        let weights = ranked.iter().map(|(name, figures)| {
            sum += weigh(name, figures);
            sum
        });
        Self {
            weights: weights.collect(),
            names: ranked.into_iter().map(|(name, _)| Arc::clone(name)).collect(),
        }
    }

    /// What the first `limit` weigh together.
    fn weight(&self, limit: usize) -> usize {
        let last = limit.min(self.weights.len());
        last.checked_sub(1).map_or(0, |last| self.weights[last])
    }
}

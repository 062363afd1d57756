//! Records that were applied and that views do not show yet: when each arrived, counted and not listed, so that a hundred
//! thousand a second cost little.

use std::collections::{BTreeMap, HashMap};

use prometheus::HistogramVec;
use sarafan_core::vocabulary::Instant;

/// Records that arrived within so many microseconds are one entry.
const FINEST: i64 = 10_000;
/// Above so many entries of one source they are made coarser: a backlog of hours needs no hundredths of a second.
const MOST: usize = 4_096;

/// Times of arrival, by source.
#[derive(Debug, Default)]
pub(crate) struct Waiting(HashMap<String, Arrivals>);

/// How many arrived, by time / `step`.
#[derive(Debug)]
struct Arrivals {
    step: i64,
    counts: BTreeMap<i64, u64>,
}

impl Waiting {
    /// A record was applied.
    pub(crate) fn add(&mut self, source: &str, received: Instant) {
        match self.0.get_mut(source) {
            Some(arrivals) => arrivals.add(received),
            None => self.0.entry(source.to_owned()).or_default().add(received),
        }
    }

    /// Views show them all, as of `now`: each counts with the time that it took. An entry counts from its start, so that
    /// no delay is made shorter than it was.
    pub(crate) fn shown(&mut self, now: Instant, histogram: &HistogramVec) {
        for (source, arrivals) in &mut self.0 {
            let local = histogram.with_label_values(&[source]).local();
            for (place, records) in std::mem::take(&mut arrivals.counts) {
                let received = place.saturating_mul(arrivals.step);
                let seconds = now.micros().saturating_sub(received).max(0) as f64 / 1e6;
                (0..records).for_each(|_| local.observe(seconds));
            }
            local.flush();
            arrivals.step = FINEST;
        }
    }
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { step: FINEST, counts: BTreeMap::new() }
    }
}

impl Arrivals {
    fn add(&mut self, received: Instant) {
        *self.counts.entry(received.micros().div_euclid(self.step)).or_default() += 1;
        while self.counts.len() > MOST {
            self.step *= 2;
            let mut coarser = BTreeMap::new();
            for (place, records) in std::mem::take(&mut self.counts) {
                *coarser.entry(place.div_euclid(2)).or_default() += records;
            }
            self.counts = coarser;
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus::HistogramOpts;

    use super::*;

    fn histogram() -> HistogramVec {
        let options = HistogramOpts::new("h", "h").buckets(vec![0.5, 1.0, 10.0]);
        HistogramVec::new(options, &["source"]).unwrap()
    }

    /// Records up to each bound.
    fn counts(histogram: &HistogramVec, source: &str) -> Vec<u64> {
        let metric = prometheus::core::Metric::metric(&histogram.with_label_values(&[source]));
        metric.get_histogram().get_bucket().iter().map(|b| b.cumulative_count()).collect()
    }

    #[test]
    fn every_record_counts_once_with_the_time_from_its_arrival() {
        let (mut waiting, histogram) = (Waiting::default(), histogram());
        let at = |seconds: f64| Instant::from_micros((seconds * 1e6) as i64);
        for received in [9.9, 9.905, 9.3, 2.0] {
            waiting.add("shop", at(received));
        }
        waiting.add("surveys", at(11.0));
        waiting.shown(at(10.0), &histogram);
        assert_eq!(counts(&histogram, "shop"), [2, 3, 4]);
        assert_eq!(counts(&histogram, "surveys"), [1, 1, 1], "a clock that is ahead makes no negative delay");
        waiting.shown(at(20.0), &histogram);
        assert_eq!(counts(&histogram, "shop"), [2, 3, 4], "shown once");
    }

    #[test]
    fn a_long_backlog_loses_no_record_and_makes_no_delay_shorter() {
        let (mut waiting, histogram) = (Waiting::default(), histogram());
        let second = 1_000_000;
        for n in 0..50_000 {
            waiting.add("shop", Instant::from_micros(n * second));
        }
        assert!(waiting.0["shop"].counts.len() <= MOST);
        waiting.shown(Instant::from_micros(50_000 * second), &histogram);
        let metric = prometheus::core::Metric::metric(&histogram.with_label_values(&["shop"]));
        assert_eq!(metric.get_histogram().get_sample_count(), 50_000);
        assert_eq!(counts(&histogram, "shop")[0], 0);
    }
}

//! Net Promoter Score: value, adjusted Wald interval, two-sample change (METRICS 2).

use super::Z_95;

/// Scored answers by group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Groups {
    /// Scores 0-6.
    pub detractors: u64,
    /// Scores 7-8.
    pub passives: u64,
    /// Scores 9-10.
    pub promoters: u64,
}

/// Lower and upper bound, in points of NPS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower bound, not below -100.
    pub low: f64,
    /// Upper bound, not above 100.
    pub high: f64,
}

/// A change from one set of answers to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Adjusted difference, in points of NPS.
    pub delta: f64,
    /// Its standard error, in points of NPS.
    pub standard_error: f64,
    /// delta / standard error.
    pub z: f64,
}

/// Adjusted Wald: 0.75 detractors, 1.5 passives and 0.75 promoters are added.
struct Adjusted {
    centre: f64,
    variance: f64,
    answers: f64,
}

impl Groups {
    /// N: all scored answers.
    pub fn answers(&self) -> u64 {
        self.detractors + self.passives + self.promoters
    }

    /// `100 x (promoters - detractors) / N`; none without answers, never 0.
    pub fn nps(&self) -> Option<f64> {
        let n = self.answers();
        (n > 0).then(|| 100.0 * (self.promoters as f64 - self.detractors as f64) / n as f64)
    }

    /// Standard error of the raw NPS, in points.
    pub fn standard_error(&self) -> Option<f64> {
        let n = self.answers() as f64;
        let (p, d) = (self.promoters as f64 / n, self.detractors as f64 / n);
        (n > 0.0).then(|| 100.0 * ((p + d - (p - d).powi(2)) / n).sqrt())
    }

    /// The 95 % interval by adjusted Wald; none without answers.
    pub fn interval(&self) -> Option<Interval> {
        let a = self.adjusted();
        let half = Z_95 * (a.variance / a.answers).sqrt();
        (self.answers() > 0).then(|| Interval {
            low: (100.0 * (a.centre - half)).max(-100.0),
            high: (100.0 * (a.centre + half)).min(100.0),
        })
    }

    /// The change from `before` to these answers; none when either has none.
    pub fn change_from(&self, before: &Self) -> Option<Change> {
        let (now, then) = (self.adjusted(), before.adjusted());
        let delta = 100.0 * (now.centre - then.centre);
        let standard_error = 100.0 * (now.variance / now.answers + then.variance / then.answers).sqrt();
        let z = delta / standard_error;
        (self.answers() > 0 && before.answers() > 0).then_some(Change { delta, standard_error, z })
    }

    fn adjusted(&self) -> Adjusted {
        let answers = self.answers() as f64 + 3.0;
        let (d, p) = ((self.detractors as f64 + 0.75) / answers, (self.promoters as f64 + 0.75) / answers);
        Adjusted { centre: p - d, variance: p + d - (p - d).powi(2), answers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn groups(detractors: u64, passives: u64, promoters: u64) -> Groups {
        Groups { detractors, passives, promoters }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 6e-4
    }

    #[test]
    fn the_reference_table_of_metrics_holds() {
        let table = [
            (groups(1, 2, 3), 33.333, 30.429, -26.743, 71.188),
            (groups(10, 20, 70), 60.0, 6.6332, 45.270, 71.235),
            (groups(25, 25, 50), 25.0, 8.2916, 8.302, 40.242),
            (groups(300, 200, 500), 20.0, 2.7568, 14.547, 25.333),
            (groups(0, 10, 0), 0.0, 0.0, -18.465, 18.465),
        ];
        for (g, nps, se, low, high) in table {
            let interval = g.interval().unwrap();
            assert!(close(g.nps().unwrap(), nps) && close(g.standard_error().unwrap(), se), "{g:?}");
            assert!(close(interval.low, low) && close(interval.high, high), "{g:?} {interval:?}");
        }
    }

    #[test]
    fn the_two_sample_change_is_that_of_metrics() {
        let change = groups(20, 30, 50).change_from(&groups(30, 30, 40)).unwrap();
        assert!(close(change.delta, 19.4175) && close(change.standard_error, 11.2089), "{change:?}");
    }

    #[test]
    fn nobody_asked_has_no_score() {
        assert_eq!((groups(0, 0, 0).nps(), groups(0, 0, 0).interval()), (None, None));
        assert!(groups(0, 0, 0).change_from(&groups(1, 1, 1)).is_none());
    }
}

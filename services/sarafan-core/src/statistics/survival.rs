//! Kaplan-Meier: the probability of a next purchase by day t, for customers some of whom still wait (METRICS 3).

use std::collections::BTreeMap;

use super::Z_95;

/// Gaps in days: how many were closed by a next purchase, and how many are still open at that length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Closed gaps per length.
    pub closed: BTreeMap<u32, u64>,
    /// Open gaps per length reached so far.
    pub open: BTreeMap<u32, u64>,
}

/// The probability of a next purchase by some day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probability {
    /// Kaplan-Meier's estimate, 0..=1.
    pub value: f64,
    /// Greenwood's 95 % interval, clamped to 0..=1; none where nobody is left waiting, for there it is not defined.
    pub interval: Option<(f64, f64)>,
}

impl Gaps {
    /// The probability of a next purchase within `horizon` days; none beyond the longest follow-up.
    pub fn probability_by(&self, horizon: u32) -> Option<Probability> {
        let longest = self.longest()?;
        let nobody_yet = Probability { value: 0.0, interval: Some((0.0, 0.0)) };
        (longest >= horizon).then(|| self.curve(horizon).last().map_or(nobody_yet, |(_, by)| *by))
    }

    /// The probability of a next purchase by every day up to `last` on which somebody came back, earliest first: it
    /// stays as it is in between, and up to the [longest](Self::longest) follow-up.
    pub fn curve(&self, last: u32) -> Vec<(u32, Probability)> {
        let (mut survival, mut greenwood) = (1.0_f64, 0.0_f64);
        let mut waiting = self.at_risk(0);
        let mut open = self.open.iter().peekable();
        let step = |(&gap, &closed): (&u32, &u64)| {
            while let Some((_, n)) = open.next_if(|(reached, _)| **reached < gap) {
                waiting -= n;
            }
            let (risk, events) = (waiting as f64, closed as f64);
            waiting -= closed;
            survival *= 1.0 - events / risk;
            if risk > events {
                greenwood += events / (risk * (risk - events));
            }
            let half = Z_95 * survival * greenwood.sqrt();
            let value = 1.0 - survival;
            let interval = (survival > 0.0).then(|| ((value - half).max(0.0), (value + half).min(1.0)));
            (gap, Probability { value, interval })
        };
        self.closed.range(..=last).map(step).collect()
    }

    /// The longest gap, closed or open; none without customers.
    pub fn longest(&self) -> Option<u32> {
        self.closed.keys().chain(self.open.keys()).max().copied()
    }

    /// The first length by which at least half have come back; none if fewer ever did.
    pub fn median(&self) -> Option<u32> {
        // A product of fractions may miss one half by its last digit.
        let by = |gap: &&u32| self.probability_by(**gap).is_some_and(|p| p.value >= 0.5 - 1e-9);
        self.closed.keys().find(by).copied()
    }

    /// Customers whose gap is at least this long, closed or open.
    pub fn at_risk(&self, gap: u32) -> u64 {
        self.closed.range(gap..).chain(self.open.range(gap..)).map(|(_, n)| n).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toy() -> Gaps {
        Gaps { closed: BTreeMap::from([(10, 1), (20, 1), (40, 1)]), open: BTreeMap::from([(30, 1), (50, 1)]) }
    }

    #[test]
    fn the_toy_of_metrics_comes_out() {
        let found = [10, 20, 30, 40, 50].map(|t| toy().probability_by(t).unwrap().value);
        for (found, expected) in found.into_iter().zip([0.2, 0.4, 0.4, 0.7, 0.7]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert_eq!((toy().median(), toy().at_risk(21)), (Some(40), 3));
    }

    #[test]
    fn nothing_is_said_beyond_the_longest_follow_up() {
        assert!(toy().probability_by(51).is_none());
        assert!(Gaps::default().probability_by(1).is_none());
    }

    #[test]
    fn the_curve_has_a_point_per_day_on_which_somebody_came_back() {
        let found: Vec<(u32, f64)> = toy().curve(45).into_iter().map(|(day, by)| (day, by.value)).collect();
        assert_eq!(found.iter().map(|(day, _)| *day).collect::<Vec<_>>(), [10, 20, 40]);
        for (day, value) in found {
            assert!((value - toy().probability_by(day).unwrap().value).abs() < 1e-12, "{day}");
        }
        assert_eq!((toy().curve(9), toy().longest()), (Vec::new(), Some(50)));
    }

    #[test]
    fn where_nobody_is_left_waiting_there_is_no_interval() {
        let all = Gaps { closed: BTreeMap::from([(10, 2)]), open: BTreeMap::new() };
        assert_eq!(all.probability_by(10), Some(Probability { value: 1.0, interval: None }));
    }

    #[test]
    fn greenwoods_interval_is_that_of_the_formula() {
        // S(20) = 0.6, variance = S^2 x (1/(5x4) + 1/(4x3)) = 0.048.
        let p = toy().probability_by(20).unwrap();
        let half = Z_95 * 0.048_f64.sqrt();
        let (low, high) = p.interval.unwrap();
        assert!((low - (0.4 - half).max(0.0)).abs() < 1e-12 && (high - (0.4 + half)).abs() < 1e-12);
    }
}

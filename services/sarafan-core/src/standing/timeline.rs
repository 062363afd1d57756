//! Running sums over calendar days: what holds on a few days near today, kept while days and contributions move.

use std::collections::BTreeMap;
use std::ops::Bound;

/// The sums of daily differences up to each of `M` days, and the differences after the earliest of them.
///
/// A contribution made on a day is in the sum of every later day. Days before the earliest one asked for are sums only,
/// so that memory does not grow with history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timeline<const M: usize, const V: usize> {
    /// The days that are asked for, in no particular order.
    marks: [i32; M],
    sums: [[i64; V]; M],
    /// Differences on days after the earliest mark.
    later: BTreeMap<i32, [i64; V]>,
}

impl<const M: usize, const V: usize> Timeline<M, V> {
    /// Nothing has happened on any day.
    pub(super) fn new(marks: [i32; M]) -> Self {
        Self { marks, sums: [[0; V]; M], later: BTreeMap::new() }
    }

    /// What holds on each of the marked days.
    pub(super) fn sums(&self) -> &[[i64; V]; M] {
        &self.sums
    }

    /// Whether nothing holds on the marked days nor changes later.
    pub(super) fn is_empty(&self) -> bool {
        self.later.is_empty() && self.sums == [[0; V]; M]
    }

    /// Adds a difference on a day.
    pub(super) fn add(&mut self, day: i32, difference: [i64; V]) {
        for (mark, sum) in self.marks.iter().zip(&mut self.sums) {
            if day <= *mark {
                accumulate(sum, difference);
            }
        }
        if day > self.earliest() {
            let held = self.later.entry(day).or_insert([0; V]);
            accumulate(held, difference);
            if *held == [0; V] {
                self.later.remove(&day);
            }
        }
    }

    /// Marks later days; none may lie before the one that it replaces.
    pub(super) fn move_to(&mut self, marks: [i32; M]) {
        for ((old, new), sum) in self.marks.into_iter().zip(marks).zip(&mut self.sums) {
            for (_, difference) in self.later.range((Bound::Excluded(old), Bound::Included(new.max(old)))) {
                accumulate(sum, *difference);
            }
        }
        self.marks = marks;
        self.later = self.later.split_off(&self.earliest().saturating_add(1));
    }

    fn earliest(&self) -> i32 {
        self.marks.into_iter().min().unwrap_or(i32::MAX)
    }
}

fn accumulate<const V: usize>(sum: &mut [i64; V], difference: [i64; V]) {
    for (sum, change) in sum.iter_mut().zip(difference) {
        *sum += change;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn sums_are_those_of_all_differences_up_to_the_day_whenever_they_came(
            steps in vec((0..3_i32, vec((-40..40_i32, -3..4_i64), 0..6)), 1..12),
        ) {
            let marks = |today: i32| [today, today - 1, today - 8];
            let (mut today, mut all) = (0, Vec::new());
            let mut timeline = Timeline::new(marks(today));
            for (days, news) in steps {
                today += days;
                timeline.move_to(marks(today));
                for (day, value) in news {
                    timeline.add(day, [value]);
                    all.push((day, value));
                }
                let upto = |mark: i32| [all.iter().filter(|(day, _)| *day <= mark).map(|(_, v)| v).sum()];
                prop_assert_eq!(*timeline.sums(), marks(today).map(upto));
                prop_assert!(timeline.later.keys().all(|day| *day > today - 8), "{:?}", timeline);
            }
        }
    }
}

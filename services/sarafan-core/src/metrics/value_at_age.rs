//! `value_at_age`: revenue and margin within the first 90, 180, 365 and 730 days of a customer (METRICS 4).
//!
//! Under the day of the first order, so that a view can leave out customers who are not old enough yet.

use super::Cells;
use super::cohorts::lines;
use crate::rollup::Rollup;
use crate::state::settled::Settled;

const AGES_DAYS: [i32; 4] = [90, 180, 365, 730];

pub(super) fn contribute(settled: &Settled, cells: &mut Cells) {
    for purse in &settled.purses {
        let Some(born) = purse.days.first() else { continue };
        for age in AGES_DAYS {
            let inside = lines(settled, purse.currency).filter(|line| line.day.since(*born) < age);
            let (revenue, margin) = inside.fold((0, 0), |(r, m), line| (r + line.revenue, m + line.margin));
            let keys = [purse.currency.number().cast_signed(), age, born.number()];
            cells.add(Rollup::ValueAtAge, &settled.cuts, keys, [1, revenue, margin]);
        }
    }
}

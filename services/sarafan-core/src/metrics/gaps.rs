//! `gaps_closed` and `gaps_open`: whole days between consecutive purchases, and who still waits since when (METRICS 3).
//!
//! The funnel, its conversion and its Kaplan-Meier figures as of any day follow from the two.

use super::Cells;
use crate::rollup::Rollup;
use crate::state::settled::Settled;

pub(super) fn contribute(settled: &Settled, cells: &mut Cells) {
    let purchases = &settled.purchases;
    for (step, pair) in (1_i32..).zip(purchases.windows(2)) {
        let gap = pair[1].day.since(pair[0].day);
        cells.add(Rollup::GapsClosed, &settled.cuts, [step, gap], [1]);
    }
    if let Some(latest) = purchases.last() {
        let step = i32::try_from(purchases.len()).unwrap_or(i32::MAX);
        cells.add(Rollup::GapsOpen, &settled.cuts, [step, latest.day.number()], [1]);
    }
}

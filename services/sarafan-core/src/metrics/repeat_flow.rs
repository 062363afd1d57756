//! `repeat_flow`: purchases per month that were somebody's first, second, third, ... (METRICS 3).

use super::Cells;
use crate::rollup::Rollup;
use crate::state::settled::Settled;

pub(super) fn contribute(settled: &Settled, cells: &mut Cells) {
    for (step, purchase) in (1_i32..).zip(&settled.purchases) {
        let month = purchase.day.month().first_day().number();
        cells.add(Rollup::RepeatFlow, &settled.cuts, [month, step], [1]);
    }
}

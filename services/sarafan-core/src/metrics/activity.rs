//! `activity`: new, returning, reactivated and lapsed customers per month (METRICS 3).
//!
//! The month after the latest one bought in is one of lapsing whether it has come or not: views hide the future, for
//! the fold has no clock.

use super::Cells;
use crate::rollup::Rollup;
use crate::state::settled::Settled;
use crate::vocabulary::Month;

const NEW: [i128; 4] = [1, 0, 0, 0];
const RETURNING: [i128; 4] = [0, 1, 0, 0];
const REACTIVATED: [i128; 4] = [0, 0, 1, 0];
const LAPSED: [i128; 4] = [0, 0, 0, 1];

pub(super) fn contribute(settled: &Settled, cells: &mut Cells) {
    let mut bought = 0;
    let mut previous: Option<i32> = None;
    let months: Vec<i32> = settled.purchases.iter().map(|p| p.day.month().number()).collect();
    for month in months.chunk_by(|a, b| a == b) {
        let (now, purchases) = (month[0], month.len());
        bought += purchases;
        let state = match previous {
            None => NEW,
            Some(before) if before + 1 == now => RETURNING,
            Some(before) => {
                add(settled, before + 1, LAPSED, 0, cells);
                REACTIVATED
            }
        };
        add(settled, now, state, i128::from(bought >= 2), cells);
        previous = Some(now);
    }
    if let Some(last) = previous {
        add(settled, last + 1, LAPSED, 0, cells);
    }
}

fn add(settled: &Settled, month: i32, state: [i128; 4], repeat: i128, cells: &mut Cells) {
    let [new, returning, reactivated, lapsed] = state;
    let first_day = Month::from_number(month).first_day().number();
    cells.add(Rollup::Activity, &settled.cuts, [first_day], [new, returning, reactivated, lapsed, repeat]);
}

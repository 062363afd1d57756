//! The metrics: one file each, all of the same shape. `contribute` says what a settled customer adds to the cells of
//! its rollup; it is a pure function, so what was added can be taken away again exactly.

mod activity;
mod cells;
mod cohorts;
mod gaps;
mod invitations;
mod ltv;
mod ltv_yearly;
mod nps_scores;
mod nps_windows;
mod repeat_flow;
mod sales_daily;
mod value_at_age;

pub(crate) use cells::{CellKey, Cells, Values};
pub(crate) use nps_windows::POPULATIONS;

use crate::definitions::Definitions;
use crate::state::settled::Settled;
use crate::words::Words;

/// What a metric may look at beside the customer.
pub(crate) struct Basis<'a> {
    pub(crate) definitions: &'a Definitions,
    pub(crate) words: &'a Words,
}

/// Everything that a settled customer adds to the cells.
pub(crate) fn contribute(settled: &Settled, basis: &Basis<'_>, cells: &mut Cells) {
    nps_scores::contribute(settled, cells);
    nps_windows::contribute(settled, basis, cells);
    invitations::contribute(settled, cells);
    sales_daily::contribute(settled, cells);
    if settled.is_customer {
        gaps::contribute(settled, cells);
        repeat_flow::contribute(settled, cells);
        activity::contribute(settled, cells);
        ltv::contribute(settled, cells);
        value_at_age::contribute(settled, cells);
        ltv_yearly::contribute(settled, cells);
        cohorts::contribute(settled, cells);
    }
}

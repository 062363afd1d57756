//! `ltv`: the sums behind lifetime value, per currency (METRICS 4).
//!
//! S = revenue / purchases, C = purchases / months, P = margin / revenue, t = months / customers; their product is the
//! margin per customer, exactly, because every factor is a ratio of the same integers.

use super::Cells;
use crate::cuts::ALL;
use crate::rollup::Rollup;
use crate::state::settled::Settled;

pub(super) fn contribute(settled: &Settled, cells: &mut Cells) {
    for purse in &settled.purses {
        let keys = [purse.currency.number().cast_signed()];
        if purse.is_refund_only() {
            let mut values = [0; 9];
            values[8] = purse.refunded;
            cells.add(Rollup::Ltv, &[ALL], keys, values);
            continue;
        }
        let values = [
            1,
            purse.orders,
            purse.days.len() as i128,
            purse.months_487(),
            purse.gross,
            purse.refunded,
            purse.revenue,
            purse.margin,
        ];
        cells.add(Rollup::Ltv, &settled.cuts, keys, values);
    }
}

//! `sales_daily`: orders and money per day and currency, guests included (METRICS 1).
//!
//! Revenue stands on the order's day; `refunds_booked` is the same money by the day it was given back.

use super::Cells;
use crate::rollup::Rollup;
use crate::state::settled::Settled;

pub(super) fn contribute(settled: &Settled, cells: &mut Cells) {
    for (index, order) in settled.orders.iter().enumerate() {
        let keys = [order.day.number(), order.currency.number().cast_signed()];
        let values = [
            1,
            i128::from(order.opens_purchase),
            i128::from(settled.is_customer && index == 0),
            i128::from(!settled.is_customer),
            i128::from(order.amount),
            i128::from(order.refunded),
            i128::from(order.revenue()),
            order.margin,
        ];
        cells.add(Rollup::SalesDaily, &order.cuts, keys, values);
    }
    for refund in &settled.booked {
        let keys = [refund.day.number(), refund.currency.number().cast_signed()];
        let mut values = [0; 9];
        values[8] = i128::from(refund.amount);
        cells.add(Rollup::SalesDaily, &refund.cuts, keys, values);
    }
}

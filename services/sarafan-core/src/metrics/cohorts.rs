//! `cohorts`: customers active, purchases and money by month since the first purchase (METRICS 4).

use std::collections::BTreeSet;

use super::Cells;
use crate::rollup::Rollup;
use crate::state::settled::Settled;
use crate::vocabulary::{Day, Symbol};

/// Money on a day: an order's, or a refund that names no order (negative).
pub(super) struct Line {
    pub(super) day: Day,
    pub(super) revenue: i128,
    pub(super) margin: i128,
}

/// The customer's money in one currency.
pub(super) fn lines(settled: &Settled, currency: Symbol) -> impl Iterator<Item = Line> {
    let orders = settled.orders.iter().filter(move |o| o.currency == currency);
    let orders = orders.map(|o| Line { day: o.day, revenue: i128::from(o.revenue()), margin: o.margin });
    let loose = settled.loose.iter().filter(move |r| r.currency == currency);
    orders.chain(loose.map(|r| Line { day: r.day, revenue: -i128::from(r.amount), margin: -r.margin }))
}

pub(super) fn contribute(settled: &Settled, cells: &mut Cells) {
    for purse in &settled.purses {
        let Some(born) = purse.days.first().map(|d| d.month()) else { continue };
        let currency = purse.currency.number().cast_signed();
        let mut add = |day: Day, values: [i128; 4]| {
            // A refund from before the first purchase belongs to its month.
            let index = (day.month().number() - born.number()).max(0);
            let keys = [born.first_day().number(), index, currency];
            cells.add(Rollup::Cohorts, &settled.cuts, keys, values);
        };
        for day in &purse.days {
            add(*day, [0, 1, 0, 0]);
        }
        let months: BTreeSet<i32> = purse.days.iter().map(|d| d.month().number()).collect();
        for month in months {
            add(crate::vocabulary::Month::from_number(month).first_day(), [1, 0, 0, 0]);
        }
        for line in lines(settled, purse.currency) {
            add(line.day, [0, 0, line.revenue, line.margin]);
        }
    }
}

//! `ltv_yearly` and `core_customers`: money by year of purchase and cohort year, customers by calendar years bought in
//! (METRICS 4).

use std::collections::BTreeSet;

use super::Cells;
use super::cohorts::lines;
use crate::rollup::Rollup;
use crate::state::settled::Settled;

pub(super) fn contribute(settled: &Settled, cells: &mut Cells) {
    let years: BTreeSet<i32> = settled.purchases.iter().map(|p| p.day.year()).collect();
    if !years.is_empty() {
        cells.add(Rollup::CoreCustomers, &settled.cuts, [years.len() as i32], [1]);
    }
    for purse in &settled.purses {
        let Some(born) = purse.days.first().map(|d| d.year()) else { continue };
        let currency = purse.currency.number().cast_signed();
        let mut add = |year: i32, values: [i128; 4]| {
            cells.add(Rollup::LtvYearly, &settled.cuts, [year, born, currency], values);
        };
        for day in &purse.days {
            add(day.year(), [0, 1, 0, 0]);
        }
        for year in purse.days.iter().map(|d| d.year()).collect::<BTreeSet<i32>>() {
            add(year, [1, 0, 0, 0]);
        }
        for line in lines(settled, purse.currency) {
            // A refund from before the first purchase belongs to its year.
            add(line.day.year().max(born), [0, 0, line.revenue, line.margin]);
        }
    }
}

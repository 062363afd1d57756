//! Cells that count customers by their purchases (METRICS 3): gaps, flow, activity, years bought.

use std::collections::BTreeSet;

use sarafan_core::rollup::Rollup;

use super::Sheet;
use super::facts::Facts;
use super::segments::{self, Cut, first_of_month, month_index, year_and_month};
use crate::plain::Plain;

/// Counts them all.
pub(crate) fn count(facts: &Facts<'_>, sheet: &mut Sheet) {
    for (key, orders) in facts.by_customer() {
        let cuts = segments::of_customer(facts, key);
        let days: Vec<i32> = facts.purchases(&orders).iter().map(|p| p.day).collect();
        gaps(&days, &cuts, sheet);
        activity(&days, &cuts, sheet);
        let years: BTreeSet<i32> = days.iter().map(|d| year_and_month(*d).0).collect();
        sheet.add(Rollup::CoreCustomers, &cuts, &[number(years.len())], &[("customers", 1)]);
    }
}

fn gaps(days: &[i32], cuts: &[Cut], sheet: &mut Sheet) {
    for (place, day) in days.iter().enumerate() {
        let step = number(place + 1);
        let month = Plain::Int(first_of_month(month_index(*day)).into());
        sheet.add(Rollup::RepeatFlow, cuts, &[month, step.clone()], &[("purchases", 1)]);
        match days.get(place + 1) {
            Some(next) => {
                let gap = Plain::Int((next - day).into());
                sheet.add(Rollup::GapsClosed, cuts, &[step, gap], &[("customers", 1)]);
            }
            None => {
                let since = Plain::Int((*day).into());
                sheet.add(Rollup::GapsOpen, cuts, &[step, since], &[("customers", 1)]);
            }
        }
    }
}

fn activity(days: &[i32], cuts: &[Cut], sheet: &mut Sheet) {
    let months: BTreeSet<i32> = days.iter().map(|d| month_index(*d)).collect();
    let (Some(first), Some(last)) = (months.first().copied(), months.last().copied()) else { return };
    for month in first..=last + 1 {
        let (now, before) = (months.contains(&month), months.contains(&(month - 1)));
        let state = match (now, before) {
            (true, _) if month == first => "new",
            (true, true) => "returning",
            (true, false) => "reactivated",
            (false, true) => "lapsed",
            (false, false) => continue,
        };
        let so_far = days.iter().filter(|d| month_index(**d) <= month).count();
        let repeat = i128::from(now && so_far >= 2);
        let key = Plain::Int(first_of_month(month).into());
        sheet.add(Rollup::Activity, cuts, &[key], &[(state, 1), ("repeat", repeat)]);
    }
}

fn number(count: usize) -> Plain {
    Plain::Int(i128::try_from(count).expect("a small number"))
}

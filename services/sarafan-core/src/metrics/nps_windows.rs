//! `nps_windows`: who is in a rolling window of W days, as daily differences, for the populations whose unit can answer
//! again (METRICS 2).
//!
//! An answer counts on the days from its own until the day before `min(next answer of the same unit, its day + W)`:
//! plus one on the first day, minus one on the day after the last. The state of any day is a prefix sum.

use rustc_hash::FxHashMap;

use super::{Basis, Cells};
use crate::rollup::Rollup;
use crate::state::settled::{Answer, Settled};
use crate::vocabulary::{Day, Group, Score, Symbol};

/// Populations that are kept as differences, as numbers of the cell key.
pub(crate) const POPULATIONS: [&str; 2] = ["customers", "orders"];
const CUSTOMERS: i32 = 0;
const ORDERS: i32 = 1;

pub(super) fn contribute(settled: &Settled, basis: &Basis<'_>, cells: &mut Cells) {
    let scored = || settled.answers.iter().filter(|a| a.score.is_some() && basis.words.has_nps(a.survey));
    let mut next_of_customer: FxHashMap<Symbol, Day> = FxHashMap::default();
    let mut next_of_order: FxHashMap<(Symbol, Symbol), Day> = FxHashMap::default();
    // From the latest back: the next answer of a unit is then the one seen before.
    for answer in scored().rev() {
        // A guest's answers are each their own customer.
        let next =
            if settled.is_customer { next_of_customer.insert(answer.survey, answer.day) } else { None };
        window(answer, CUSTOMERS, next, basis, cells);
        if let Some(order) = answer.order {
            let next = next_of_order.insert((answer.survey, order), answer.day);
            window(answer, ORDERS, next, basis, cells);
        }
    }
}

fn window(answer: &Answer, population: i32, next: Option<Day>, basis: &Basis<'_>, cells: &mut Cells) {
    let Some(score) = answer.score.and_then(Score::new) else { return };
    let one = match score.group() {
        Group::Detractor => [1, 0, 0],
        Group::Passive => [0, 1, 0],
        Group::Promoter => [0, 0, 1],
    };
    for &days in &basis.definitions.metrics.windows {
        let end = answer.day.plus(i32::from(days));
        let end = next.map_or(end, |next| next.min(end));
        if end == answer.day {
            continue;
        }
        let keys =
            |day: Day| [answer.survey.number().cast_signed(), population, i32::from(days), day.number()];
        cells.add(Rollup::NpsWindows, &answer.cuts, keys(answer.day), one);
        cells.add(Rollup::NpsWindows, &answer.cuts, keys(end), one.map(|v: i128| -v));
    }
}

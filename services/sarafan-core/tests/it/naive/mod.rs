//! The naive recount: METRICS.md as a slow and obvious program over the set of records.
//!
//! Nothing here is incremental, and nothing is shared with the shard but the vocabulary and the names of columns.

mod answers;
mod customers;
mod derived;
mod facts;
mod merge;
mod money;
mod nps;
mod segments;
pub(crate) mod standing;

use std::collections::BTreeMap;

use sarafan_core::Event;
use sarafan_core::definitions::Definitions;
use sarafan_core::rollup::Rollup;

use crate::plain::Plain;

pub(crate) use facts::Facts;
pub(crate) use merge::World;

/// (rollup, dimension, segment, keys).
pub(crate) type CellKey = (Rollup, String, String, Vec<Plain>);

/// Values of cells, in the order of their rollup's spec; no cell is all zeros.
pub(crate) type Cells = BTreeMap<CellKey, Vec<i128>>;

/// (table, key columns) -> column -> value.
pub(crate) type Rows = BTreeMap<(&'static str, Vec<String>), BTreeMap<&'static str, Plain>>;

/// What every table must hold once a set of records was received.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Rows of entities, customers and details.
    pub(crate) rows: Rows,
    /// Cells of all rollups.
    pub(crate) cells: Cells,
}

/// Recounts everything from the set of records.
pub(crate) fn recount<'e>(
    definitions: &Definitions,
    events: impl IntoIterator<Item = &'e Event>,
) -> Expected {
    let world = World::of(definitions, events);
    let facts = Facts::settle(&world);
    Expected { rows: derived::rows(&facts), cells: cells(&facts) }
}

/// The cells of all rollups.
pub(crate) fn cells(facts: &Facts<'_>) -> Cells {
    let mut sheet = Sheet::default();
    nps::count(facts, &mut sheet);
    customers::count(facts, &mut sheet);
    money::count(facts, &mut sheet);
    sheet.0.retain(|_, values| values.iter().any(|v| *v != 0));
    sheet.0
}

/// Cells under construction.
#[derive(Default)]
pub(crate) struct Sheet(Cells);

impl Sheet {
    /// Adds to the named values of a cell, once per cut.
    fn add(&mut self, rollup: Rollup, cuts: &[(String, String)], keys: &[Plain], values: &[(&str, i128)]) {
        let spec = rollup.spec();
        assert_eq!(keys.len(), spec.keys.len(), "keys of {}", spec.name);
        for (dimension, segment) in cuts {
            let key = (rollup, dimension.clone(), segment.clone(), keys.to_vec());
            let cell = self.0.entry(key).or_insert_with(|| vec![0; spec.values.len()]);
            for (name, value) in values {
                let place = spec.values.iter().position(|(n, _)| n == name).expect("a value of the rollup");
                cell[place] += value;
            }
        }
    }
}

/// `numerator / denominator`, rounded half to even; the denominator is positive.
fn half_even(numerator: i128, denominator: i128) -> i128 {
    let floor = numerator.div_euclid(denominator);
    let twice = 2 * numerator.rem_euclid(denominator);
    let up = twice > denominator || (twice == denominator && floor % 2 != 0);
    floor + i128::from(up)
}

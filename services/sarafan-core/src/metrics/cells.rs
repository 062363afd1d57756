//! Sums under a key: exact integers that are added and taken away.

use rustc_hash::FxHashMap;

use crate::rollup::{KEYS, Rollup, VALUES};

/// Which cell: the rollup, the cut, and the keys as numbers (days, months, symbols, ...).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CellKey {
    pub(crate) rollup: Rollup,
    pub(crate) cut: u32,
    pub(crate) keys: [i32; KEYS],
}

/// The values of a cell, in the order of its spec; the rest are zero.
pub(crate) type Values = [i128; VALUES];

/// Sums of contributions, added with one sign.
#[derive(Debug)]
pub(crate) struct Cells {
    pub(crate) sums: FxHashMap<CellKey, Values>,
    sign: i128,
}

impl Default for Cells {
    fn default() -> Self {
        Self { sums: FxHashMap::default(), sign: 1 }
    }
}

impl Cells {
    /// What follows is added.
    pub(crate) fn adding(&mut self) -> &mut Self {
        self.sign = 1;
        self
    }

    /// What follows is taken away.
    pub(crate) fn subtracting(&mut self) -> &mut Self {
        self.sign = -1;
        self
    }

    /// Adds to the cell of each cut.
    pub(crate) fn add<const K: usize, const V: usize>(
        &mut self,
        rollup: Rollup,
        cuts: &[u32],
        keys: [i32; K],
        values: [i128; V],
    ) {
        let mut padded = [0; KEYS];
        padded[..K].copy_from_slice(&keys);
        for &cut in cuts {
            let sums = self.sums.entry(CellKey { rollup, cut, keys: padded }).or_insert([0; VALUES]);
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += self.sign * value;
            }
        }
    }
}

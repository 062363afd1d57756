//! Cuts: (dimension, segment) pairs, numbered.

use rustc_hash::FxHashMap;

use crate::vocabulary::Symbol;

/// The cut `('all', 'all')`.
pub(crate) const ALL: u32 = 0;

/// Numbers of (dimension, segment) pairs; local to a shard. Dimension `None` is `all`.
#[derive(Debug)]
pub(crate) struct Cuts {
    numbers: FxHashMap<(u16, Symbol), u32>,
    pairs: Vec<(Option<u16>, Symbol)>,
}

impl Cuts {
    pub(crate) fn new(all: Symbol) -> Self {
        Self { numbers: FxHashMap::default(), pairs: vec![(None, all)] }
    }

    /// The number of a pair.
    pub(crate) fn number(&mut self, dimension: u16, segment: Symbol) -> u32 {
        let next = self.pairs.len() as u32;
        let number = *self.numbers.entry((dimension, segment)).or_insert(next);
        if number == next {
            self.pairs.push((Some(dimension), segment));
        }
        number
    }

    /// The pair of a number: the index of the dimension, `None` for `all`.
    pub(crate) fn pair(&self, number: u32) -> (Option<u16>, Symbol) {
        self.pairs[number as usize]
    }
}

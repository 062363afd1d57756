//! The join: an entity is a set of last-writer-wins fields (DESIGN 2.1).
//!
//! Merging is commutative, associative and idempotent; what an entity holds is a function of the set of records, the
//! way it is held included.

use std::sync::Arc;

use crate::vocabulary::{Stamp, Symbol};

/// One entity under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entity {
    pub(crate) id: Arc<str>,
    /// The version that its first record made: offset + 1 within the topic generation.
    pub(crate) first_version: u64,
    /// Its content was blanked, for ever.
    pub(crate) erased: bool,
    /// The latest record and the source it came from.
    pub(crate) latest: Stamp,
    pub(crate) source: Symbol,
    /// Bit per slot: some record spoke of it.
    touched: u64,
    /// Bit per slot: it has a value.
    present: u64,
    /// The values of the present slots, in the order of the slots.
    values: Vec<i64>,
    /// The stamp of most touched slots; ties go to the earlier one.
    base: Stamp,
    /// The stamps of the other touched slots, by slot.
    later: Vec<(u8, Stamp)>,
}

/// What a record says of a slot: a value, or that it is empty.
pub(crate) type Change = (u8, Option<i64>);

const fn bit(slot: u8) -> u64 {
    1 << slot
}

impl Entity {
    /// An entity of which nothing is known yet.
    pub(crate) fn new(id: Arc<str>, first_version: u64, stamp: Stamp, source: Symbol) -> Self {
        Self {
            id,
            first_version,
            erased: false,
            latest: stamp,
            source,
            touched: 0,
            present: 0,
            values: Vec::new(),
            base: Stamp::from_bits(0),
            later: Vec::new(),
        }
    }

    /// Takes a record in; true if anything it holds changed.
    pub(crate) fn merge(&mut self, stamp: Stamp, changes: &[Change], erased: bool) -> bool {
        if self.erased {
            return false;
        }
        if erased {
            self.blank();
            return true;
        }
        let mut changed = false;
        for &(slot, value) in changes {
            if self.stamp_of(slot).is_none_or(|held| held < stamp) {
                self.set_value(slot, value);
                self.set_stamp(slot, stamp);
                changed = true;
            }
        }
        if changed {
            self.settle_base();
        }
        changed
    }

    /// Whether a record would change anything it holds.
    pub(crate) fn would_change(&self, stamp: Stamp, changes: &[Change], erased: bool) -> bool {
        let newer = |slot: u8| self.stamp_of(slot).is_none_or(|held| held < stamp);
        !self.erased && (erased || changes.iter().any(|(slot, _)| newer(*slot)))
    }

    /// The value of a slot.
    pub(crate) fn get(&self, slot: u8) -> Option<i64> {
        (self.present & bit(slot) != 0).then(|| self.values[self.rank(slot)])
    }

    /// Whether a flag is set.
    pub(crate) fn is(&self, slot: u8) -> bool {
        self.get(slot) == Some(1)
    }

    /// Bytes that it takes, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let values = self.values.capacity() * size_of::<i64>();
        let later = self.later.capacity() * size_of::<(u8, Stamp)>();
        size_of::<Self>() + self.id.len() + values + later
    }

    /// Slots that a record emptied.
    pub(crate) fn cleared(&self) -> impl Iterator<Item = u8> {
        let empty = self.touched & !self.present;
        (0..64_u8).filter(move |slot| empty & bit(*slot) != 0)
    }

    /// The stamp of most fields, and the others with theirs.
    pub(crate) fn stamps(&self) -> (Stamp, &[(u8, Stamp)]) {
        (self.base, &self.later)
    }

    /// Blanks the content, for ever.
    pub(crate) fn blank(&mut self) {
        self.erased = true;
        (self.touched, self.present, self.base) = (0, 0, Stamp::from_bits(0));
        self.values = Vec::new();
        self.later = Vec::new();
    }

    /// Puts back what a row holds: the values, then the stamps.
    pub(crate) fn restore(&mut self, values: &[Change], base: Stamp, later: &[(u8, Stamp)]) {
        for &(slot, value) in values {
            self.touched |= bit(slot);
            self.set_value(slot, value);
        }
        self.base = base;
        self.later = later.to_vec();
    }

    fn rank(&self, slot: u8) -> usize {
        (self.present & (bit(slot) - 1)).count_ones() as usize
    }

    fn set_value(&mut self, slot: u8, value: Option<i64>) {
        let rank = self.rank(slot);
        match (value, self.present & bit(slot) != 0) {
            (Some(value), true) => self.values[rank] = value,
            (Some(value), false) => {
                self.values.insert(rank, value);
                self.present |= bit(slot);
            }
            (None, true) => {
                self.values.remove(rank);
                self.present &= !bit(slot);
            }
            (None, false) => {}
        }
    }

    fn stamp_of(&self, slot: u8) -> Option<Stamp> {
        if self.touched & bit(slot) == 0 {
            return None;
        }
        let own = self.later.iter().find(|(s, _)| *s == slot);
        Some(own.map_or(self.base, |(_, stamp)| *stamp))
    }

    fn set_stamp(&mut self, slot: u8, stamp: Stamp) {
        if self.touched == 0 {
            self.base = stamp;
        }
        self.touched |= bit(slot);
        self.later.retain(|(s, _)| *s != slot);
        if stamp != self.base {
            let place = self.later.partition_point(|(s, _)| *s < slot);
            self.later.insert(place, (slot, stamp));
        }
    }

    /// Makes the most frequent stamp the base, the earliest of several: the same fields are always held the same way.
    fn settle_base(&mut self) {
        let on_base = self.touched.count_ones() as usize - self.later.len();
        let mut best = (on_base, self.base);
        for &(_, stamp) in &self.later {
            let count = self.later.iter().filter(|(_, s)| *s == stamp).count();
            if count > best.0 || (count == best.0 && stamp < best.1) {
                best = (count, stamp);
            }
        }
        if best.1 == self.base {
            return;
        }
        let old = self.base;
        let held: Vec<(u8, Stamp)> = (0..64_u8)
            .filter(|slot| self.touched & bit(*slot) != 0)
            .map(|slot| (slot, self.later.iter().find(|(s, _)| *s == slot).map_or(old, |(_, stamp)| *stamp)))
            .collect();
        self.base = best.1;
        self.later = held.into_iter().filter(|(_, stamp)| *stamp != best.1).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Instant;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn stamp(at: i64) -> Stamp {
        Stamp::new(Instant::from_micros(at), 1, 0)
    }

    fn fresh() -> Entity {
        Entity::new(Arc::from("e"), 1, stamp(0), Symbol::from_number(0))
    }

    fn contents(e: &Entity) -> (Vec<Option<i64>>, Stamp, Vec<(u8, Stamp)>) {
        ((0..6).map(|s| e.get(s)).collect(), e.base, e.later.clone())
    }

    type Record = (i64, Vec<Change>);

    fn records() -> impl Strategy<Value = Vec<Record>> {
        let change = (0..6_u8, proptest::option::of(0..9_i64));
        proptest::collection::vec((1..6_i64, proptest::collection::vec(change, 0..5)), 0..8).prop_map(
            |mut all| {
                // One record per stamp: two records of one stamp have one hash, so one content.
                let mut seen = std::collections::BTreeSet::new();
                all.retain(|(at, _)| seen.insert(*at));
                for (_, changes) in &mut all {
                    let unique: BTreeMap<u8, Option<i64>> = changes.iter().copied().collect();
                    *changes = unique.into_iter().collect();
                }
                all
            },
        )
    }

    proptest! {
        #[test]
        fn an_entity_is_a_function_of_the_set_of_its_records(all in records(), seed in any::<u64>()) {
            let mut expected: BTreeMap<u8, (i64, Option<i64>)> = BTreeMap::new();
            let mut forward = fresh();
            for (at, changes) in &all {
                forward.merge(stamp(*at), changes, false);
                for (slot, value) in changes {
                    let held = expected.entry(*slot).or_insert((*at, *value));
                    if *at > held.0 {
                        *held = (*at, *value);
                    }
                }
            }
            let mut shuffled: Vec<Record> = all.iter().chain(&all).cloned().collect();
            shuffled.sort_by_key(|(at, changes)| (seed ^ at.cast_unsigned()).wrapping_mul(0x9E37_79B9) ^ changes.len() as u64);
            let mut other = fresh();
            for (at, changes) in &shuffled {
                other.merge(stamp(*at), changes, false);
            }
            prop_assert_eq!(contents(&forward), contents(&other));
            for slot in 0..6 {
                prop_assert_eq!(forward.get(slot), expected.get(&slot).and_then(|(_, v)| *v));
                prop_assert_eq!(forward.stamp_of(slot), expected.get(&slot).map(|(at, _)| stamp(*at)));
            }
        }
    }

    #[test]
    fn an_erased_entity_stays_blank_whatever_comes() {
        let mut e = fresh();
        e.merge(stamp(1), &[(0, Some(5))], false);
        assert!(e.merge(stamp(2), &[], true));
        assert!(!e.merge(stamp(9), &[(0, Some(7))], false));
        assert_eq!((e.get(0), e.erased), (None, true));
    }
}

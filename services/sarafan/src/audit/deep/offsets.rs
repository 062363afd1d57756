//! Which offsets of the source topics were seen: one bit each.

use std::collections::BTreeMap;

/// The offsets of one partition, from the first seen on.
#[derive(Debug, Clone, Default)]
struct Offsets {
    /// Words of 64 offsets, by the number of the word; only those with a bit.
    words: BTreeMap<i64, u64>,
}

/// Offsets by source topic and partition. A record that was produced again folds into the bit it has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins {
    partitions: BTreeMap<String, BTreeMap<i32, Offsets>>,
    /// Why an offset that was not seen proves nothing; empty when it does.
    pub(crate) incomplete: String,
}

impl Origins {
    /// An offset was seen.
    pub(super) fn add(&mut self, topic: &str, partition: i32, offset: i64) {
        if !self.partitions.contains_key(topic) {
            self.partitions.insert(topic.to_owned(), BTreeMap::new());
        }
        if let Some(partitions) = self.partitions.get_mut(topic) {
            let words = &mut partitions.entry(partition).or_default().words;
            *words.entry(offset.div_euclid(64)).or_default() |= 1 << offset.rem_euclid(64);
        }
    }

    /// Whether it was.
    pub(super) fn contains(&self, topic: &str, partition: i32, offset: i64) -> bool {
        let word = || self.partitions.get(topic)?.get(&partition)?.words.get(&offset.div_euclid(64)).copied();
        word().is_some_and(|word| word >> offset.rem_euclid(64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_seen_or_not_whatever_its_neighbours_are() {
        let mut origins = Origins::default();
        for offset in [0, 63, 64, 64, 1_000_000] {
            origins.add("shop", 2, offset);
        }
        let seen: Vec<i64> = (0..1_000_064).filter(|offset| origins.contains("shop", 2, *offset)).collect();
        assert_eq!(seen, [0, 63, 64, 1_000_000]);
        assert!(!origins.contains("shop", 1, 0) && !origins.contains("desk", 2, 0));
    }
}

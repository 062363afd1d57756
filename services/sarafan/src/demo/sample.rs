//! A random part of the data, in a random order, some of it more than once.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::data::DataSet;

/// Share of persons that are taken.
const TAKEN: f64 = 0.25;
/// Share of records that are sent again, once or more.
const REPEATED: f64 = 0.2;

/// Records to send, by topic: all of each person that is taken, some of them repeated, shuffled. The same seed gives
/// the same records in the same order.
pub(crate) fn sample(sets: &[DataSet], seed: u64) -> Vec<(&'static str, &str)> {
    let mut random = Rng::with_seed(seed);
    let mut taken: BTreeMap<&str, bool> = BTreeMap::new();
    let mut records = Vec::new();
    for set in sets {
        for line in &set.lines {
            if !*taken.entry(&line.person).or_insert_with(|| random.f64() < TAKEN) {
                continue;
            }
            records.push((set.topic, line.text.as_str()));
            while random.f64() < REPEATED {
                records.push((set.topic, line.text.as_str()));
            }
        }
    }
    random.shuffle(&mut records);
    records
}

#[cfg(test)]
mod tests {
    use super::super::data::data_sets;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_sample_follows_from_its_seed_and_repeats_some_records() {
        let sets = data_sets().unwrap();
        let records = sample(&sets, 7);
        assert_eq!(records, sample(&sets, 7));
        assert_ne!(records, sample(&sets, 8));
        let distinct: BTreeSet<_> = records.iter().collect();
        assert!((3_000..15_000).contains(&distinct.len()), "{}", distinct.len());
        assert!(records.len() > distinct.len() * 11 / 10);
    }
}

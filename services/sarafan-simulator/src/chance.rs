//! Seeded randomness, in the words of the world.

use jiff::SignedDuration;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::{Distribution, Exp1, Gamma, Normal, StandardNormal};

/// The one source of chance of a world. Its generator is named by its algorithm, so that a seed means the same in every
/// later version.
#[derive(Debug)]
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    pub(crate) fn of(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// True with this probability.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    /// An integer, `low` and `high` included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high.max(low))
    }

    /// A number within 0..1.
    pub(crate) fn share(&mut self) -> f64 {
        self.0.random()
    }

    /// One of them, each as likely. There has to be one.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.0.random_range(0..items.len())]
    }

    /// The place of one of them, as likely as its weight. There has to be one.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut left = self.share() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (place, weight) in weights.enumerate() {
            last = place;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        last
    }

    pub(crate) fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let standard: f64 = StandardNormal.sample(&mut self.0);
        Normal::new(mean, deviation).map_or(mean, |normal| normal.from_zscore(standard))
    }

    /// A waiting time without memory, of this mean.
    pub(crate) fn wait(&mut self, mean: SignedDuration) -> SignedDuration {
        let factor: f64 = Exp1.sample(&mut self.0);
        millis(mean.as_millis() as f64 * factor)
    }

    /// A waiting time that is seldom near zero, of this mean: people do not come back the minute they left.
    pub(crate) fn gap(&mut self, mean: SignedDuration) -> SignedDuration {
        const SHAPE: f64 = 1.7;
        let factor = Gamma::new(SHAPE, 1.0 / SHAPE).map_or(1.0, |gamma| gamma.sample(&mut self.0));
        millis(mean.as_millis() as f64 * factor)
    }
}

fn millis(millis: f64) -> SignedDuration {
    SignedDuration::from_millis(millis as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_the_sequence() {
        let draw = |seed| {
            let mut chance = Chance::of(seed);
            (chance.between(0, i64::MAX), chance.normal(0.0, 1.0), chance.weighted([1.0, 2.0].into_iter()))
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn waits_and_gaps_have_the_mean_that_they_are_asked_for() {
        let mut chance = Chance::of(7);
        let day = SignedDuration::from_hours(24);
        let mean = |draw: &mut dyn FnMut() -> SignedDuration| {
            (0..20_000).map(|_| draw().as_secs_f64()).sum::<f64>() / 20_000.0 / day.as_secs_f64()
        };
        assert!((mean(&mut || chance.wait(day)) - 1.0).abs() < 0.03);
        let mut chance = Chance::of(8);
        assert!((mean(&mut || chance.gap(day)) - 1.0).abs() < 0.03);
    }

    #[test]
    fn a_weight_of_zero_is_never_drawn() {
        let mut chance = Chance::of(3);
        assert!((0..1_000).all(|_| chance.weighted([0.0, 1.0, 0.0].into_iter()) == 1));
    }
}

//! How long to wait before the next attempt. Handed the number of the attempt; knows no clock.

use std::time::Duration;

/// Waits that double from `first` up to `longest`, spread by a quarter so that many owners do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Before the second attempt.
    pub first: Duration,
    /// No wait is longer, spread included.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), longest: Duration::from_secs(10) }
    }
}

impl Backoff {
    /// The wait after `failed` failed attempts (from 1). `spread` is any number that differs between owners and
    /// attempts; only its lowest 16 bits count.
    pub fn wait(&self, failed: u32, spread: u64) -> Duration {
        let doublings = failed.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1_u32 << doublings).min(self.longest);
        let part = u32::try_from(spread & 0xffff).unwrap_or(0);
        whole - whole / 4 * part / 0xffff
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_millis(500) };
        let waits: Vec<_> = (1..6).map(|failed| backoff.wait(failed, 0).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 500, 500]);
    }

    proptest! {
        #[test]
        fn a_wait_is_within_a_quarter_below_its_whole(failed in 1_u32.., spread: u64) {
            let backoff = Backoff::default();
            let (whole, spread) = (backoff.wait(failed, 0), backoff.wait(failed, spread));
            prop_assert!(spread <= whole && spread >= whole * 3 / 4);
        }
    }
}

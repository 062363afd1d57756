//! Amounts in cents, as text.

use std::fmt;

use serde::{Serialize, Serializer};

/// An amount in cents. Written as a decimal text, `"12.50"`, as shops do that know what a float costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Cents(pub(crate) i64);

impl Cents {
    /// A part of the amount, to the cent.
    pub(crate) fn part(self, share: f64) -> Self {
        Self((self.0 as f64 * share).round() as i64)
    }
}

impl std::iter::Sum for Cents {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.map(|amount| amount.0).sum())
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

impl Serialize for Cents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cents_are_written_as_decimals() {
        let written = |cents: i64| Cents(cents).to_string();
        assert_eq!(
            [written(0), written(5), written(1250), written(-105)],
            ["0.00", "0.05", "12.50", "-1.05"]
        );
    }

    #[test]
    fn a_part_is_rounded_to_the_cent() {
        assert_eq!(Cents(999).part(0.5), Cents(500));
    }
}

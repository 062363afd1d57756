//! Exact decimals on their way to money: products and sums keep every digit until the end.

use sarafan_core::vocabulary::{Money, MoneyError};

/// `units / 10^places`, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exact {
    units: i128,
    places: u32,
}

/// Decimals of [`Money`].
const MONEY_PLACES: u32 = 4;

impl Exact {
    /// Units of money in a whole one.
    pub(super) const MONEY_UNITS: i64 = 10_000;

    pub(super) fn zero(places: u32) -> Self {
        Self { units: 0, places }
    }

    pub(super) fn times(self, factor: Money) -> Result<Self, MoneyError> {
        let units = self.units.checked_mul(i128::from(factor.units())).ok_or(MoneyError::TooLarge)?;
        Ok(Self { units, places: self.places + MONEY_PLACES })
    }

    pub(super) fn plus(self, other: Self) -> Result<Self, MoneyError> {
        let places = self.places.max(other.places);
        let (a, b) = (self.scaled(places)?, other.scaled(places)?);
        Ok(Self { units: a.checked_add(b).ok_or(MoneyError::TooLarge)?, places })
    }

    fn scaled(self, places: u32) -> Result<i128, MoneyError> {
        let factor = 10_i128.checked_pow(places - self.places).ok_or(MoneyError::TooLarge)?;
        self.units.checked_mul(factor).ok_or(MoneyError::TooLarge)
    }

    /// The amount, if four decimals hold it: nothing is ever rounded.
    pub(super) fn money(self) -> Result<Money, MoneyError> {
        let excess = 10_i128.checked_pow(self.places - MONEY_PLACES).ok_or(MoneyError::TooLarge)?;
        if self.units % excess != 0 {
            return Err(MoneyError::TooFine);
        }
        Money::from_units(self.units / excess).ok_or(MoneyError::TooLarge)
    }
}

impl From<Money> for Exact {
    fn from(money: Money) -> Self {
        Self { units: i128::from(money.units()), places: MONEY_PLACES }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_end_must_fit_four_decimals() {
        // 0.335 x 12.99 = 4.35165: five decimals; twice that has four.
        let line = Exact::from(money("0.335")).times(money("12.99")).unwrap();
        assert_eq!(line.money(), Err(MoneyError::TooFine));
        assert_eq!(line.plus(line).unwrap().money(), Ok(money("8.7033")));
    }

    #[test]
    fn cents_and_signs_are_factors() {
        assert_eq!(Exact::from(money("1299")).times(money("0.01")).unwrap().money(), Ok(money("12.99")));
        assert_eq!(Exact::from(money("-5")).times(money("-1")).unwrap().money(), Ok(money("5")));
    }

    #[test]
    fn overflow_is_an_error() {
        let huge = Exact::from(Money::MAX).times(Money::MAX).unwrap();
        assert_eq!(huge.times(Money::MAX), Err(MoneyError::TooLarge));
        assert_eq!(huge.money(), Err(MoneyError::TooFine));
        assert_eq!(Exact::from(Money::MAX).times(money("10")).unwrap().money(), Err(MoneyError::TooLarge));
    }
}

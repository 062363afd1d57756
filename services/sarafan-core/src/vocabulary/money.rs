//! Exact money: integers of 1/10 000 of a currency unit. No float is ever involved.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Units per whole currency unit: money has four decimals.
const UNITS: i128 = 10_000;

/// An amount in 1/10 000 of a currency unit, as wide as `Decimal(18,4)`: below 10^14 whole units either way.
///
/// The currency is never part of it: it stands beside it, in the key of whatever holds money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Not a decimal number.
    #[error("is not a decimal number")]
    NotDecimal,
    /// More than four decimals that are not zero: keeping it would round somebody's money.
    #[error("has more than four decimals")]
    TooFine,
    /// Beyond `Decimal(18,4)`.
    #[error("is beyond 18 digits")]
    TooLarge,
}

impl Money {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// The largest amount that fits `Decimal(18,4)`.
    pub const MAX: Self = Self(999_999_999_999_999_999);

    /// An amount from units of 1/10 000; `None` beyond [`Money::MAX`] either way.
    pub fn from_units(units: i128) -> Option<Self> {
        let units = i64::try_from(units).ok()?;
        (units.unsigned_abs() <= Self::MAX.0.unsigned_abs()).then_some(Self(units))
    }

    /// Units of 1/10 000.
    pub const fn units(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = i128::from(self.0);
        let (whole, part) = (units.abs() / UNITS, units.abs() % UNITS);
        let sign = if units < 0 { "-" } else { "" };
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        let text = format!("{part:04}");
        write!(f, "{sign}{whole}.{}", text.trim_end_matches('0'))
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    /// Reads `-12`, `12.5`, `1.25e3`: what JSON calls a number, exactly.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let units = scaled(text, 4)?;
        Self::from_units(units).ok_or(MoneyError::TooLarge)
    }
}

/// A fraction such as a margin rate, in 1/10 000.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate(i64);

impl Rate {
    /// A rate from a decimal text between 0 and 1: `0.3` is 30 %. Percentages such as `30` are refused.
    ///
    /// # Errors
    /// [`MoneyError`] when it is no decimal, finer than 1/10 000, or outside 0..=1.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let units = scaled(text, 4)?;
        match i64::try_from(units) {
            Ok(units @ 0..=10_000) => Ok(Self(units)),
            _ => Err(MoneyError::TooLarge),
        }
    }

    /// The share of an amount, rounded half to even at 1/10 000 (METRICS 1).
    pub fn of(self, amount: i128) -> i128 {
        divide_half_even(amount * i128::from(self.0), UNITS)
    }
}

/// `numerator / denominator`, rounded half to even; the denominator is positive.
pub(crate) fn divide_half_even(numerator: i128, denominator: i128) -> i128 {
    let (quotient, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    match (rest * 2).cmp(&denominator) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
    }
}

/// The number in `text` times 10^`places`, exactly.
fn scaled(text: &str, places: i32) -> Result<i128, MoneyError> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        None => (text, 0),
        Some((m, e)) => (m, e.parse::<i32>().map_err(|_| MoneyError::NotDecimal)?),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !is_digits(whole) || !is_digits(part) {
        return Err(MoneyError::NotDecimal);
    }
    let all = format!("{whole}{part}");
    let significant = all.trim_start_matches('0');
    let trimmed = significant.trim_end_matches('0');
    if trimmed.is_empty() {
        return Ok(0);
    }
    let dropped = i64::try_from(significant.len() - trimmed.len()).map_err(|_| MoneyError::TooLarge)?;
    let decimals = i64::try_from(part.len()).map_err(|_| MoneyError::TooLarge)?;
    let shift = i64::from(exponent) + i64::from(places) - decimals + dropped;
    if shift < 0 {
        return Err(MoneyError::TooFine);
    }
    if shift > 38 || trimmed.len() > 38 {
        return Err(MoneyError::TooLarge);
    }
    let value = trimmed.parse::<i128>().map_err(|_| MoneyError::TooLarge)?;
    let power = u32::try_from(shift).ok().and_then(|s| 10_i128.checked_pow(s));
    let units = power.and_then(|p| value.checked_mul(p)).ok_or(MoneyError::TooLarge)?;
    Ok(if negative { -units } else { units })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_read_exactly_and_never_rounded() {
        let read = |text: &str| text.parse::<Money>().map(Money::units);
        assert_eq!(read("2.55"), Ok(25_500));
        assert_eq!(read("-0.0001"), Ok(-1));
        assert_eq!(read("1.25e3"), Ok(12_500_000));
        assert_eq!(read("12.50000000"), Ok(125_000));
        assert_eq!(read("0.00001"), Err(MoneyError::TooFine));
        assert_eq!(read("1e999"), Err(MoneyError::TooLarge));
        assert_eq!(read("1e-999"), Err(MoneyError::TooFine));
        assert_eq!(read("99999999999999.9999"), Ok(999_999_999_999_999_999));
        assert_eq!(read("100000000000000"), Err(MoneyError::TooLarge));
        for bad in ["", "-", ".", "1,5", "NaN", "inf", "0x10", "1e", "1.2.3", " 1"] {
            assert_eq!(read(bad), Err(MoneyError::NotDecimal), "{bad:?}");
        }
    }

    #[test]
    fn a_margin_rate_given_in_percent_is_refused() {
        assert!(Rate::parse("30").is_err());
        assert_eq!(Rate::parse("0.30").map(|r| r.of(10_000)), Ok(3_000));
    }

    #[test]
    fn halves_round_to_even() {
        assert_eq!([divide_half_even(5, 2), divide_half_even(7, 2), divide_half_even(-5, 2)], [2, 4, -2]);
    }

    proptest! {
        #[test]
        fn an_amount_survives_its_own_text(units in -999_999_999_999_999_999_i64..=999_999_999_999_999_999) {
            let money = Money::from_units(i128::from(units)).unwrap();
            prop_assert_eq!(money.to_string().parse::<Money>(), Ok(money));
        }
    }
}

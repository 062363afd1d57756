//! What decides a history.

use std::ops::RangeInclusive;

use jiff::ToSpan as _;
use jiff::civil::Date;
use thiserror::Error;

/// Most customers of a world: a hundred million records are more than anybody looks at.
const CUSTOMERS: RangeInclusive<u32> = 1..=1_000_000;
/// Ten years.
const DAYS: RangeInclusive<u32> = 1..=3_650;
/// No record may speak of a day before 1990, and dates end with the year 9999.
const YEARS: RangeInclusive<i16> = 2001..=9000;

/// What decides a history: equal settings give equal records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the random numbers start.
    pub seed: u64,
    /// Customers who appear within the history, guests among them.
    pub customers: u32,
    /// Days of history, [`until`](Self::until) included.
    pub days: u32,
    /// The last day of the history, UTC.
    pub until: Date,
}

/// Settings that make no world.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// Nobody, or too many.
    #[error("{0} customers: a world has {low} to {high} of them", low = CUSTOMERS.start(), high = CUSTOMERS.end())]
    Customers(u32),
    /// No time, or too much.
    #[error("{0} days: a history has {low} to {high} of them", low = DAYS.start(), high = DAYS.end())]
    Days(u32),
    /// Out of the calendar.
    #[error("{0}: a history ends in the years {low} to {high}", low = YEARS.start(), high = YEARS.end())]
    Until(Date),
}

impl SettingsError {
    /// A stable code.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Customers(_) => "customers",
            Self::Days(_) => "days",
            Self::Until(_) => "until",
        }
    }
}

impl Settings {
    /// Customers of a world in which every store has enough answers for its figures to be tested.
    pub const DEFAULT_CUSTOMERS: u32 = 6_000;
    /// Days of a history in which every rolling window has one of a year ago beside it.
    pub const DEFAULT_DAYS: u32 = 790;

    /// The default world, with its last day.
    pub const fn until(until: Date) -> Self {
        Self { seed: 1, customers: Self::DEFAULT_CUSTOMERS, days: Self::DEFAULT_DAYS, until }
    }

    /// The first day of the history.
    pub(crate) fn start(&self) -> Date {
        self.until.saturating_sub((i64::from(self.days) - 1).days())
    }

    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if !CUSTOMERS.contains(&self.customers) {
            return Err(SettingsError::Customers(self.customers));
        }
        if !DAYS.contains(&self.days) {
            return Err(SettingsError::Days(self.days));
        }
        if !YEARS.contains(&self.until.year()) {
            return Err(SettingsError::Until(self.until));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_days_of_a_history_include_its_last() {
        let settings = Settings { days: 2, ..Settings::until(date(2026, 3, 1)) };
        assert_eq!(settings.start(), date(2026, 2, 28));
    }

    #[test]
    fn settings_that_make_no_world_are_refused_by_name() {
        let good = Settings::until(date(2026, 3, 1));
        assert_eq!(good.check(), Ok(()));
        let kind = |settings: Settings| settings.check().unwrap_err().kind();
        assert_eq!(kind(Settings { customers: 0, ..good.clone() }), "customers");
        assert_eq!(kind(Settings { days: 0, ..good.clone() }), "days");
        assert_eq!(kind(Settings { until: date(1989, 1, 1), ..good }), "until");
    }
}

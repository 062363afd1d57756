//! Instants, calendar days and months in the reporting time zone.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use thiserror::Error;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// An instant from microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => write!(f, "{} us", self.0),
        }
    }
}

/// A calendar day: days since 1970-01-01, in the reporting time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// A day from days since 1970-01-01.
    pub const fn from_number(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The day `days` later.
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Whole days from `earlier` to this day.
    pub const fn since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }

    /// The calendar month it lies in.
    pub fn month(self) -> Month {
        let date = self.date();
        Month(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
    }

    /// The calendar year it lies in.
    pub fn year(self) -> i32 {
        self.month().0.div_euclid(12)
    }

    fn date(self) -> Date {
        let epoch = jiff::civil::date(1970, 1, 1);
        epoch.saturating_add(jiff::Span::new().try_days(self.0).unwrap_or_default())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

/// A calendar month: year x 12 + month - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

impl Month {
    /// Year x 12 + month - 1.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// A month from its number.
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Its first day, as rollups store it.
    pub fn first_day(self) -> Day {
        let (year, month) = (self.0.div_euclid(12), self.0.rem_euclid(12) + 1);
        let date = i16::try_from(year).ok().zip(i8::try_from(month).ok());
        let date = date.and_then(|(y, m)| Date::new(y, m, 1).ok()).unwrap_or(Date::MAX);
        Day(days_since_epoch(date))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }
}

/// The time zone whose calendar days the figures speak of (METRICS, notation).
#[derive(Debug, Clone)]
pub struct ReportingZone(TimeZone);

/// The configured name is in no edition of the IANA time zone database.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no IANA time zone; write one such as UTC or Europe/Moscow")]
pub struct UnknownZone(String);

impl ReportingZone {
    /// UTC.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// A zone by its IANA name, from the bundled database: the same on every machine.
    ///
    /// # Errors
    /// [`UnknownZone`] when there is none of that name.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        if name == "UTC" {
            return Ok(Self::UTC);
        }
        let database = jiff::tz::TimeZoneDatabase::bundled();
        database.get(name).map(Self).map_err(|_| UnknownZone(name.to_owned()))
    }

    /// The calendar day of an instant.
    pub fn day(&self, instant: Instant) -> Day {
        let bounded = instant.0.clamp(Timestamp::MIN.as_microsecond(), Timestamp::MAX.as_microsecond());
        let timestamp = Timestamp::from_microsecond(bounded).unwrap_or(Timestamp::UNIX_EPOCH);
        Day(days_since_epoch(self.0.to_datetime(timestamp).date()))
    }
}

fn days_since_epoch(date: Date) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.until(date).map(|span| span.get_days()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Instant {
        Instant::from_micros(text.parse::<Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn a_day_is_the_calendar_day_of_the_reporting_zone() {
        let late = instant("2026-03-01T22:30:00Z");
        assert_eq!(ReportingZone::UTC.day(late).to_string(), "2026-03-01");
        let moscow = ReportingZone::named("Europe/Moscow").unwrap();
        assert_eq!(moscow.day(late).to_string(), "2026-03-02");
        assert!(ReportingZone::named("Mars/Olympus").is_err());
    }

    #[test]
    fn months_and_years_follow_the_calendar() {
        let day = ReportingZone::UTC.day(instant("2024-02-29T12:00:00Z"));
        assert_eq!((day.month().to_string(), day.year()), ("2024-02".to_owned(), 2024));
        assert_eq!(day.month().first_day().to_string(), "2024-02-01");
        assert_eq!(Day::from_number(-1).month().to_string(), "1969-12");
    }
}

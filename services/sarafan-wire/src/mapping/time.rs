//! Instants as sources write them, and the range they must lie in.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use sarafan_core::vocabulary::Instant;
use serde_json::Value;

use super::path::shown;
use crate::reason::{Fault, Reason};

/// A day, in microseconds.
pub(super) const DAY_MICROS: i64 = 86_400_000_000;
/// 1990-01-01T00:00:00Z: no event is earlier (METRICS 1).
const EARLIEST_MICROS: i64 = 631_152_000_000_000;

/// How a source writes an instant.
#[derive(Debug, Clone)]
pub(super) enum TimeFormat {
    /// RFC 3339; with a zone also without an offset, or a date alone, which is its midnight.
    Rfc3339(Option<TimeZone>),
    /// Units since 1970-01-01T00:00:00Z; each is this many microseconds.
    Epoch(i64),
    /// A strftime pattern, and the zone of texts without an offset.
    Pattern(String, Option<TimeZone>),
}

impl TimeFormat {
    /// A format from its name or pattern, and the zone named beside it.
    pub(super) fn parse(text: &str, zone: Option<&str>) -> Result<Self, String> {
        let unknown = |name| format!("`{name}` is no IANA time zone; write one such as Europe/Moscow");
        let zone = match zone {
            None => None,
            Some("UTC") => Some(TimeZone::UTC),
            Some(name) => Some(TimeZoneDatabase::bundled().get(name).map_err(|_| unknown(name))?),
        };
        match text {
            "rfc3339" => Ok(Self::Rfc3339(zone)),
            "epoch_s" => Ok(Self::Epoch(1_000_000)),
            "epoch_ms" => Ok(Self::Epoch(1_000)),
            "epoch_us" => Ok(Self::Epoch(1)),
            pattern if pattern.contains('%') => {
                let offset = pattern.contains("%z") || pattern.contains("%:z");
                if !offset && zone.is_none() {
                    return Err(
                        "has a pattern without an offset (%z); name the `zone` it is written in".to_owned()
                    );
                }
                Ok(Self::Pattern(pattern.to_owned(), zone))
            }
            _ => Err(format!(
                "`{text}` is no format; write rfc3339, epoch_s, epoch_ms, epoch_us or a pattern with %"
            )),
        }
    }

    /// The instant that a value says.
    pub(super) fn read(&self, value: &Value) -> Result<Instant, Fault> {
        let read = match (self, value) {
            (Self::Rfc3339(zone), Value::String(text)) => rfc3339(text, zone.as_ref()),
            (Self::Pattern(pattern, zone), Value::String(text)) => patterned(text, pattern, zone.as_ref()),
            (Self::Epoch(unit), Value::String(text)) => epoch(text, *unit),
            (Self::Epoch(unit), Value::Number(number)) => epoch(number.as_str(), *unit),
            (Self::Pattern(pattern, zone), Value::Number(number)) => {
                patterned(number.as_str(), pattern, zone.as_ref())
            }
            _ => None,
        };
        let wrong = || Fault::new(Reason::BadTimestamp, format!("{} is not {}", shown(value), self.name()));
        read.map(Instant::from_micros).ok_or_else(wrong)
    }

    fn name(&self) -> String {
        match self {
            Self::Rfc3339(None) => "an RFC 3339 time with an offset".to_owned(),
            Self::Rfc3339(Some(_)) => "an RFC 3339 time or date".to_owned(),
            Self::Epoch(unit) => format!("a number of {unit} microseconds since 1970"),
            Self::Pattern(pattern, _) => format!("a time written as {pattern}"),
        }
    }
}

fn rfc3339(text: &str, zone: Option<&TimeZone>) -> Option<i64> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_microsecond());
    }
    in_zone(text.parse::<DateTime>().ok()?, zone?)
}

fn patterned(text: &str, pattern: &str, zone: Option<&TimeZone>) -> Option<i64> {
    let time = BrokenDownTime::parse(pattern, text).ok()?;
    if let Ok(timestamp) = time.to_timestamp() {
        return Some(timestamp.as_microsecond());
    }
    let at = time.to_datetime().or_else(|_| time.to_date().map(midnight)).ok()?;
    in_zone(at, zone?)
}

fn midnight(date: Date) -> DateTime {
    date.to_datetime(jiff::civil::Time::midnight())
}

fn in_zone(at: DateTime, zone: &TimeZone) -> Option<i64> {
    zone.to_timestamp(at).ok().map(Timestamp::as_microsecond)
}

/// `1700000000`, `1700000000.123`: exactly, what is finer than a microsecond cut off.
fn epoch(text: &str, unit: i64) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let negative = whole.starts_with('-');
    let whole = whole.parse::<i64>().ok()?.checked_mul(unit)?;
    if part.len() > 18 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction = if part.is_empty() { 0 } else { part.parse::<i128>().ok()? };
    let fraction = fraction * i128::from(unit) / 10_i128.pow(u32::try_from(part.len()).ok()?);
    let fraction = i64::try_from(fraction).ok()?;
    whole.checked_add(if negative { -fraction } else { fraction })
}

/// What times a record may speak of, from its own timestamp.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    record_micros: i64,
    shift_micros: i64,
}

impl Clock {
    pub(super) fn new(record_micros: i64, shift_days: i32) -> Self {
        Self { record_micros, shift_micros: i64::from(shift_days) * DAY_MICROS }
    }

    /// The record's own timestamp, which is never shifted.
    pub(super) fn record(self) -> Instant {
        Instant::from_micros(self.record_micros)
    }

    /// When something happened: shifted, within 1990 .. record + 1 day.
    pub(super) fn event(self, at: Instant) -> Result<Instant, Fault> {
        self.shifted(at, Reason::TimeOutOfRange)
    }

    /// A version: shifted, not before 1990, and not more than a day after the record.
    pub(super) fn version(self, at: Instant) -> Result<Instant, Fault> {
        self.shifted(at, Reason::VersionInFuture)
    }

    fn shifted(self, at: Instant, future: Reason) -> Result<Instant, Fault> {
        let micros = at.micros().saturating_add(self.shift_micros);
        let at = Instant::from_micros(micros);
        if micros < EARLIEST_MICROS {
            return Err(Fault::new(Reason::TimeOutOfRange, format!("{at} is before 1990")));
        }
        if micros > self.record_micros.saturating_add(DAY_MICROS) {
            let problem = format!("{at} is more than a day after the record's timestamp {}", self.record());
            return Err(Fault::new(future, problem));
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(format: &str, zone: Option<&str>, value: &str) -> Option<String> {
        let value = serde_json::from_str(value).unwrap();
        TimeFormat::parse(format, zone).unwrap().read(&value).ok().map(|at| at.to_string())
    }

    #[test]
    fn every_format_reads_its_own() {
        let same = Some("2026-03-01T22:30:00Z".to_owned());
        assert_eq!(read("rfc3339", None, r#""2026-03-02T01:30:00+03:00""#), same);
        assert_eq!(read("rfc3339", Some("Europe/Moscow"), r#""2026-03-02T01:30:00""#), same);
        assert_eq!(read("epoch_s", None, "1772404200"), same);
        assert_eq!(read("epoch_ms", None, r#""1772404200000""#), same);
        assert_eq!(read("epoch_us", None, "1772404200000000"), same);
        assert_eq!(read("%d.%m.%Y %H:%M", Some("Europe/Moscow"), r#""02.03.2026 01:30""#), same);
        assert_eq!(read("%Y-%m-%d %H:%M:%S%z", None, r#""2026-03-02 01:30:00+0300""#), same);
        assert_eq!(read("%Y%m%d", Some("UTC"), "20260301"), Some("2026-03-01T00:00:00Z".to_owned()));
        assert_eq!(read("rfc3339", Some("UTC"), r#""2026-03-01""#), Some("2026-03-01T00:00:00Z".to_owned()));
        assert_eq!(read("epoch_s", None, "1772404200.25"), Some("2026-03-01T22:30:00.25Z".to_owned()));
    }

    #[test]
    fn what_does_not_follow_the_format_is_refused() {
        for value in [r#""2026-03-01T22:30:00""#, r#""yesterday""#, "1772404200", "true", r#""""#] {
            assert_eq!(read("rfc3339", None, value), None, "{value}");
        }
        for value in [r#""1e9""#, "1e9", r#""2026-03-01T22:30:00Z""#, "99999999999999999999", r#""1.x""#] {
            assert_eq!(read("epoch_s", None, value), None, "{value}");
        }
        assert!(TimeFormat::parse("iso", None).is_err());
        assert!(TimeFormat::parse("%d.%m.%Y", None).unwrap_err().contains("zone"));
        assert!(TimeFormat::parse("rfc3339", Some("Mars")).is_err());
    }

    #[test]
    fn times_outside_1990_to_a_day_after_the_record_are_refused() {
        let record = json!("2026-03-01T00:00:00Z");
        let at = |text: &str| TimeFormat::Rfc3339(None).read(&json!(text)).unwrap();
        let clock = Clock::new(TimeFormat::Rfc3339(None).read(&record).unwrap().micros(), 0);
        let reason = |result: Result<Instant, Fault>| result.map_err(|fault| fault.reason).err();
        assert_eq!(reason(clock.event(at("1989-12-31T23:59:59Z"))), Some(Reason::TimeOutOfRange));
        assert_eq!(reason(clock.event(at("1990-01-01T00:00:00Z"))), None);
        assert_eq!(reason(clock.event(at("2026-03-02T00:00:00Z"))), None);
        assert_eq!(reason(clock.event(at("2026-03-02T00:00:01Z"))), Some(Reason::TimeOutOfRange));
        assert_eq!(reason(clock.version(at("9999-12-30T00:00:00Z"))), Some(Reason::VersionInFuture));
        let shifted = Clock::new(clock.record_micros, 10);
        assert_eq!(shifted.event(at("2026-02-19T01:00:00Z")).unwrap(), at("2026-03-01T01:00:00Z"));
    }
}

//! When people buy: the days of the week, the seasons, the hours, and a business that grows.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::chance::Chance;

/// More than [`demand`] ever says.
const MOST_DEMAND: f64 = 2.6;

/// Midnight, UTC.
pub(crate) fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

/// The day, UTC.
pub(crate) fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// A time of so many days.
pub(crate) const fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// How much is bought on a day, about 1 on average.
pub(crate) fn demand(day: Date) -> f64 {
    let of_week = match day.weekday() {
        Weekday::Saturday => 1.35,
        Weekday::Friday => 1.15,
        Weekday::Sunday => 0.70,
        _ => 0.95,
    };
    let of_year = match (day.month(), day.day()) {
        (11, 15..) => 1.25,
        (12, 1..=23) => 1.75,
        (12, 24..) => 0.60,
        (1, _) => 0.80,
        (7 | 8, _) => 0.90,
        _ => 1.0,
    };
    of_week * of_year
}

/// A day within `first..=last` on which a new customer appears: more of them as the years go by.
pub(crate) fn first_days(first: Date, last: Date) -> Vec<(Date, f64)> {
    let length = f64::from(first.until(last).map_or(1, |span| span.get_days()).max(1));
    let grown = |place: usize| 0.55 + 0.9 * place as f64 / length;
    let days = first.series(1.day()).take_while(|day| *day <= last).enumerate();
    days.map(|(place, day)| (day, demand(day) * grown(place))).collect()
}

/// The first moment from `earliest` on at which somebody comes who meant to come then: rather on a busy day.
pub(crate) fn busy_moment(chance: &mut Chance, earliest: Timestamp) -> Timestamp {
    let mut day = day_of(earliest);
    while !chance.happens(demand(day) / MOST_DEMAND) {
        day = day.saturating_add(1.day());
    }
    opening_hours(chance, day)
}

/// A moment of the day at which people buy: most of them in the late afternoon.
pub(crate) fn opening_hours(chance: &mut Chance, day: Date) -> Timestamp {
    let hour = chance.normal(15.5, 3.2).clamp(7.0, 21.9);
    midnight(day) + SignedDuration::from_millis((hour * 3_600_000.0) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn demand_stays_below_its_bound_and_peaks_before_christmas() {
        let days = || date(2024, 1, 1).series(1.day()).take(1_461);
        assert!(days().all(|day| demand(day) < MOST_DEMAND));
        let busiest = days().max_by(|a, b| demand(*a).total_cmp(&demand(*b))).unwrap();
        assert_eq!(busiest.month(), 12);
        let mean = days().map(demand).sum::<f64>() / 1_461.0;
        assert!((0.9..1.15).contains(&mean), "{mean}");
    }

    #[test]
    fn nobody_buys_before_they_meant_to_nor_at_night() {
        let mut chance = Chance::of(1);
        let earliest = midnight(date(2026, 3, 1));
        for _ in 0..500 {
            let at = busy_moment(&mut chance, earliest);
            assert!(at >= earliest);
            let hour = at.to_zoned(TimeZone::UTC).hour();
            assert!((7..22).contains(&hour));
        }
    }
}

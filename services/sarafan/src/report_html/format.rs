//! Numbers and days as people read them. Nothing that is not known is shown as 0.

use jiff::civil::Date;

/// What stands where there is no figure.
pub(super) const NONE: &str = "–";

/// A count: `12,345`.
pub(super) fn count(value: f64) -> String {
    grouped(value, 0)
}

/// Points of NPS: `31.0`, `−4.2`.
pub(super) fn points(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| grouped(value, 1))
}

/// A difference, with its sign: `+2.3`, `−1.0`.
pub(super) fn change(value: Option<f64>) -> String {
    let text = points(value);
    if value.is_some_and(|value| (value * 10.0).round() > 0.0) { format!("+{text}") } else { text }
}

/// A fraction in percent: `31.2%`.
pub(super) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| format!("{}%", grouped(100.0 * value, 1)))
}

/// A number with so many decimals: `1,234.50`.
pub(super) fn decimal(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| grouped(value, decimals))
}

/// An amount of a whole and its unit: `1,234,567` `GBP`, from a million up `1.23` `million GBP`.
pub(super) fn total(value: f64, currency: &str) -> (String, String) {
    match value.abs() {
        1e9.. => (grouped(value / 1e9, 2), format!("billion {currency}")),
        1e6.. => (grouped(value / 1e6, 2), format!("million {currency}")),
        _ => (grouped(value, 0), currency.to_owned()),
    }
}

/// An interval: `28.1 to 33.8`.
pub(super) fn interval(low: Option<f64>, high: Option<f64>, text: impl Fn(Option<f64>) -> String) -> String {
    if low.is_none() || high.is_none() {
        return NONE.to_owned();
    }
    format!("{} to {}", text(low), text(high))
}

/// A day: `22 Nov 2026`.
pub(super) fn day(day: Date) -> String {
    day.strftime("%-d %b %Y").to_string()
}

/// A month: `Nov 2026`.
pub(super) fn month(day: Date) -> String {
    day.strftime("%b %Y").to_string()
}

/// Thousands apart, and a true minus sign. A number that rounds to zero has none.
fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut digits = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            digits.push(',');
        }
        digits.push(digit);
    }
    let is_zero = text.chars().all(|c| c == '0' || c == '.');
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{digits}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(count(1_234_567.0), "1,234,567");
        assert_eq!(points(Some(-4.25)), "−4.2");
        assert_eq!((change(Some(2.34)), change(Some(-0.04))), ("+2.3".to_owned(), "0.0".to_owned()));
        assert_eq!(percent(Some(0.3123)), "31.2%");
        assert_eq!(total(8_300_065.8, "GBP"), ("8.30".to_owned(), "million GBP".to_owned()));
        assert_eq!(total(-12_345.6, "EUR"), ("−12,346".to_owned(), "EUR".to_owned()));
        assert_eq!(interval(Some(-1.0), Some(12.0), points), "−1.0 to 12.0");
        assert_eq!(day(Date::constant(2026, 1, 5)), "5 Jan 2026");
    }

    #[test]
    fn what_is_not_known_is_not_zero() {
        assert_eq!([points(None), percent(None), decimal(None, 2), change(None)], [NONE; 4]);
        assert_eq!(interval(Some(1.0), None, points), NONE);
    }
}

//! Moves what a record says of time by whole days, so that old data ends today.

use jiff::civil::Date;
use jiff::{Span, ToSpan as _};
use serde_json::Value;

/// Length of `2026-01-02`.
const DAY: usize = 10;

/// Adds days to every ISO 8601 day (`2026-01-02`) or instant (`2026-01-02T03:04:05Z`) among the texts of a record.
/// Times of day, zones and everything else stay as they are; so does a day that would leave the calendar.
pub(crate) fn shift_days(value: &mut Value, days: i32) {
    match value {
        Value::String(text) => {
            if let Some(moved) = moved(text, days.days()) {
                *text = moved;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| shift_days(item, days)),
        Value::Object(fields) => fields.values_mut().for_each(|field| shift_days(field, days)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn moved(text: &str, days: Span) -> Option<String> {
    let (day, rest) = (text.get(..DAY)?, text.get(DAY..)?);
    // The calendar's own parser knows more forms than these.
    let is_day = day
        .bytes()
        .enumerate()
        .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    let is_instant =
        rest.starts_with(['T', 't', ' ']) && rest.len() > 1 && rest.as_bytes()[1].is_ascii_digit();
    if !is_day || !(rest.is_empty() || is_instant) {
        return None;
    }
    let moved = day.parse::<Date>().ok()?.checked_add(days).ok()?;
    Some(format!("{moved}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn days_and_instants_move_and_nothing_else_does() {
        let mut record = json!({
            "at": "2011-12-09T12:50:00+03:00", "day": "2012-02-28", "lines": [{ "due": "2011-12-31 23:59" }],
            "sku": "2011-12-09-A", "phone": "2011120912", "qty": 3, "no_day": "2011-13-09", "customer": null,
        });
        shift_days(&mut record, 1);
        let expected = json!({
            "at": "2011-12-10T12:50:00+03:00", "day": "2012-02-29", "lines": [{ "due": "2012-01-01 23:59" }],
            "sku": "2011-12-09-A", "phone": "2011120912", "qty": 3, "no_day": "2011-13-09", "customer": null,
        });
        assert_eq!(record, expected);
        shift_days(&mut record, -1);
        assert_eq!(record["lines"][0]["due"], "2011-12-31 23:59");
    }
}

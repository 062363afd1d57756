//! A JSON value as what a field holds.

use sarafan_core::vocabulary::{Field, FieldValue, Kind, Money, MoneyError, Role, Score};
use serde_json::Value;

use super::exact::Exact;
use super::path::{scalar, shown};
use super::time::Clock;
use super::value::ValueSpec;
use crate::reason::{Fault, Reason};

/// Longest id, in bytes. Texts that the fold interns have the same limit.
const MAX_ID_BYTES: usize = 1024;

/// What a field is to hold, by its kind.
pub(super) fn convert(
    field: &Field,
    spec: &ValueSpec,
    value: &Value,
    clock: Clock,
) -> Result<FieldValue, Fault> {
    match field.kind {
        Kind::Instant => {
            let time = spec.time.as_ref().ok_or_else(|| wrong(value, "a time"))?;
            clock.event(time.read(value)?).map(FieldValue::Instant)
        }
        Kind::Money => money(spec, value).map(FieldValue::Money),
        Kind::Code(words) => code(field.name, words, spec, value),
        Kind::Score => score(spec, value).map(FieldValue::Score),
        Kind::Flag => flag(spec, value).map(FieldValue::Flag),
        Kind::Texts => texts(spec, value).map(FieldValue::Texts),
        Kind::Text | Kind::Named => text(field, spec, value, clock).map(FieldValue::Text),
        Kind::Items => Err(wrong(value, "lines")),
    }
}

fn wrong(value: &Value, what: &str) -> Fault {
    Fault::new(Reason::WrongType, format!("is {}, not {what}", shown(value)))
}

fn code(name: &str, words: &[&str], spec: &ValueSpec, value: &Value) -> Result<FieldValue, Fault> {
    let unknown = if name == "status" { Reason::UnknownStatus } else { Reason::UnknownValue };
    let word = spec.text(value, unknown)?;
    if words.contains(&word.as_str()) {
        return Ok(FieldValue::Text(word));
    }
    Err(Fault::new(unknown, format!("{} is none of {}", shown(&Value::String(word)), words.join(", "))))
}

fn text(field: &Field, spec: &ValueSpec, value: &Value, clock: Clock) -> Result<String, Fault> {
    if let Some(time) = &spec.time {
        return clock.event(time.read(value)?).map(|at| at.to_string());
    }
    let text = spec.text(value, Reason::UnknownValue)?;
    if field.role == Role::Metric || field.name.ends_with("_id") {
        return id(text);
    }
    without_nul(text)
}

/// An id: no NUL, and short enough to be a key.
pub(super) fn id(text: String) -> Result<String, Fault> {
    if text.len() > MAX_ID_BYTES {
        let problem = format!("is {} bytes long, {MAX_ID_BYTES} are allowed", text.len());
        return Err(Fault::new(Reason::BadText, problem));
    }
    without_nul(text)
}

fn without_nul(text: String) -> Result<String, Fault> {
    if text.contains('\0') {
        return Err(Fault::new(Reason::BadText, "holds a NUL character"));
    }
    Ok(text)
}

/// An amount, times the configured factor.
pub(super) fn money(spec: &ValueSpec, value: &Value) -> Result<Money, Fault> {
    let read = match value {
        Value::String(text) => text.parse::<Money>(),
        Value::Number(number) => number.as_str().parse::<Money>(),
        _ => return Err(wrong(value, "an amount")),
    };
    let times = |money| spec.times.map_or(Ok(money), |factor| Exact::from(money).times(factor)?.money());
    read.and_then(times).map_err(|error| bad_money(error, &shown(value)))
}

/// The reason of an amount that cannot be.
pub(super) fn bad_money(error: MoneyError, shown: &str) -> Fault {
    let reason = match error {
        MoneyError::NotDecimal => Reason::BadAmount,
        MoneyError::TooFine => Reason::AmountTooFine,
        MoneyError::TooLarge => Reason::AmountTooLarge,
    };
    Fault::new(reason, format!("{shown} {error}"))
}

fn score(spec: &ValueSpec, value: &Value) -> Result<Score, Fault> {
    let text = spec.text(value, Reason::UnknownValue)?;
    let units = text.parse::<Money>().map(Money::units);
    let whole = match units {
        Ok(units) if units % Exact::MONEY_UNITS == 0 => Some(units / Exact::MONEY_UNITS),
        Err(MoneyError::TooLarge) => Some(i64::MAX),
        _ => None,
    };
    let whole = whole
        .ok_or_else(|| Fault::new(Reason::ScoreNotInteger, format!("{} is no integer", shown(value))))?;
    let outside = || Fault::new(Reason::ScoreOutOfRange, format!("{} is not within 0..10", shown(value)));
    Score::new(whole).ok_or_else(outside)
}

fn flag(spec: &ValueSpec, value: &Value) -> Result<bool, Fault> {
    match spec.text(value, Reason::UnknownValue)?.as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Fault::new(Reason::UnknownValue, format!("{} is neither true nor false", shown(value)))),
    }
}

fn texts(spec: &ValueSpec, value: &Value) -> Result<Vec<String>, Fault> {
    let one = |value: &Value| spec.text(value, Reason::UnknownValue).and_then(id);
    match (value, &spec.split) {
        (Value::Array(values), _) => values.iter().map(one).collect(),
        (value, Some(separator)) => {
            let joined = scalar(value).ok_or_else(|| wrong(value, "a list of texts"))?;
            let parts = joined.split(separator.as_str()).map(str::trim).filter(|part| !part.is_empty());
            parts.map(|part| one(&Value::String(part.to_owned()))).collect()
        }
        (value, None) => Ok(vec![one(value)?]),
    }
}

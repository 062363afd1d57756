//! What no single field can tell: rules between the fields of one record.

use sarafan_core::event::Event;
use sarafan_core::vocabulary::{FieldValue, Kind, Money, Subject};

use super::lines::Currencies;
use crate::reason::{Fault, Reason, Rejection};

/// Amounts that may be below zero: a loss is a margin.
const SIGNED: [&str; 1] = ["margin"];

/// Signs and currencies.
pub(super) fn check(event: &Event, line_currencies: &Currencies) -> Result<(), Rejection> {
    let at = |name: &str| format!("{}.{name}", event.subject.name());
    let mut first_amount = None;
    for (name, value) in &event.fields {
        let FieldValue::Money(amount) = value else { continue };
        first_amount = first_amount.or(Some(name));
        if *amount < Money::ZERO && !SIGNED.contains(&name.as_str()) {
            return Err(Fault::new(Reason::NegativeAmount, format!("is {amount}, below zero")).at(at(name)));
        }
    }
    let currency = match event.field("currency") {
        Some(FieldValue::Text(currency)) => Some(currency.as_str()),
        _ => None,
    };
    if let Some(currency) = currency.filter(|code| !is_currency(code)) {
        let problem =
            format!("`{}` is not three upper-case letters", currency.chars().take(8).collect::<String>());
        return Err(Fault::new(Reason::BadCurrency, problem).at(at("currency")));
    }
    if let (Some(name), None) = (first_amount, currency) {
        return Err(
            Fault::new(Reason::MissingCurrency, "comes without a currency in the same record").at(at(name))
        );
    }
    if let Some(other) = line_currencies.iter().find(|code| currency.is_some_and(|own| own != code.as_str()))
    {
        let problem = format!("is `{}`, and a line is in `{other}`", currency.unwrap_or_default());
        return Err(Fault::new(Reason::MixedCurrency, problem).at(at("currency")));
    }
    Ok(())
}

/// Whether a text has the shape of an ISO 4217 code.
pub(super) fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())
}

/// Answers and invitations of surveys that nobody declared would be in no figure.
pub(super) fn declared_survey(event: &Event, surveys: &[String]) -> Result<(), Rejection> {
    let Some(FieldValue::Text(survey)) = event.field("survey") else { return Ok(()) };
    if surveys.contains(survey) {
        return Ok(());
    }
    let problem =
        format!("`{}` is not declared; add a [[survey]]", survey.chars().take(40).collect::<String>());
    Err(Fault::new(Reason::UndeclaredSurvey, problem).at(format!("{}.survey", event.subject.name())))
}

/// Whether a subject has amounts, and so needs a currency.
pub(super) fn has_amounts(subject: Subject) -> bool {
    subject.fields().iter().any(|field| field.kind == Kind::Money)
}

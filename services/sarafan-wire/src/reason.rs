//! Why a source record goes to the dead letters. The codes are a contract: metric label, dead-letter header, alert.

use std::fmt;

/// Why a source record was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The record has no value: a tombstone.
    NoValue,
    /// The value is larger than the source allows.
    TooLarge,
    /// The value is not UTF-8.
    InvalidUtf8,
    /// Objects and lists are nested deeper than the source allows.
    TooDeep,
    /// The value is not JSON.
    NotJson,
    /// The value is JSON, but no object.
    NotAnObject,
    /// No rule of the source speaks of such a record.
    NoRuleMatched,
    /// The entity has no id.
    MissingId,
    /// A field that the mapping requires is missing.
    MissingField,
    /// A value is of another JSON type than its field needs.
    WrongType,
    /// The declared version is missing, or the record has no timestamp to check it against.
    MissingVersion,
    /// The declared version is more than a day after the record's own timestamp.
    VersionInFuture,
    /// A time does not follow the declared format.
    BadTimestamp,
    /// A time is before 1990 or more than a day after the record's own timestamp.
    TimeOutOfRange,
    /// An amount is not a decimal number.
    BadAmount,
    /// An amount is beyond 18 digits.
    AmountTooLarge,
    /// An amount has more than four decimals.
    AmountTooFine,
    /// An amount that cannot be below zero is.
    NegativeAmount,
    /// An amount comes without a currency in the same record.
    MissingCurrency,
    /// A currency is not three upper-case letters.
    BadCurrency,
    /// A line is in another currency than its order.
    MixedCurrency,
    /// A status is not one that the subject has.
    UnknownStatus,
    /// A value is in no value map, or not one that the field has.
    UnknownValue,
    /// A score is an integer outside 0..10.
    ScoreOutOfRange,
    /// A score is no integer.
    ScoreNotInteger,
    /// An answer or invitation names a survey that is not declared.
    UndeclaredSurvey,
    /// A text holds NUL, or an id is longer than 1024 bytes.
    BadText,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::NoValue,
        Self::TooLarge,
        Self::InvalidUtf8,
        Self::TooDeep,
        Self::NotJson,
        Self::NotAnObject,
        Self::NoRuleMatched,
        Self::MissingId,
        Self::MissingField,
        Self::WrongType,
        Self::MissingVersion,
        Self::VersionInFuture,
        Self::BadTimestamp,
        Self::TimeOutOfRange,
        Self::BadAmount,
        Self::AmountTooLarge,
        Self::AmountTooFine,
        Self::NegativeAmount,
        Self::MissingCurrency,
        Self::BadCurrency,
        Self::MixedCurrency,
        Self::UnknownStatus,
        Self::UnknownValue,
        Self::ScoreOutOfRange,
        Self::ScoreNotInteger,
        Self::UndeclaredSurvey,
        Self::BadText,
    ];

    /// The stable snake_case code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoValue => "no_value",
            Self::TooLarge => "too_large",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::TooDeep => "too_deep",
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::NoRuleMatched => "no_rule_matched",
            Self::MissingId => "missing_id",
            Self::MissingField => "missing_field",
            Self::WrongType => "wrong_type",
            Self::MissingVersion => "missing_version",
            Self::VersionInFuture => "version_in_future",
            Self::BadTimestamp => "bad_timestamp",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::BadAmount => "bad_amount",
            Self::AmountTooLarge => "amount_too_large",
            Self::AmountTooFine => "amount_too_fine",
            Self::NegativeAmount => "negative_amount",
            Self::MissingCurrency => "missing_currency",
            Self::BadCurrency => "bad_currency",
            Self::MixedCurrency => "mixed_currency",
            Self::UnknownStatus => "unknown_status",
            Self::UnknownValue => "unknown_value",
            Self::ScoreOutOfRange => "score_out_of_range",
            Self::ScoreNotInteger => "score_not_integer",
            Self::UndeclaredSurvey => "undeclared_survey",
            Self::BadText => "bad_text",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why and where one source record was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The stable code.
    pub reason: Reason,
    /// The entity's field it was found at, such as `order.amount`; empty when it is the record as a whole.
    pub at: String,
    /// What was found, for a human. Never quotes free text.
    pub problem: String,
}

impl Rejection {
    /// A rejection of the record as a whole.
    pub(crate) fn of_record(reason: Reason, problem: impl Into<String>) -> Self {
        Self { reason, at: String::new(), problem: problem.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() {
            return write!(f, "{}: {}", self.reason, self.problem);
        }
        write!(f, "{}: {} {}", self.reason, self.at, self.problem)
    }
}

/// A rejection that does not know its place yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    pub(crate) problem: String,
}

impl Fault {
    pub(crate) fn new(reason: Reason, problem: impl Into<String>) -> Self {
        Self { reason, problem: problem.into() }
    }

    pub(crate) fn at(self, place: impl Into<String>) -> Rejection {
        Rejection { reason: self.reason, at: place.into(), problem: self.problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_snake_case_and_unique() {
        let mut codes: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert!(
            codes
                .iter()
                .all(|c| c.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'))
        );
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Reason::ALL.len());
    }
}

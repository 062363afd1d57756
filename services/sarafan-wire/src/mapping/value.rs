//! One configured value: where it comes from, what counts as blank, how it is translated.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sarafan_core::vocabulary::Money;
use serde_json::Value;

use super::path::{Path, scalar, shown};
use super::template::Template;
use super::time::TimeFormat;
use crate::reason::{Fault, Reason};

/// Where a value comes from.
#[derive(Debug, Clone)]
pub(super) enum ValueOrigin {
    Path(Path),
    Constant(Value),
    Template(Template),
}

/// A configured value, compiled.
#[derive(Debug, Clone)]
pub(super) struct ValueSpec {
    pub(super) origin: ValueOrigin,
    /// Codes that mean blank, such as a survey's 11.
    pub(super) blanks: Vec<String>,
    /// Whether a blank or null empties the field, or says nothing of it.
    pub(super) blank_clears: bool,
    /// Source words to ours.
    pub(super) map: Option<BTreeMap<String, String>>,
    /// Our word for source words that the map does not have.
    pub(super) map_default: Option<String>,
    /// Our value when the record has none.
    pub(super) default: Option<String>,
    /// Whether a record without it is rejected.
    pub(super) required: bool,
    /// Factor of an amount: `-1`, or `0.01` for cents.
    pub(super) times: Option<Money>,
    /// How an instant is written.
    pub(super) time: Option<TimeFormat>,
    /// What separates the texts of a list that comes as one text.
    pub(super) split: Option<String>,
}

/// What stands where a value comes from.
pub(super) enum Found<'v> {
    Absent,
    Null,
    Value(Cow<'v, Value>),
}

impl Found<'_> {
    pub(super) fn owned(value: Value) -> Found<'static> {
        Found::Value(Cow::Owned(value))
    }
}

/// What a record says of a value.
pub(super) enum Given<'v> {
    Absent,
    Cleared,
    Value(Cow<'v, Value>),
}

impl ValueSpec {
    /// What a record says. An empty text is blank, like null and the configured codes.
    pub(super) fn read<'v>(&'v self, root: &'v Value) -> Result<Given<'v>, Fault> {
        let given = match self.find(root)? {
            Found::Absent => self.fallback(),
            Found::Null => self.blank(),
            Found::Value(value) if self.is_blank(&value) => self.blank(),
            Found::Value(value) => Given::Value(value),
        };
        if self.required && !matches!(given, Given::Value(_)) {
            return Err(Fault::new(Reason::MissingField, format!("is required{}", self.place())));
        }
        Ok(given)
    }

    /// Whether the record has the value, has it as null, or lacks it: before anything is made of it.
    pub(super) fn find<'v>(&'v self, root: &'v Value) -> Result<Found<'v>, Fault> {
        Ok(match &self.origin {
            ValueOrigin::Path(path) => match path.find(root) {
                None => Found::Absent,
                Some(Value::Null) => Found::Null,
                Some(value) => Found::Value(Cow::Borrowed(value)),
            },
            ValueOrigin::Constant(value) => Found::Value(Cow::Borrowed(value)),
            ValueOrigin::Template(template) => template.fill(root)?,
        })
    }

    /// Whether a value is null, an empty text, or one of the codes that mean blank.
    pub(super) fn is_blank(&self, value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::String(text) if text.is_empty() => true,
            _ if self.blanks.is_empty() => false,
            value => scalar(value).is_some_and(|text| self.blanks.contains(&text)),
        }
    }

    fn blank(&self) -> Given<'_> {
        if self.blank_clears { Given::Cleared } else { self.fallback() }
    }

    fn fallback(&self) -> Given<'_> {
        self.default.clone().map_or(Given::Absent, |text| Given::Value(Cow::Owned(Value::String(text))))
    }

    /// The text of a scalar, translated by the value map. `unmapped` is the reason when the map does not have it.
    pub(super) fn text(&self, value: &Value, unmapped: Reason) -> Result<String, Fault> {
        let wrong = || Fault::new(Reason::WrongType, format!("is {}, not a text", shown(value)));
        let text = scalar(value).ok_or_else(wrong)?;
        let Some(map) = &self.map else { return Ok(text) };
        if self.default.as_ref() == Some(&text) {
            return Ok(text);
        }
        let mapped = map.get(&text).or(self.map_default.as_ref()).cloned();
        mapped.ok_or_else(|| Fault::new(unmapped, format!("{} is not in the value map", shown(value))))
    }

    fn place(&self) -> String {
        match &self.origin {
            ValueOrigin::Path(path) => format!(" and the record has none at `{path}`"),
            ValueOrigin::Constant(_) | ValueOrigin::Template(_) => String::new(),
        }
    }
}

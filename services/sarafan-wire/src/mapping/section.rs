//! Walks the TOML of a source and notes everything that is wrong, not only the first thing.

use std::cell::RefCell;

use thiserror::Error;
use toml::{Table, Value};

/// One thing wrong with a `[[source]]`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {problem}")]
pub struct MappingError {
    /// Which key: `source[0].record[1].amount`.
    pub path: String,
    /// What is wrong and what to do.
    pub problem: String,
}

/// Everything wrong so far.
#[derive(Debug, Default)]
pub(super) struct Errors(RefCell<Vec<MappingError>>);

impl Errors {
    /// Notes an error, once: `order_id` is read twice, as a key and as a field.
    pub(super) fn add(&self, path: impl Into<String>, problem: impl Into<String>) {
        let error = MappingError { path: path.into(), problem: problem.into() };
        let mut errors = self.0.borrow_mut();
        if !errors.contains(&error) {
            errors.push(error);
        }
    }

    pub(super) fn into_inner(self) -> Vec<MappingError> {
        self.0.into_inner()
    }

    pub(super) fn count(&self) -> usize {
        self.0.borrow().len()
    }
}

/// A table that is being read. Keys that nobody asked for are errors in the end.
pub(super) struct Section<'t, 'e> {
    pub(super) path: String,
    pub(super) errors: &'e Errors,
    table: &'t Table,
    asked: RefCell<Vec<String>>,
}

impl<'t, 'e> Section<'t, 'e> {
    pub(super) fn new(path: String, table: &'t Table, errors: &'e Errors) -> Self {
        Self { path, errors, table, asked: RefCell::default() }
    }

    /// The path of a key of this table.
    pub(super) fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    pub(super) fn wrong(&self, key: &str, problem: impl Into<String>) {
        self.errors.add(self.at(key), problem);
    }

    pub(super) fn get(&self, key: &str) -> Option<&'t Value> {
        self.asked.borrow_mut().push(key.to_owned());
        self.table.get(key)
    }

    pub(super) fn text(&self, key: &str) -> Option<&'t str> {
        let value = self.get(key)?;
        value.as_str().or_else(|| self.not(key, "a text"))
    }

    /// A text that is not empty.
    pub(super) fn required_text(&self, key: &str) -> Option<&'t str> {
        if !self.table.contains_key(key) {
            self.wrong(key, "is missing");
        }
        let text = self.text(key)?;
        if text.is_empty() {
            self.wrong(key, "is empty");
        }
        Some(text)
    }

    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        let flag = self.get(key).map(|value| value.as_bool().or_else(|| self.not(key, "true or false")));
        flag.flatten().unwrap_or(default)
    }

    /// An integer within bounds.
    pub(super) fn number<T: TryFrom<i64>>(
        &self,
        key: &str,
        default: T,
        range: std::ops::RangeInclusive<i64>,
    ) -> T {
        let Some(value) = self.get(key) else { return default };
        let number = value.as_integer().filter(|number| range.contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.unwrap_or_else(|| {
            self.wrong(key, format!("must be an integer within {}..{}", range.start(), range.end()));
            default
        })
    }

    /// Scalars as texts: one, or a list of them.
    pub(super) fn scalars(&self, key: &str) -> Option<Vec<String>> {
        let texts = match self.get(key)? {
            Value::Array(values) => values.iter().map(scalar).collect(),
            value => scalar(value).map(|text| vec![text]),
        };
        texts.or_else(|| self.not(key, "a text, number or flag, or a list of them"))
    }

    /// An array of tables, each with its path.
    pub(super) fn tables(&self, key: &str) -> Vec<Section<'t, 'e>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let tables: Option<Vec<&Table>> =
            value.as_array().and_then(|values| values.iter().map(Value::as_table).collect());
        let tables = tables.or_else(|| self.not(key, "a list of tables")).unwrap_or_default();
        let section = |(i, table)| Section::new(format!("{}[{i}]", self.at(key)), table, self.errors);
        tables.into_iter().enumerate().map(section).collect()
    }

    /// The keys that nobody asked for yet, with their values.
    pub(super) fn rest(&self) -> Vec<(&'t str, &'t Value)> {
        let asked = self.asked.borrow();
        let entries = self.table.iter().map(|(key, value)| (key.as_str(), value));
        entries.filter(|(key, _)| !asked.iter().any(|known| known == key)).collect()
    }

    /// Refuses every key that nobody asked for.
    pub(super) fn finish(&self) {
        for (key, _) in self.rest() {
            let known = self.asked.borrow();
            self.wrong(key, unknown("key", key, known.iter().map(String::as_str)));
        }
    }

    fn not<T>(&self, key: &str, what: &str) -> Option<T> {
        self.wrong(key, format!("must be {what}"));
        None
    }
}

/// `is an unknown ...; did you mean ...?`
pub(super) fn unknown<'k>(what: &str, found: &str, known: impl Iterator<Item = &'k str>) -> String {
    let nearest = known.map(|k| (strsim::damerau_levenshtein(found, k), k)).min();
    match nearest.filter(|(distance, k)| *distance <= 1 + k.len() / 4) {
        Some((_, nearest)) => format!("is an unknown {what}; did you mean `{nearest}`?"),
        None => format!("is an unknown {what}"),
    }
}

/// A scalar as the text that conditions and value maps compare.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

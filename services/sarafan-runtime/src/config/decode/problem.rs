//! An error while it travels up through serde to where its place is known.

use std::fmt::{self, Display};

use serde::de::{Expected, Unexpected};

use super::super::error::ConfigErrorKind;
use super::super::node::Origin;
use super::super::place::KeyPath;
use super::super::suggest;

/// Why a value was refused. Whoever first knows the place of the value adds it.
#[derive(Debug)]
pub(in crate::config) struct Problem {
    kind: ConfigErrorKind,
    message: String,
    /// For a missing key: its name in the table that was refused.
    missing: Option<&'static str>,
    place: Option<(KeyPath, Origin)>,
}

/// A problem with its place.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) kind: ConfigErrorKind,
    pub(super) path: KeyPath,
    pub(super) origin: Origin,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(kind: ConfigErrorKind, message: String) -> Self {
        Self { kind, message, missing: None, place: None }
    }

    /// The same problem, at this place unless it has one already.
    pub(super) fn at(mut self, path: &KeyPath, origin: &Origin) -> Self {
        if self.place.is_none() {
            let path = self.missing.map_or_else(|| path.clone(), |key| path.key(key));
            self.place = Some((path, origin.clone()));
        }
        self
    }

    pub(super) fn is_at(&self, path: &KeyPath) -> bool {
        self.place.as_ref().is_none_or(|(place, _)| place == path)
    }

    pub(super) fn located(&self, path: &KeyPath, origin: &Origin) -> Located {
        let (path, origin) = self.place.clone().unwrap_or_else(|| (path.clone(), origin.clone()));
        Located { kind: self.kind, path, origin, message: self.message.clone() }
    }
}

impl serde::de::Error for Problem {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(ConfigErrorKind::InvalidValue, message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}, not {unexpected}"))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}, not {unexpected}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let known = expected.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let hint = suggest::hint(variant, expected.iter().copied());
        Self::custom(format_args!("`{variant}` is not one of {known}{hint}"))
    }

    fn missing_field(field: &'static str) -> Self {
        let message = "required, and not there".to_owned();
        Self { missing: Some(field), ..Self::new(ConfigErrorKind::MissingKey, message) }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

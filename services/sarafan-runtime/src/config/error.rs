//! What is wrong with a configuration, and where.

use std::fmt;

use super::node::Origin;

/// Which rule a configuration breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// The file, or the file of a secret, cannot be read.
    Unreadable,
    /// The file is not TOML.
    Syntax,
    /// A key or section that no service knows.
    UnknownKey,
    /// A required key or section is not there.
    MissingKey,
    /// A value of the wrong type or outside of what is allowed.
    InvalidValue,
    /// An environment variable that names no place in the configuration.
    Environment,
}

impl ConfigErrorKind {
    /// Stable name, fit for a metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Syntax => "syntax",
            Self::UnknownKey => "unknown_key",
            Self::MissingKey => "missing_key",
            Self::InvalidValue => "invalid_value",
            Self::Environment => "environment",
        }
    }
}

/// One error: `sarafan.toml:12: kafka.broker: unknown key; did you mean `brokers`?`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.line())]
pub struct ConfigError {
    kind: ConfigErrorKind,
    /// File, or environment variable.
    source_name: String,
    /// Line in the file, from 1; 0 when it has none. Errors are sorted by it.
    line: usize,
    path: String,
    message: String,
}

impl ConfigError {
    pub(super) fn new(
        kind: ConfigErrorKind,
        source_name: String,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, source_name, line: 0, path: path.into(), message: message.into() }
    }

    pub(super) fn at(
        kind: ConfigErrorKind,
        file: &str,
        origin: &Origin,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (source_name, line) = match origin {
            Origin::Nowhere => (file.to_owned(), 0),
            Origin::Line(line) => (file.to_owned(), *line),
            Origin::Variable(name) => (name.clone(), 0),
        };
        Self { kind, source_name, line, path: path.into(), message: message.into() }
    }

    /// Stable name of the rule that is broken.
    pub fn kind(&self) -> &'static str {
        self.kind.as_str()
    }

    /// Full name of the key, such as `source[0].topic`; empty when it is about the file.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn line(&self) -> String {
        let mut text = self.source_name.clone();
        if self.line > 0 {
            text.push_str(&format!(":{}", self.line));
        }
        if !self.path.is_empty() {
            text.push_str(&format!(": {}", self.path));
        }
        format!("{text}: {}", self.message)
    }
}

/// All errors of a configuration. Displayed one per line, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// Adds one.
    pub fn push(&mut self, error: ConfigError) {
        self.0.push(error);
    }

    /// Adds several.
    pub fn extend(&mut self, errors: impl IntoIterator<Item = ConfigError>) {
        self.0.extend(errors);
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The errors found so far.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }

    pub(super) fn into_result(mut self) -> Result<(), Self> {
        if self.is_empty() {
            return Ok(());
        }
        self.0.sort_by(|a, b| (a.line, &a.source_name, &a.path).cmp(&(b.line, &b.source_name, &b.path)));
        Err(self)
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

//! Names and places of keys.

use std::fmt;
use std::sync::Arc;

use super::error::{ConfigError, ConfigErrorKind};
use super::node::{Content, Node, Origin};

/// The document that places refer to.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) file: String,
    pub(super) root: Node,
}

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Step {
    Key(String),
    Index(usize),
}

/// The way to a key, displayed as `source[0].mapping.amount`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct KeyPath(Vec<Step>);

impl KeyPath {
    pub(super) fn of(section: &str) -> Self {
        Self::default().key(section)
    }

    /// From the form in which paths are displayed. A part that is not of that form is taken as a key.
    pub(super) fn parse(text: &str) -> Self {
        let mut path = Self::default();
        for part in text.split('.') {
            let (key, indices) = part.split_once('[').map_or((part, ""), |(key, rest)| (key, rest));
            let indices: Option<Vec<usize>> = match indices.strip_suffix(']') {
                Some(inner) => inner.split("][").map(|index| index.parse().ok()).collect(),
                None => indices.is_empty().then(Vec::new),
            };
            path = match indices {
                Some(indices) => indices.into_iter().fold(path.key(key), |path, index| path.index(index)),
                None => path.key(part),
            };
        }
        path
    }

    pub(super) fn key(&self, key: &str) -> Self {
        self.then(Step::Key(key.to_owned()))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        self.then(Step::Index(index))
    }

    fn then(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if position == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A value and where it was written, for checks that come after reading.
#[derive(Debug, Clone)]
pub struct Located<T> {
    /// What was read.
    pub value: T,
    /// Where it was written.
    pub place: Place,
}

/// A place in a configuration. Further steps lead to keys below it, whether they exist or not.
#[derive(Debug, Clone)]
pub struct Place {
    tree: Arc<Tree>,
    path: KeyPath,
}

impl Place {
    pub(super) fn new(tree: Arc<Tree>, path: KeyPath) -> Self {
        Self { tree, path }
    }

    /// The place of a key in the table at this place.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        Self { tree: Arc::clone(&self.tree), path: self.path.key(key) }
    }

    /// The place of an element, counted from 0, of the array at this place.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self { tree: Arc::clone(&self.tree), path: self.path.index(index) }
    }

    /// An error about the value at this place: what is wrong with it and what is allowed.
    pub fn invalid(&self, message: impl Into<String>) -> ConfigError {
        self.error(ConfigErrorKind::InvalidValue, message)
    }

    pub(super) fn error(&self, kind: ConfigErrorKind, message: impl Into<String>) -> ConfigError {
        ConfigError::at(kind, &self.tree.file, &self.origin(), self.path.to_string(), message)
    }

    /// Origin of the deepest part of the path that exists.
    fn origin(&self) -> Origin {
        let mut node = &self.tree.root;
        for step in &self.path.0 {
            let next = match (step, &node.content) {
                (Step::Key(key), _) => node.get(key),
                (Step::Index(index), Content::Array(items)) => items.get(*index),
                (Step::Index(_), _) => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node.origin.clone()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::KeyPath;

    #[test]
    fn a_path_is_read_as_it_is_displayed() {
        let path = KeyPath::of("source").index(12).key("mapping").key("lines").index(0).index(3);
        assert_eq!(path.to_string(), "source[12].mapping.lines[0][3]");
        assert_eq!(KeyPath::parse(&path.to_string()), path);
        assert_eq!(KeyPath::parse("kafka"), KeyPath::of("kafka"));
        assert_eq!(KeyPath::parse("kafka.a[b]"), KeyPath::of("kafka").key("a[b]"));
    }
}

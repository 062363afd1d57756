//! A TOML document as a tree in which every value knows where it was written.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::error::{ConfigError, ConfigErrorKind, ConfigErrors};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Not written down: a section that is absent.
    Nowhere,
    /// A line of the file, from 1.
    Line(usize),
    /// An environment variable.
    Variable(String),
}

/// A value and its origin.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) origin: Origin,
    /// The text of an environment variable, which is what counts where a string is expected.
    pub(super) raw: Option<String>,
}

/// A TOML value. Dates are kept as text: whoever wants one parses it.
#[derive(Debug, Clone)]
pub(super) enum Content {
    String(String),
    Integer(i128),
    Float(f64),
    Boolean(bool),
    Date(String),
    Array(Vec<Node>),
    Table(BTreeMap<String, Node>),
}

impl Node {
    /// What an absent section is taken for.
    pub(super) fn empty_table() -> Self {
        Self::new(Content::Table(BTreeMap::new()), Origin::Nowhere)
    }

    pub(super) fn new(content: Content, origin: Origin) -> Self {
        Self { content, origin, raw: None }
    }

    /// The entry of a table.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        match &self.content {
            Content::Table(entries) => entries.get(key),
            _ => None,
        }
    }

    /// The keys of a table.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let entries = match &self.content {
            Content::Table(entries) => Some(entries),
            _ => None,
        };
        entries.into_iter().flat_map(BTreeMap::keys).map(String::as_str)
    }
}

/// Parses a file. Syntax errors are added to `errors`, all of them.
pub(super) fn parse(file: &str, text: &str, errors: &mut ConfigErrors) -> Node {
    let lines = Lines::of(text);
    let (root, faults) = DeTable::parse_recoverable(text);
    for fault in faults {
        let origin = fault.span().map_or(Origin::Nowhere, |span| lines.origin(span.start));
        errors.push(ConfigError::at(ConfigErrorKind::Syntax, file, &origin, "", fault.message()));
    }
    let mut converter = Converter { file, lines, errors };
    Node::new(Content::Table(converter.entries(root.into_inner())), Origin::Nowhere)
}

/// Parses the text of an environment variable as a TOML value; what is not one is a string.
pub(super) fn parse_override(variable: &str, text: &str) -> Node {
    let origin = Origin::Variable(variable.to_owned());
    let mut refused = ConfigErrors::default();
    let content = DeValue::parse(text).map(|value| {
        let mut converter = Converter { file: variable, lines: Lines::of(text), errors: &mut refused };
        converter.content(value)
    });
    let mut node = match content {
        Ok(content) if refused.is_empty() => Node::new(content, origin.clone()),
        _ => Node::new(Content::String(text.to_owned()), origin.clone()),
    };
    if !matches!(node.content, Content::String(_)) {
        node.raw = Some(text.to_owned());
    }
    set_origin(&mut node, &origin);
    node
}

fn set_origin(node: &mut Node, origin: &Origin) {
    node.origin = origin.clone();
    match &mut node.content {
        Content::Array(items) => items.iter_mut().for_each(|item| set_origin(item, origin)),
        Content::Table(entries) => entries.values_mut().for_each(|entry| set_origin(entry, origin)),
        _ => {}
    }
}

struct Converter<'a> {
    file: &'a str,
    lines: Lines,
    errors: &'a mut ConfigErrors,
}

impl Converter<'_> {
    fn entries(&mut self, table: DeTable<'_>) -> BTreeMap<String, Node> {
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            // A key's line says more than its value's: a table has no text of its own.
            let origin = self.lines.origin(key.span().start);
            let content = self.content(value);
            entries.insert(key.into_inner().into_owned(), Node::new(content, origin));
        }
        entries
    }

    fn item(&mut self, value: Spanned<DeValue<'_>>) -> Node {
        let origin = self.lines.origin(value.span().start);
        Node::new(self.content(value), origin)
    }

    fn content(&mut self, value: Spanned<DeValue<'_>>) -> Content {
        let start = value.span().start;
        match value.into_inner() {
            DeValue::String(text) => Content::String(text.into_owned()),
            DeValue::Integer(number) => self.integer(&number, start),
            // The parser lets pass only what is a number.
            DeValue::Float(number) => Content::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(flag) => Content::Boolean(flag),
            DeValue::Datetime(date) => Content::Date(date.to_string()),
            DeValue::Array(items) => Content::Array(items.into_iter().map(|item| self.item(item)).collect()),
            DeValue::Table(table) => Content::Table(self.entries(table)),
        }
    }

    fn integer(&mut self, number: &DeInteger<'_>, start: usize) -> Content {
        let parsed = i128::from_str_radix(number.as_str(), number.radix());
        if parsed.is_err() {
            let (origin, message) = (self.lines.origin(start), format!("the integer {number} is too large"));
            self.errors.push(ConfigError::at(ConfigErrorKind::Syntax, self.file, &origin, "", message));
        }
        Content::Integer(parsed.unwrap_or_default())
    }
}

/// Offsets at which the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        Self(std::iter::once(0).chain(ends.map(|(offset, _)| offset + 1)).collect())
    }

    fn origin(&self, offset: usize) -> Origin {
        Origin::Line(self.0.partition_point(|&start| start <= offset))
    }
}

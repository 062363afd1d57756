//! A serde deserializer over a [`Node`].

use std::collections::{BTreeMap, VecDeque};

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::super::node::{Content, Node, Origin};
use super::super::place::KeyPath;
use super::super::secret::SECRET_TYPE;
use super::super::stand_in::StandIn;
use super::super::suggest;
use super::secret_file::SecretFile;
use super::{Problem, Session};

/// A key `NAME_file` stands for the secret `NAME`.
const FILE_SUFFIX: &str = "_file";

/// One value, about to be decoded.
pub(super) struct Decoder<'a> {
    pub(super) node: &'a Node,
    pub(super) path: KeyPath,
    pub(super) session: &'a Session<'a>,
}

impl<'a> Decoder<'a> {
    /// Adds this value's place to an error that has none.
    fn placed<T>(path: &KeyPath, origin: &Origin, result: Result<T, Problem>) -> Result<T, Problem> {
        result.map_err(|problem| problem.at(path, origin))
    }

    fn text(&self) -> Option<&'a str> {
        match (&self.node.raw, &self.node.content) {
            (Some(raw), _) => Some(raw),
            (None, Content::String(text)) => Some(text),
            _ => None,
        }
    }

    fn entries(&self, entries: &'a BTreeMap<String, Node>) -> Entries<'a> {
        let known = entries.iter().map(|(key, node)| (key.as_str(), Source::Value(node))).collect();
        Entries::new(self, known)
    }

    /// The entries that the struct knows; others are reported. A key that is missing and was reported so gets a
    /// stand-in. Stand-ins come last, because one that is refused ends the attempt.
    fn known_entries(
        &self,
        entries: &'a BTreeMap<String, Node>,
        fields: &'static [&'static str],
    ) -> Entries<'a> {
        let mut known: VecDeque<(&'a str, Source<'a>)> = VecDeque::new();
        for (key, node) in entries {
            let secret =
                key.strip_suffix(FILE_SUFFIX).and_then(|name| fields.iter().find(|field| **field == name));
            if fields.contains(&key.as_str()) {
                known.push_back((key, Source::Value(node)));
            } else if let Some(&name) = secret {
                if entries.contains_key(name) {
                    self.session.conflict(&self.path.key(key), &node.origin, name, key);
                } else {
                    known.push_back((
                        name,
                        Source::SecretFile(SecretFile { node, key, session: self.session }),
                    ));
                }
            } else {
                let hint = suggest::hint(key, fields.iter().copied());
                self.session.unknown_key(&self.path.key(key), &node.origin, &hint);
            }
        }
        let is_there = |field: &str| known.iter().any(|(key, _)| *key == field);
        let missing: Vec<_> = fields.iter().copied().filter(|field| !is_there(field)).collect();
        known.extend(missing.into_iter().map(|field| (field, Source::Missing)));
        Entries::new(self, known)
    }
}

impl<'de> Deserializer<'de> for Decoder<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let result = match &self.node.content {
            Content::String(text) => visitor.visit_str(text),
            Content::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => visitor.visit_i64(number),
                (_, Ok(number)) => visitor.visit_u64(number),
                _ => visitor.visit_i128(*number),
            },
            Content::Float(number) => visitor.visit_f64(*number),
            Content::Boolean(flag) => visitor.visit_bool(*flag),
            Content::Date(text) => visitor.visit_str(text),
            Content::Array(items) => {
                visitor.visit_seq(Items { parent: &self, items: items.iter().enumerate() })
            }
            Content::Table(entries) => visitor.visit_map(self.entries(entries)),
        };
        Self::placed(&self.path, &self.node.origin, result)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.text() {
            Some(text) => Self::placed(&self.path, &self.node.origin, visitor.visit_str(text)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        if name == SECRET_TYPE {
            self.session.is_secret(&self.path);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let Content::Table(entries) = &self.node.content else { return self.deserialize_any(visitor) };
        let result = visitor.visit_map(self.known_entries(entries, fields));
        Self::placed(&self.path, &self.node.origin, result)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let result = match (self.text(), &self.node.content) {
            (Some(text), _) => {
                let name: StrDeserializer<'_, Problem> = text.into_deserializer();
                visitor.visit_enum(name)
            }
            (None, Content::Table(entries)) if entries.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(self.entries(entries)))
            }
            _ => return self.deserialize_any(visitor),
        };
        Self::placed(&self.path, &self.node.origin, result)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// The elements of an array.
struct Items<'a, I> {
    parent: &'a Decoder<'a>,
    items: I,
}

impl<'de, 'a, I: Iterator<Item = (usize, &'a Node)>> SeqAccess<'de> for Items<'a, I> {
    type Error = Problem;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Problem> {
        let Some((index, node)) = self.items.next() else { return Ok(None) };
        let path = self.parent.path.index(index);
        value(self.parent.session, path, node, seed).map(Some)
    }
}

/// What stands behind a key.
enum Source<'a> {
    Value(&'a Node),
    /// The key is not there, but one that names a file is.
    SecretFile(SecretFile<'a>),
    /// The key is not there.
    Missing,
}

/// The entries of a table.
struct Entries<'a> {
    session: &'a Session<'a>,
    path: KeyPath,
    origin: Origin,
    entries: VecDeque<(&'a str, Source<'a>)>,
    current: Option<(&'a str, Source<'a>)>,
}

impl<'a> Entries<'a> {
    fn new(parent: &Decoder<'a>, entries: VecDeque<(&'a str, Source<'a>)>) -> Self {
        let session = parent.session;
        let is_replaced = |(key, source): &(&str, Source<'_>)| match source {
            Source::SecretFile(file) => session.is_replaced(&parent.path.key(file.key)),
            Source::Value(_) | Source::Missing => session.is_replaced(&parent.path.key(key)),
        };
        let (last, first): (VecDeque<_>, VecDeque<_>) = entries.into_iter().partition(is_replaced);
        // A missing key that has not been reported yet stays missing: serde may have a default for it.
        let first = first.into_iter().filter(|(_, source)| !matches!(source, Source::Missing));
        Self {
            session,
            path: parent.path.clone(),
            origin: parent.node.origin.clone(),
            entries: first.chain(last).collect(),
            current: None,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Problem;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Problem> {
        self.current = self.entries.pop_front();
        let Some((key, _)) = &self.current else { return Ok(None) };
        let name: StrDeserializer<'_, Problem> = (*key).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Problem> {
        let Some((key, source)) = self.current.take() else {
            return Err(serde::de::Error::custom("a value was asked for before its key"));
        };
        let path = self.path.key(key);
        match source {
            Source::Value(node) => value(self.session, path, node, seed),
            Source::Missing => seed.deserialize(StandIn).map_err(|problem| problem.at(&path, &self.origin)),
            Source::SecretFile(file) => file.value(&self.path, seed),
        }
    }
}

/// Decodes a value, or a stand-in for one that was refused before.
fn value<'de, S: DeserializeSeed<'de>>(
    session: &Session<'_>,
    path: KeyPath,
    node: &Node,
    seed: S,
) -> Result<S::Value, Problem> {
    let result = if session.is_replaced(&path) {
        seed.deserialize(StandIn)
    } else {
        seed.deserialize(Decoder { node, path: path.clone(), session })
    };
    result.map_err(|problem| problem.at(&path, &node.origin))
}

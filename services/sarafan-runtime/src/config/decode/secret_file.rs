//! A secret that is in a file of its own.

use serde::de::value::StringDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::super::error::ConfigErrorKind;
use super::super::node::{Content, Node};
use super::super::place::KeyPath;
use super::super::secret::SECRET_TYPE;
use super::super::stand_in::StandIn;
use super::{Problem, Session};

/// The value of a key `NAME_file`, which can be decoded as a [`Secret`](super::super::Secret) only.
#[derive(Debug, Clone, Copy)]
pub(super) struct SecretFile<'a> {
    pub(super) node: &'a Node,
    pub(super) key: &'a str,
    pub(super) session: &'a Session<'a>,
}

impl SecretFile<'_> {
    /// Decodes the secret, for the table at `parent`.
    pub(super) fn value<'de, S: DeserializeSeed<'de>>(
        self,
        parent: &KeyPath,
        seed: S,
    ) -> Result<S::Value, Problem> {
        let path = parent.key(self.key);
        let result =
            if self.session.is_replaced(&path) { seed.deserialize(StandIn) } else { seed.deserialize(self) };
        result.map_err(|problem| problem.at(&path, &self.node.origin))
    }

    /// Content of the file. The line feed that editors put at the end is no part of a secret.
    fn read(&self) -> Result<String, Problem> {
        let Content::String(name) = &self.node.content else {
            let message = "expected the path of a file".to_owned();
            return Err(Problem::new(ConfigErrorKind::InvalidValue, message));
        };
        let file = self.session.folder.join(name);
        let secret = std::fs::read_to_string(&file).map_err(|error| {
            let message = format!("cannot read the secret from {}: {error}", file.display());
            Problem::new(ConfigErrorKind::Unreadable, message)
        })?;
        Ok(secret.trim_end_matches(['\r', '\n']).to_owned())
    }
}

impl<'de> Deserializer<'de> for SecretFile<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Problem> {
        let message = "unknown key: only secrets can be in a file of their own".to_owned();
        Err(Problem::new(ConfigErrorKind::UnknownKey, message))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        if name != SECRET_TYPE {
            return self.deserialize_any(visitor);
        }
        let secret: StringDeserializer<Problem> = self.read()?.into_deserializer();
        visitor.visit_newtype_struct(secret)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

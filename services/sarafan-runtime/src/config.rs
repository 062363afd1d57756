//! The configuration: one TOML file for a whole deployment, from which each service takes the sections it needs.
//!
//! * Every key can be overridden by the environment: `SARAFAN__KAFKA__BROKERS` is `brokers` in `[kafka]`,
//!   `SARAFAN__SOURCE__0__TOPIC` is `topic` in the first `[[source]]`. A value is read as TOML (`8`, `true`,
//!   `["a", "b"]`) and, where that fails or where a string is expected, taken as it stands.
//! * A key `password` of type [`Secret`] can be given as `password_file`, the path of a file that holds it, relative
//!   to the folder of the configuration.
//!   Crates that do not depend on this one have the same with a newtype of `String` that is marked
//!   `#[serde(rename = "sarafan_runtime::config::Secret")]`.
//! * Unknown keys are refused. All errors are reported at once, each with its file and line.
//!
//! Section structs derive `Deserialize`. They must not use `#[serde(flatten)]`, and untagged or internally tagged enums
//! only for values without keys of their own: serde hides the names of keys from this module there, so that unknown
//! ones could not be refused.

mod decode;
mod environment;
mod error;
mod node;
mod place;
mod redact;
mod secret;
mod stand_in;
mod suggest;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use error::{ConfigError, ConfigErrorKind, ConfigErrors};
pub use place::{Located, Place};
pub use secret::Secret;

use decode::Session;
use node::{Content, Node};
use place::{KeyPath, Tree};

/// A configuration that has been read: the file and the environment's overrides.
#[derive(Debug)]
pub struct Document {
    tree: Arc<Tree>,
    folder: PathBuf,
    /// Paths that were decoded as [`Secret`].
    secrets: RefCell<BTreeSet<KeyPath>>,
}

impl Document {
    /// Reads `path` and the environment variables that start with `PREFIX__`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not TOML, or an override cannot be placed.
    pub fn load(path: &Path, env_prefix: &str) -> Result<Self, ConfigErrors> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = format!("cannot read the configuration: {error}; name its file with --config");
            ConfigErrors::from(ConfigError::new(ConfigErrorKind::Unreadable, name.clone(), "", message))
        })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self::parse(&name, &text, folder, env_prefix, std::env::vars_os())
    }

    /// Reads a text, without the environment: for tests and examples. `name` stands for the file in error messages.
    ///
    /// # Errors
    ///
    /// When the text is not TOML.
    pub fn from_text(name: &str, text: &str) -> Result<Self, ConfigErrors> {
        Self::parse(name, text, PathBuf::new(), "", std::iter::empty())
    }

    /// Reads a text and the given environment variables.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn from_text_and_environment(
        name: &str,
        text: &str,
        env_prefix: &str,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigErrors> {
        Self::parse(name, text, PathBuf::new(), env_prefix, environment)
    }

    fn parse(
        name: &str,
        text: &str,
        folder: PathBuf,
        env_prefix: &str,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigErrors> {
        let mut errors = ConfigErrors::default();
        let mut root = node::parse(name, text, &mut errors);
        environment::apply(&mut root, env_prefix, environment, &mut errors);
        errors.into_result()?;
        let tree = Arc::new(Tree { file: name.to_owned(), root });
        Ok(Self { tree, folder, secrets: RefCell::default() })
    }

    /// The section `[name]`. Its absence is an error; `None` when anything is wrong with it.
    pub fn section<T: DeserializeOwned>(&self, name: &str, errors: &mut ConfigErrors) -> Option<T> {
        let Some(section) = self.tree.root.get(name) else {
            let message = format!("the section [{name}] is missing");
            errors.push(self.section_place(name).error(ConfigErrorKind::MissingKey, message));
            return None;
        };
        self.decode(section, KeyPath::of(name), errors)
    }

    /// The section `[name]`, or what an empty one means when it is absent; `None` when anything is wrong with it.
    pub fn section_or_default<T: DeserializeOwned>(
        &self,
        name: &str,
        errors: &mut ConfigErrors,
    ) -> Option<T> {
        let empty = Node::empty_table();
        self.decode(self.tree.root.get(name).unwrap_or(&empty), KeyPath::of(name), errors)
    }

    /// All tables `[[name]]`, in their order, with their places, so that later checks can name the line too. Tables
    /// that have errors are left out, so check what several of them say together only while `errors` is empty.
    pub fn array_of_tables<T: DeserializeOwned>(
        &self,
        name: &str,
        errors: &mut ConfigErrors,
    ) -> Vec<Located<T>> {
        let Some(node) = self.tree.root.get(name) else { return Vec::new() };
        let Content::Array(tables) = &node.content else {
            let message = format!("write [[{name}]] with two brackets: there can be several");
            errors.push(self.section_place(name).error(ConfigErrorKind::InvalidValue, message));
            return Vec::new();
        };
        let located = |(index, table): (usize, &Node)| {
            let path = KeyPath::of(name).index(index);
            let value = self.decode(table, path, errors)?;
            Some(Located { value, place: self.section_place(name).index(index) })
        };
        tables.iter().enumerate().filter_map(located).collect()
    }

    /// Whether the section `[name]` or `[[name]]` is there.
    pub fn has(&self, name: &str) -> bool {
        self.tree.root.get(name).is_some()
    }

    /// Where a key is, for errors found by later checks: `kafka.brokers`, `source[0].mapping`.
    pub fn place(&self, path: &str) -> Place {
        Place::new(Arc::clone(&self.tree), KeyPath::parse(path))
    }

    /// Refuses sections that nobody knows. To be called last, with the names that *any* service of the deployment
    /// knows, because they share the file.
    ///
    /// # Errors
    ///
    /// All that was found by now, in the order of the file.
    pub fn finish(&self, mut errors: ConfigErrors, known_sections: &[&str]) -> Result<(), ConfigErrors> {
        for name in self.tree.root.keys().filter(|name| !known_sections.contains(name)) {
            let hint = suggest::hint(name, known_sections.iter().copied());
            let message = format!("unknown section{hint}");
            errors.push(self.section_place(name).error(ConfigErrorKind::UnknownKey, message));
        }
        errors.into_result()
    }

    /// The configuration in force (file and overrides, without defaults) as TOML, with secrets hidden: whatever was
    /// taken as a [`Secret`], and values whose keys sound like one.
    pub fn redacted(&self) -> String {
        redact::render(&self.tree.root, &self.secrets.borrow())
    }

    fn section_place(&self, name: &str) -> Place {
        Place::new(Arc::clone(&self.tree), KeyPath::of(name))
    }

    fn decode<T: DeserializeOwned>(
        &self,
        node: &Node,
        path: KeyPath,
        errors: &mut ConfigErrors,
    ) -> Option<T> {
        let session = Session::new(&self.tree.file, &self.folder);
        let decoded = session.decode(node, path);
        self.secrets.borrow_mut().extend(session.secrets());
        errors.extend(session.into_errors());
        decoded
    }
}

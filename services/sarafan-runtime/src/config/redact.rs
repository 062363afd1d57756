//! The configuration as it may be shown.

use std::collections::BTreeSet;

use super::node::{Content, Node};
use super::place::KeyPath;
use super::secret::HIDDEN;

/// Parts of key names that announce a secret.
const SECRETIVE: [&str; 6] = ["password", "passphrase", "secret", "token", "credential", "jaas"];
/// Tables that hold the settings of someone else's client, where `key` also is one (`ssl.key.pem`).
const FOREIGN: &str = "properties";

/// The tree as TOML, with secrets hidden.
pub(super) fn render(root: &Node, secrets: &BTreeSet<KeyPath>) -> String {
    let toml::Value::Table(table) = value(root, &KeyPath::default(), Sight::Clear, secrets) else {
        return String::new();
    };
    // A table of plain values always has a TOML form.
    toml::to_string(&table).unwrap_or_default()
}

/// How much of a value may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Clear,
    Foreign,
    Hidden,
}

impl Sight {
    fn below(self, key: &str) -> Self {
        let key = key.to_ascii_lowercase();
        // The name of a file is no secret.
        let names_file = key.ends_with("_file") || key.ends_with(".location");
        let secretive = SECRETIVE.iter().any(|part| key.contains(part))
            || (self == Self::Foreign && key.split(['.', '_']).any(|part| part == "key"));
        match self {
            Self::Hidden => Self::Hidden,
            _ if secretive && !names_file => Self::Hidden,
            _ if key == FOREIGN => Self::Foreign,
            sight => sight,
        }
    }
}

fn value(node: &Node, path: &KeyPath, sight: Sight, secrets: &BTreeSet<KeyPath>) -> toml::Value {
    let hidden = sight == Sight::Hidden || secrets.contains(path);
    match &node.content {
        Content::Table(entries) => {
            let sight = if hidden { Sight::Hidden } else { sight };
            let entry = |(key, node): (&String, &Node)| {
                (key.clone(), value(node, &path.key(key), sight.below(key), secrets))
            };
            toml::Value::Table(entries.iter().map(entry).collect())
        }
        Content::Array(items) => {
            let sight = if hidden { Sight::Hidden } else { sight };
            let item = |(index, node): (usize, &Node)| value(node, &path.index(index), sight, secrets);
            toml::Value::Array(items.iter().enumerate().map(item).collect())
        }
        _ if hidden => toml::Value::String(HIDDEN.to_owned()),
        Content::String(text) => toml::Value::String(without_user_info(text)),
        Content::Integer(number) => i64::try_from(*number)
            .map_or_else(|_| toml::Value::String(number.to_string()), toml::Value::Integer),
        Content::Float(number) => toml::Value::Float(*number),
        Content::Boolean(flag) => toml::Value::Boolean(*flag),
        Content::Date(text) => {
            text.parse().map_or_else(|_| toml::Value::String(text.clone()), toml::Value::Datetime)
        }
    }
}

/// `http://user:password@host` without the password.
fn without_user_info(text: &str) -> String {
    let visible = || {
        let (scheme, rest) = text.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let (user_info, _) = authority.rsplit_once('@')?;
        let (user, _) = user_info.split_once(':')?;
        Some(format!("{scheme}://{user}:{HIDDEN}{}", &rest[user_info.len()..]))
    };
    visible().unwrap_or_else(|| text.to_owned())
}

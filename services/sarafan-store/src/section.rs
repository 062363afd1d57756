//! The `[clickhouse]` section.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::sql::is_plain_name;

/// The `[clickhouse]` section: where the store is and how long to wait for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClickHouseSection {
    /// Address of the HTTP interface: `http://host:8123`.
    pub url: String,
    /// User; it needs the rights to create, read and write both databases.
    pub user: String,
    /// Password; empty for none.
    pub password: Password,
    /// Database of the views that analysts read.
    pub database: String,
    /// Database of the private tables.
    pub store_database: String,
    /// Longest that a statement or a small query may take, in milliseconds.
    pub query_timeout_ms: u64,
    /// Longest that one insert may take until it is acknowledged, in milliseconds.
    pub insert_timeout_ms: u64,
    /// Longest that the whole scan of a restore may take on the server, in milliseconds.
    pub restore_timeout_ms: u64,
    /// Longest that a restore waits for the next block, in milliseconds.
    pub block_timeout_ms: u64,
    /// How many replicas must have an insert before it is acknowledged. Absent where tables are not replicated.
    pub quorum: Option<u16>,
}

impl Default for ClickHouseSection {
    fn default() -> Self {
        Self {
            url: "http://localhost:8123".to_owned(),
            user: "default".to_owned(),
            password: Password::default(),
            database: "sarafan".to_owned(),
            store_database: "sarafan_store".to_owned(),
            query_timeout_ms: 30_000,
            insert_timeout_ms: 60_000,
            restore_timeout_ms: 3_600_000,
            block_timeout_ms: 120_000,
            quorum: None,
        }
    }
}

impl ClickHouseSection {
    /// The first key with a value that can never work, and what is wrong with it.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        if !self.url.starts_with("http://") && !self.url.starts_with("https://") {
            let problem =
                format!("`{}` is no address of the HTTP interface; write http://host:8123", self.url);
            return Some(("url", problem));
        }
        for (key, name) in [("database", &self.database), ("store_database", &self.store_database)] {
            if !is_plain_name(name) {
                return Some((key, format!("`{name}` is no plain name; use letters, digits and _")));
            }
        }
        if self.database == self.store_database {
            let problem = "is the database of the views; give it a name of its own".to_owned();
            return Some(("store_database", problem));
        }
        let waits = [
            ("query_timeout_ms", self.query_timeout_ms),
            ("insert_timeout_ms", self.insert_timeout_ms),
            ("restore_timeout_ms", self.restore_timeout_ms),
            ("block_timeout_ms", self.block_timeout_ms),
        ];
        let (key, _) = waits.into_iter().find(|(_, wait)| *wait == 0)?;
        Some((key, "is 0: no answer would ever come in time".to_owned()))
    }
}

/// The waits of the section as durations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// A statement or a small query.
    pub query: Duration,
    /// One insert.
    pub insert: Duration,
    /// The whole scan of a restore.
    pub restore: Duration,
    /// The next block of a restore.
    pub block: Duration,
}

impl ClickHouseSection {
    pub(crate) fn timeouts(&self) -> Timeouts {
        Timeouts {
            query: Duration::from_millis(self.query_timeout_ms),
            insert: Duration::from_millis(self.insert_timeout_ms),
            restore: Duration::from_millis(self.restore_timeout_ms),
            block: Duration::from_millis(self.block_timeout_ms),
        }
    }
}

/// A password: never printed.
///
/// It asks for its value under the name of the configuration's own secret type, so that `password_file` works and
/// the printed configuration hides it, without this crate depending on that one.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename = "sarafan_runtime::config::Secret")]
pub struct Password(String);

impl Password {
    /// The text itself, for the request.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        let section =
            ClickHouseSection { password: "s3cret".to_owned().into(), ..ClickHouseSection::default() };
        assert!(!format!("{section:?}").contains("s3cret"));
        assert_eq!(section.password.expose(), "s3cret");
    }

    #[test]
    fn unknown_keys_are_refused() {
        let read = |text| serde_json::from_str::<ClickHouseSection>(text);
        assert_eq!(read(r#"{"url":"http://h:1"}"#).unwrap().url, "http://h:1");
        assert!(read(r#"{"usr":"x"}"#).is_err());
    }
}

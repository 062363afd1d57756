//! The migrations and views that this version carries: the files of `schemas/clickhouse`, listed at build time.
//!
//! Migrations (tables) are applied in the order of their numbers; an applied file never changes, a change is a new
//! file. Views hold no data: every migrate makes them anew, in the order of the files' names, so that a file which
//! others read from sorts before them (`00_live.sql`).

use sarafan_core::rows;

/// A file of tables.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// From the file's name.
    pub number: u32,
    /// From the file's name, without the number.
    pub name: &'static str,
    /// The statements, with `{store}` and `{views}` in the place of the databases.
    pub text: &'static str,
}

/// A file of views.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Views {
    /// The file's name.
    pub name: &'static str,
    /// The statements, with `{store}` and `{views}` in the place of the databases.
    pub text: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Tables and views of one version of sarafan: of this one, or of one before or after it, as tests make them.
///
/// A version that only *expands* (a new table, a column with a default, a view with one more column) keeps the state version:
/// the version before goes on reading and writing beside it. One that *contracts* raises it, and the version before ends.
#[derive(Debug, Clone)]
pub struct Schema {
    pub(crate) migrations: Vec<Migration>,
    pub(crate) views: Vec<Views>,
    pub(crate) state_version: u64,
}

impl Schema {
    /// What this version carries.
    pub fn embedded() -> Self {
        let (migrations, views) = (MIGRATIONS.to_vec(), VIEWS.to_vec());
        Self { migrations, views, state_version: rows::STATE_VERSION }
    }

    /// The tables of an earlier version: the first `count` migrations, without views, and from before state versions.
    #[must_use]
    pub fn first(mut self, count: usize) -> Self {
        self.migrations.truncate(count);
        self.views.clear();
        self.state_version = 0;
        self
    }

    /// The next version: with one more migration, and `views` made after all others.
    #[must_use]
    pub fn then(mut self, name: &'static str, tables: &'static str, views: &'static str) -> Self {
        let number = self.migrations.last().map_or(0, |last| last.number) + 1;
        self.migrations.push(Migration { number, name, text: tables });
        self.views.push(Views { name, text: views });
        self
    }

    /// A version whose rows those before it would read wrongly.
    #[must_use]
    pub const fn contracted(mut self) -> Self {
        self.state_version += 1;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_from_one_without_gaps() {
        let numbers: Vec<u32> = MIGRATIONS.iter().map(|migration| migration.number).collect();
        assert_eq!(numbers, (1..=u32::try_from(MIGRATIONS.len()).unwrap()).collect::<Vec<_>>());
    }

    #[test]
    fn only_the_two_databases_have_placeholders() {
        for text in MIGRATIONS.iter().map(|m| m.text).chain(VIEWS.iter().map(|v| v.text)) {
            for found in text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
            {
                // Parameters of views have a type after a colon.
                assert!(["store", "views"].contains(&found) || found.contains(':'), "{{{found}}}");
            }
        }
    }
}

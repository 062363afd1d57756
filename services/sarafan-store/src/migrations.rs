//! The migrations and views that this version carries: the files of `schemas/clickhouse`, listed at build time.
//!
//! Migrations (tables) are applied in the order of their numbers; an applied file never changes, a change is a new
//! file. Views hold no data: every migrate makes them anew, in the order of the files' names, so that a file which
//! others read from sorts before them (`00_live.sql`).

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

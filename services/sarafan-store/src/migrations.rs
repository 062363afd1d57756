//! The migrations and views that this version carries. A test compares the lists with the folder.

/// One file of `schemas/clickhouse`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// From the file's name.
    pub number: u32,
    /// From the file's name, without the number.
    pub name: &'static str,
    /// The statements, with `{store}` and `{views}` in the place of the databases.
    pub text: &'static str,
}

/// Tables, in the order in which they are applied. An applied file never changes: a change is a new file.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "control",
        text: include_str!("../../../schemas/clickhouse/0001_control.sql"),
    },
    Migration {
        number: 2,
        name: "entities",
        text: include_str!("../../../schemas/clickhouse/0002_entities.sql"),
    },
    Migration {
        number: 3,
        name: "details",
        text: include_str!("../../../schemas/clickhouse/0003_details.sql"),
    },
    Migration {
        number: 4,
        name: "rollups",
        text: include_str!("../../../schemas/clickhouse/0004_rollups.sql"),
    },
];

/// A file of views, by name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Views {
    /// The file's name.
    pub name: &'static str,
    /// The statements, with `{store}` and `{views}` in the place of the databases.
    pub text: &'static str,
}

/// Views, each after those that it reads. They hold no data: every migrate makes them anew.
pub(crate) const VIEWS: &[Views] = &[];

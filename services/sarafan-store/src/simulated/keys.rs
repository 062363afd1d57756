//! What makes two rows versions of one: read from the migrations, so that it is said once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sarafan_core::table::TableSpec;

use crate::migrations::MIGRATIONS;

/// Where the key and the version of a table's rows stand among its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) key: Vec<usize>,
    pub(super) version: usize,
}

/// Names of the columns of a sort key, and of the version.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Declared {
    key: Vec<&'static str>,
    version: &'static str,
}

/// By table; the last migration that makes a table counts.
static DECLARED: LazyLock<BTreeMap<&'static str, Declared>> = LazyLock::new(|| {
    let statements = MIGRATIONS.iter().flat_map(|migration| migration.text.split(";\n"));
    statements.filter_map(declared).collect()
});

fn declared(statement: &'static str) -> Option<(&'static str, Declared)> {
    let (_, after) = statement.split_once("CREATE TABLE IF NOT EXISTS {store}.")?;
    let name = after.split_whitespace().next()?;
    let version = after.split_once("ENGINE = ReplacingMergeTree(")?.1.split_once(')')?.0;
    let key = after.split_once("\nORDER BY ")?.1.lines().next()?;
    let key = key.trim_start_matches('(').trim_end_matches(')').split(", ").collect();
    Some((name, Declared { key, version }))
}

/// Of a table that the migrations make and whose columns `spec` names.
pub(super) fn places(spec: &TableSpec) -> Option<Places> {
    let declared = DECLARED.get(spec.name)?;
    let place = |name: &str| spec.columns.iter().position(|column| column.name == name);
    let key = declared.key.iter().map(|name| place(name)).collect::<Option<_>>()?;
    Some(Places { key, version: place(declared.version)? })
}

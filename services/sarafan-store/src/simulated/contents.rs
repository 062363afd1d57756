//! The rows of one table that count.

use std::collections::BTreeMap;
use std::sync::Arc;

use sarafan_core::table::{ColumnKind, Table, TableSpec, Value};

use super::keys::{Places, places};

/// The values of a row's sort key.
pub type Key = Vec<Value>;
/// The values of a row, in the order of the columns.
pub type Row = Arc<[Value]>;

/// Which of two rows of one key and one version stays. ClickHouse promises neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ties {
    /// The one that landed first.
    First,
    /// The one that landed last.
    #[default]
    Last,
}

/// Rows of one table: of each key the one of the highest version.
#[derive(Debug, Clone)]
pub(super) struct Contents {
    pub(super) spec: Arc<TableSpec>,
    places: Places,
    /// Version, values.
    rows: BTreeMap<Key, (u128, Row)>,
}

impl Contents {
    /// None for a table that the migrations do not make.
    pub(super) fn new(spec: &Arc<TableSpec>) -> Option<Self> {
        Some(Self { spec: Arc::clone(spec), places: places(spec)?, rows: BTreeMap::new() })
    }

    pub(super) fn land(&mut self, block: &Table, ties: Ties) {
        for row in 0..block.len() {
            let row: Row = block.row(row).into();
            let key = self.places.key.iter().filter_map(|place| row.get(*place).cloned()).collect();
            let version = self.version(&row);
            match self.rows.get(&key) {
                Some((held, _)) if *held > version || (*held == version && ties == Ties::First) => {}
                _ => _ = self.rows.insert(key, (version, row)),
            }
        }
    }

    /// Versions are unsigned; those of 128 bits are bit-cast.
    fn version(&self, row: &Row) -> u128 {
        let wide =
            self.spec.columns.get(self.places.version).is_some_and(|column| column.kind == ColumnKind::U128);
        match row.get(self.places.version) {
            Some(Value::Int(version)) if wide => version.cast_unsigned(),
            Some(Value::Int(version)) => u128::try_from(*version).unwrap_or(0),
            _ => 0,
        }
    }

    /// Key, version, values.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&Key, u128, &Row)> {
        self.rows.iter().map(|(key, (version, row))| (key, *version, row))
    }

    pub(super) fn delete(&mut self, wrong: impl Fn(&Row) -> bool) {
        self.rows.retain(|_, (_, row)| !wrong(row));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn place(&self, column: &str) -> Option<usize> {
        self.spec.columns.iter().position(|spec| spec.name == column)
    }
}

/// A number of a row; 0 if there is none.
pub(super) fn number(row: &[Value], place: Option<usize>) -> i128 {
    match place.and_then(|place| row.get(place)) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    }
}

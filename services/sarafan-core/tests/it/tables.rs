//! A store in memory: ReplacingMergeTree as the law needs it, the highest version per key, of equals the later insert.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sarafan_core::rollup::Rollup;
use sarafan_core::rows::{DETAILS, entity_table, own_columns};
use sarafan_core::table::{ColumnKind, Table, TableSpec, Value};
use sarafan_core::vocabulary::Subject;

use crate::naive::{CellKey, Cells, Expected};
use crate::plain::{Plain, rows};

/// All tables.
#[derive(Default, Clone)]
pub(crate) struct Store {
    tables: BTreeMap<&'static str, Stored>,
}

#[derive(Clone)]
struct Stored {
    spec: Arc<TableSpec>,
    /// key columns -> (version, row).
    rows: BTreeMap<Vec<Plain>, (u128, Vec<Plain>)>,
}

/// Whose cells a view shows: those of one term of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Term {
    pub(crate) partition: u16,
    pub(crate) term: u32,
    pub(crate) owner: u64,
}

/// The columns that order a table (its key), and the one that says which row wins.
fn order_of(spec: &TableSpec) -> (Vec<&'static str>, &'static str) {
    if let Some(rollup) = Rollup::ALL.into_iter().find(|r| r.spec().name == spec.name) {
        let mut key = vec!["epoch", "partition", "term", "owner", "marker", "dimension", "segment"];
        key.extend(rollup.spec().keys.iter().map(|(name, _)| *name));
        return (key, "version");
    }
    match spec.name {
        "details" => (vec!["subject", "key", "id", "field"], "stamp"),
        "order_items" => (vec!["key", "id"], "stamp"),
        "arrivals" => (vec!["source", "partition"], "version"),
        "customer_figures" | "customer_money" => (vec!["epoch", "key"], "version"),
        _ => (vec!["epoch", "key", "id"], "version"),
    }
}

fn place_of(spec: &TableSpec, name: &str) -> usize {
    spec.columns.iter().position(|c| c.name == name).unwrap_or_else(|| panic!("{}.{name}", spec.name))
}

impl Stored {
    fn column(&self, row: &[Plain], name: &str) -> Plain {
        row[place_of(&self.spec, name)].clone()
    }
}

impl Store {
    /// One insert: one table, one block.
    pub(crate) fn insert(&mut self, table: &Table) {
        let spec = table.spec();
        let (key, version) = order_of(spec);
        let key: Vec<usize> = key.iter().map(|name| place_of(spec, name)).collect();
        let version = place_of(spec, version);
        let new = || Stored { spec: Arc::clone(spec), rows: BTreeMap::new() };
        let stored = self.tables.entry(spec.name).or_insert_with(new);
        for row in rows(table) {
            for (column, value) in spec.columns.iter().zip(&row) {
                assert!(storable(column.kind, value), "{}.{} cannot hold {value:?}", spec.name, column.name);
            }
            let key: Vec<Plain> = key.iter().map(|i| row[*i].clone()).collect();
            let version = row[version].number().cast_unsigned();
            let older = stored.rows.get(&key).is_some_and(|(held, _)| *held > version);
            if !older {
                stored.rows.insert(key, (version, row));
            }
        }
    }

    /// What a restore reads of a subject in one partition: the entities' own columns, in small blocks.
    pub(crate) fn entities(&self, subject: Subject, partition: u32, partitions: u32) -> Vec<Table> {
        let full = entity_table(subject).expect("a folded subject");
        let columns = full.columns[..own_columns(subject)].to_vec();
        let spec = Arc::new(TableSpec { name: full.name, columns });
        let hash = place_of(full, "key_hash");
        let stored = self.tables.get(full.name).into_iter().flat_map(|s| s.rows.values());
        let mine = |row: &&Vec<Plain>| row[hash].number() % i128::from(partitions) == i128::from(partition);
        let rows: Vec<_> = stored.map(|(_, row)| row).filter(mine).collect();
        let block = |rows: &[&Vec<Plain>]| {
            let mut table = Table::new(&spec);
            rows.iter().for_each(|row| table.push(row[..own_columns(subject)].iter().map(Value::from)));
            table
        };
        rows.chunks(3).map(block).collect()
    }

    /// The latest values of some fields of the details.
    pub(crate) fn fields(&self, names: &BTreeSet<String>) -> Table {
        let mut table = Table::new(&DETAILS);
        if let Some(stored) = self.tables.get(DETAILS.name) {
            let asked = |row: &&Vec<Plain>| names.contains(stored.column(row, "field").as_text());
            let rows = stored.rows.values().map(|(_, row)| row).filter(asked);
            rows.for_each(|row| table.push(row.iter().map(Value::from)));
        }
        table
    }

    /// How many entities of a partition have a `first_version` up to `version`.
    pub(crate) fn entities_up_to(&self, version: u64, partition: u32, partitions: u32) -> u64 {
        let mut count = 0;
        for stored in sarafan_core::rows::folded().filter_map(|s| self.tables.get(entity_table(s)?.name)) {
            for (_, row) in stored.rows.values() {
                let number = |name: &str| stored.column(row, name).number();
                let mine = number("key_hash") % i128::from(partitions) == i128::from(partition);
                count += u64::from(mine && number("first_version") <= i128::from(version));
            }
        }
        count
    }

    /// The cells of the given terms, summed over partitions; zero cells are hidden.
    pub(crate) fn cells(&self, terms: &[Term]) -> Cells {
        let mut cells = Cells::new();
        for rollup in Rollup::ALL {
            let Some(stored) = self.tables.get(rollup.spec().name) else { continue };
            for (_, row) in stored.rows.values() {
                let Some((term, key, values)) = cell(rollup, &stored.spec, row) else { continue };
                if terms.contains(&term) {
                    let sums = cells.entry(key).or_insert_with(|| vec![0; values.len()]);
                    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                }
            }
        }
        cells.retain(|_, values| values.iter().any(|v| *v != 0));
        cells
    }

    /// Every difference from what is expected, one line each; cells are those of the given terms.
    pub(crate) fn differences(&self, expected: &Expected, terms: &[Term]) -> Vec<String> {
        let mut found = self.row_differences(expected);
        found.extend(cell_differences(&self.cells(terms), &expected.cells));
        found
    }

    fn row_differences(&self, expected: &Expected) -> Vec<String> {
        let mut found = Vec::new();
        for ((table, key), columns) in &expected.rows {
            let stored = self.tables.get(table);
            let row = stored.and_then(|s| Some((s, s.row(key)?)));
            let Some((stored, row)) = row else {
                found.push(format!("{table} {key:?}: no row"));
                continue;
            };
            for (name, value) in columns {
                let held = stored.column(row, name);
                if held != *value {
                    found.push(format!("{table} {key:?} {name}: holds {held:?}, must be {value:?}"));
                }
            }
        }
        let entities = sarafan_core::rows::folded().filter_map(entity_table).map(|spec| spec.name);
        for table in entities.chain(["customer_figures", "customer_money"]) {
            for key in self.tables.get(table).into_iter().flat_map(|s| s.rows.keys()) {
                let key: Vec<String> = key[1..].iter().map(|part| part.as_text().to_owned()).collect();
                if !expected.rows.contains_key(&(table, key.clone())) {
                    found.push(format!("{table} {key:?}: a row that no record speaks of"));
                }
            }
        }
        found
    }
}

impl Stored {
    /// The row of a key without its epoch.
    fn row(&self, key: &[String]) -> Option<&Vec<Plain>> {
        let (order, _) = order_of(&self.spec);
        let skip = usize::from(order[0] == "epoch");
        let same = |held: &[Plain]| held[skip..].iter().zip(key).all(|(a, b)| a.as_text() == b);
        self.rows.iter().find(|(held, _)| same(held)).map(|(_, (_, row))| row)
    }
}

/// (whose, the cell's key, its values) of a row of a rollup; `None` for a marker.
pub(crate) fn cell(rollup: Rollup, spec: &TableSpec, row: &[Plain]) -> Option<(Term, CellKey, Vec<i128>)> {
    let column = |name: &str| row[place_of(spec, name)].clone();
    if column("marker").number() != 0 {
        return None;
    }
    let term = Term {
        partition: u16::try_from(column("partition").number()).unwrap(),
        term: u32::try_from(column("term").number()).unwrap(),
        owner: u64::try_from(column("owner").number()).unwrap(),
    };
    let keys = rollup.spec().keys.iter().map(|(name, _)| column(name)).collect();
    let values = rollup.spec().values.iter().map(|(name, _)| column(name).number()).collect();
    let text = |name: &str| column(name).as_text().to_owned();
    Some((term, (rollup, text("dimension"), text("segment"), keys), values))
}

/// Every cell that one side has and the other has not, or has with other values.
pub(crate) fn cell_differences(held: &Cells, expected: &Cells) -> Vec<String> {
    let mut found = Vec::new();
    let keys: BTreeSet<_> = held.keys().chain(expected.keys()).collect();
    for key in keys {
        let (held, expected) = (held.get(key), expected.get(key));
        if held != expected {
            let (rollup, dimension, segment, keys) = key;
            let name = rollup.spec().name;
            found
                .push(format!("{name} {dimension}/{segment} {keys:?}: holds {held:?}, must be {expected:?}"));
        }
    }
    found
}

/// Whether a column of this kind can hold the value: what the store would refuse, the core must not write.
fn storable(kind: ColumnKind, value: &Plain) -> bool {
    let Plain::Int(number) = value else { return true };
    let range = match kind {
        ColumnKind::Flag => 0..=1,
        ColumnKind::I8 => -128..=127,
        ColumnKind::U16 | ColumnKind::Day => 0..=65_535,
        ColumnKind::U32 => 0..=i128::from(u32::MAX),
        ColumnKind::U64 => 0..=i128::from(u64::MAX),
        ColumnKind::I32 => i128::from(i32::MIN)..=i128::from(i32::MAX),
        _ => return true,
    };
    range.contains(number)
}

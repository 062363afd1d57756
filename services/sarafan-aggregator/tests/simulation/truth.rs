//! What is true of every prefix of a partition's log: which cells there were, and each row as of each version.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use sarafan_core::definitions::Definitions;
use sarafan_core::rollup::Rollup;
use sarafan_core::table::{Table, Value};
use sarafan_core::{Event, Placement, Scope, Shard, Tenancy, soundly};
use sarafan_store::simulated::{Key, Row, Shown};

use crate::process::GENERATION;

/// A shard that every record is applied to once, as it is written, and all that it ever said.
pub(crate) struct Truth {
    shard: Shard,
    cells: [BTreeMap<Key, u64>; Rollup::ALL.len()],
    sums: [u64; Rollup::ALL.len()],
    /// Per rollup the sum of the hashes of its cells, and the last position after which it was that.
    prefixes: [BTreeMap<u64, u64>; Rollup::ALL.len()],
    /// Table, key and id of a row: its values as of each version at which they changed.
    rows: BTreeMap<(&'static str, Key), Vec<(i128, Row)>>,
    pub(crate) events: Vec<Event>,
}

const TENANCY: Tenancy = Tenancy { term: 1, owner: 1, incarnation: 0 };

impl Truth {
    pub(crate) fn new(definitions: &Arc<Definitions>, partition: u16, partitions: u32) -> Self {
        let epoch = definitions.epoch;
        let placement = Placement { epoch, generation: GENERATION, partition, partitions };
        let empty = BTreeMap::from([(0, 0)]);
        Self {
            shard: Shard::new(Arc::clone(definitions), placement),
            cells: Default::default(),
            sums: Default::default(),
            prefixes: std::array::from_fn(|_| empty.clone()),
            rows: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// A record was appended.
    pub(crate) fn append(&mut self, event: Event, offset: u64) {
        let shard = &mut self.shard;
        let batch = soundly(|| {
            shard.apply(&event, offset).unwrap();
            shard.flush(&TENANCY, Scope::Changes)
        });
        self.events.push(event);
        for table in batch.entities.iter().chain(&batch.derived) {
            self.keep(table);
        }
        for (rollup, table) in Rollup::ALL.into_iter().zip(&batch.rollups) {
            self.count(rollup, table, offset + 1);
        }
    }

    fn keep(&mut self, table: &Table) {
        let name = table.spec().name;
        for row in 0..table.len() {
            let row: Row = table.row(row).into();
            if let Some((key, version)) = identity(table.spec(), &row) {
                self.rows.entry((name, key)).or_default().push((version, row));
            }
        }
    }

    fn count(&mut self, rollup: Rollup, table: &Table, position: u64) {
        let place = rollup as usize;
        let keys = HEAD + 2 + rollup.spec().keys.len();
        for row in 0..table.len() {
            let row = table.row(row);
            let (key, values) = (&row[HEAD..keys], &row[keys..row.len() - 2]);
            let cell = if values.iter().all(|value| *value == Value::Int(0)) { 0 } else { hash(key, values) };
            let before = self.cells[place].insert(key.to_vec(), cell).unwrap_or(0);
            self.sums[place] = self.sums[place].wrapping_sub(before).wrapping_add(cell);
        }
        self.prefixes[place].insert(self.sums[place], position);
    }

    /// Whether these cells of a rollup were all there were at some position that is no lower than this one.
    pub(crate) fn knows(&self, rollup: Rollup, shown: &Shown, lowest: u64) -> bool {
        let cells = shown.iter().map(|(key, values)| hash(key, values));
        let last = self.prefixes[rollup as usize].get(&cells.fold(0, u64::wrapping_add));
        last.is_some_and(|last| *last >= lowest)
    }

    /// What a row must say as of its version; None when there is none.
    pub(crate) fn row_as_of(&self, table: &'static str, key: &Key, version: i128) -> Option<&Row> {
        let known = self.rows.get(&(table, key.clone()))?;
        let after = known.partition_point(|(since, _)| *since <= version);
        known.get(after.checked_sub(1)?).map(|(_, row)| row)
    }
}

/// Columns before the cut.
const HEAD: usize = 5;

fn hash(key: &[Value], values: &[Value]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (key, values).hash(&mut hasher);
    // No cell may be as if it were not there.
    hasher.finish() | 1
}

/// Key and version of a row of an entity or of a customer.
pub(crate) fn identity(spec: &sarafan_core::table::TableSpec, row: &Row) -> Option<(Key, i128)> {
    let column = |name: &str| row.get(spec.columns.iter().position(|column| column.name == name)?);
    let Value::Int(version) = column("version")? else { return None };
    let key = ["key", "id"].iter().filter_map(|name| column(name).cloned()).collect();
    column("epoch").map(|_| (key, *version))
}

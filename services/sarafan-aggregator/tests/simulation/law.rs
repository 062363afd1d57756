//! What must hold at every moment, whatever has gone wrong.

use sarafan_core::rollup::Rollup;
use sarafan_core::rows;
use sarafan_core::table::TableSpec;
use sarafan_core::table::Value;
use sarafan_core::tenure::Entry;
use sarafan_store::simulated::{Row, What};

use crate::process::partition;
use crate::truth::identity;
use crate::world::{World, placed};

impl World {
    /// After something was done to the store.
    pub(crate) fn check_after(&self, what: What) -> Result<(), String> {
        match what {
            What::Insert(table) => self.check_table(table),
            What::Collect => self.check_all_shown(),
            _ => Ok(()),
        }
    }

    pub(crate) fn check_all_shown(&self) -> Result<(), String> {
        Rollup::ALL.into_iter().try_for_each(|rollup| self.check_shown(rollup))
    }

    fn check_table(&self, table: &str) -> Result<(), String> {
        if let Some(rollup) = Rollup::ALL.into_iter().find(|rollup| rollup.spec().name == table) {
            return self.check_shown(rollup);
        }
        let Some(spec) = rows::versioned().find(|spec| spec.name == table) else { return Ok(()) };
        self.rows(spec).iter().try_for_each(|row| self.check_row(spec, row))
    }

    /// Rows of the epoch.
    pub(crate) fn rows(&self, spec: &TableSpec) -> Vec<Row> {
        let mut rows = self.plant.tables.rows(spec.name);
        if let Some(place) = spec.columns.iter().position(|column| column.name == "epoch") {
            rows.retain(|row| row[place] == Value::Int(self.plant.definitions.epoch.0.into()));
        }
        rows
    }

    /// A row at version v is what the log up to v says.
    fn check_row(&self, spec: &TableSpec, row: &Row) -> Result<(), String> {
        let (key, version) = identity(spec, row).unwrap();
        let Some(Value::Text(text)) = key.first() else {
            return Err(format!("{}: a row without key", spec.name));
        };
        let at = placed(text, self.plant.partitions);
        let expected = self.truths[at as usize].row_as_of(spec.name, &key, version);
        let place = spec.columns.iter().position(|column| column.name == "version");
        let differs = |expected: &&Row| {
            let columns = expected.iter().zip(row.iter()).enumerate();
            columns.into_iter().any(|(column, (a, b))| Some(column) != place && a != b)
        };
        match expected {
            None => Err(format!("{} {key:?} at version {version:x}: no record spoke of it", spec.name)),
            Some(expected) if differs(&expected) => {
                let name = spec.name;
                Err(format!(
                    "{name} {key:?} at version {version:x}:\n  holds {row:?}\n  must be {expected:?}"
                ))
            }
            Some(_) => Ok(()),
        }
    }

    /// What views show of a partition was true after some prefix of its log: never a mixture, and never less than the ledger
    /// says of the term.
    fn check_shown(&self, rollup: Rollup) -> Result<(), String> {
        if self.unseen {
            return Ok(());
        }
        let live = self.plant.tables.live_terms(self.plant.definitions.epoch, rollup);
        let ledger = self.plant.tables.ledger(self.plant.definitions.epoch);
        for (partition, shown) in self.plant.tables.visible(self.plant.definitions.epoch, rollup) {
            let of_term =
                |e: &&Entry| e.partition == partition && live.get(&partition) == Some(&(e.term, e.owner));
            // A term begins with what was recorded before it.
            let recorded = ledger.iter().find(of_term).filter(|_| !self.set_back).map_or(0, |e| e.position);
            if !self.truths[usize::from(partition)].knows(rollup, &shown, recorded) {
                let name = rollup.spec().name;
                return Err(format!(
                    "views show of partition {partition} in {name} what never was at {recorded} or after: {shown:?}"
                ));
            }
        }
        Ok(())
    }

    /// A partition is refused only where something is wrong with it.
    pub(crate) fn check_refusals(&self) -> Result<(), String> {
        let refused = if self.set_back { Vec::new() } else { self.plant.refused() };
        if refused.is_empty() { Ok(()) } else { Err(format!("refused without need: {refused:?}")) }
    }

    /// What the group has committed is in the tables.
    pub(crate) fn check_commits(&self) -> Result<(), String> {
        if self.set_back {
            return Ok(());
        }
        let ledger = self.plant.tables.ledger(self.plant.definitions.epoch);
        for number in 0..self.plant.partitions {
            let committed = self.plant.cluster.committed(self.plant.group, &partition(number)).unwrap_or(0);
            let recorded = ledger.iter().filter(|entry| u32::from(entry.partition) == number);
            let recorded = recorded.map(|entry| entry.position.cast_signed()).max().unwrap_or(0);
            if committed > recorded {
                return Err(format!(
                    "partition {number}: {committed} is committed, the ledger is at {recorded}"
                ));
            }
        }
        Ok(())
    }
}

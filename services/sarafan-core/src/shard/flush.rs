//! Handing out the rows that changed.

use std::sync::Arc;

use super::touch::{Before, Touched};
use super::{Batch, Scope, Shard, Tenancy};
use crate::metrics::{CellKey, Cells, POPULATIONS, Values};
use crate::planted::planted;
use crate::rollup::{KeyKind, Rollup, VALUES};
use crate::rows;
use crate::state::holder::{CUSTOMERS, FOLDED};
use crate::table::{Table, Value};
use crate::vocabulary::Symbol;

impl Shard {
    /// The rows that changed since the last flush, as of the position. The shard forgets that they changed: a batch that
    /// is given up ends the term (DESIGN 2.4).
    pub fn flush(&mut self, tenancy: &Tenancy, scope: Scope) -> Batch {
        let mut batch = Batch {
            position: self.position,
            version: self.version_of(self.position),
            entities_held: self.entities,
            details: self.take_details(),
            entities: FOLDED.iter().filter_map(|s| rows::entity_table(*s)).map(Table::new).collect(),
            derived: vec![Table::new(&rows::CUSTOMER_FIGURES), Table::new(&rows::CUSTOMER_MONEY)],
            rollups: Vec::new(),
        };
        let mut touched: Vec<(Arc<str>, Touched)> = self.touched.drain().collect();
        touched.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (key, touched) in touched {
            if let Some(after) = self.settle(&key, 1) {
                self.write_customer(&key, &touched, &after, &mut batch);
            }
        }
        batch.derived.push(self.take_arrivals(batch.version));
        let changed = self.settle_cells(scope);
        batch.rollups = self.cell_rows(tenancy, batch.version, changed);
        batch
    }

    /// A marker row in each rollup table: from then on views show the cells of this term (DESIGN 2.5).
    pub fn markers(&self, tenancy: &Tenancy) -> Vec<Table> {
        let version = self.version_of(self.position);
        let marker = |rollup: Rollup| {
            let mut table = Table::new(rollup.table());
            let spec = rollup.spec();
            let mut row = self.cell_head(tenancy, true, ("", ""));
            row.extend(spec.keys.iter().map(|(_, kind)| match kind {
                KeyKind::Symbol | KeyKind::Population => Value::text(""),
                _ => Value::Int(0),
            }));
            row.extend(spec.values.iter().map(|_| Value::Int(0)));
            row.extend([Value::Int(tenancy.incarnation.into()), Value::Int(version.into())]);
            table.push(row);
            table
        };
        Rollup::ALL.into_iter().map(marker).collect()
    }

    fn write_customer(&self, key: &Arc<str>, touched: &Touched, after: &Before, batch: &mut Batch) {
        let Some(holder) = self.holders.get(key) else { return };
        for (place, table) in batch.entities.iter_mut().enumerate() {
            let mut earlier = 0;
            for (index, entity) in holder.of(place).iter().enumerate() {
                let same = !touched.everything()
                    && derived_as_before(touched.before.as_ref(), after, (place, index), &mut earlier);
                if same && !touched.changed.contains(&(place, Arc::clone(&entity.id))) {
                    continue;
                }
                let own = touched.changed.contains(&(place, Arc::clone(&entity.id)));
                let first = !own && planted("planted::version_of_changing_record");
                let version = if first { entity.first_version } else { batch.version };
                table.push(self.entity_row(holder, (place, index), &after.settled, version));
            }
        }
        if !holder.is_customer() {
            return;
        }
        let before = touched.before.as_ref().filter(|_| !touched.everything()).map(|b| &b.settled);
        if before.is_none_or(|b| b.figures != after.settled.figures) {
            batch.derived[0].push(self.figures_row(holder, &after.settled, batch.version));
        }
        if before.is_none_or(|b| b.purses != after.settled.purses) {
            batch.derived[1].push(self.money_row(holder, &after.settled, batch.version));
        }
    }

    fn take_details(&mut self) -> Vec<Table> {
        let empty = [Table::new(&rows::DETAILS), Table::new(&rows::ORDER_ITEMS)];
        let [details, items] = empty;
        vec![std::mem::replace(&mut self.details, details), std::mem::replace(&mut self.items, items)]
    }

    fn take_arrivals(&mut self, version: u64) -> Table {
        let mut table = Table::new(&rows::ARRIVALS);
        for (source, arrival) in self.arrivals.iter_mut().filter(|(_, a)| a.changed) {
            arrival.changed = false;
            table.push([
                Value::Text(Arc::clone(source)),
                Value::Int(self.placement.partition.into()),
                Value::maybe(arrival.last_event.map(|at| at.micros())),
                Value::maybe(arrival.last_received.map(|at| at.micros())),
                Value::Int(arrival.records.into()),
                Value::Int(version.into()),
            ]);
        }
        table
    }

    /// Brings the sums up to date; returns the cells to write, sorted.
    fn settle_cells(&mut self, scope: Scope) -> Vec<(CellKey, Values)> {
        let pending: Cells = std::mem::take(&mut self.pending);
        let mut changed = Vec::new();
        for (key, delta) in pending.sums {
            if delta == [0; VALUES] {
                continue;
            }
            if let Some(standing) = &mut self.standing {
                standing.add(&key, &delta);
            }
            let sums = self.cells.entry(key).or_insert([0; VALUES]);
            for (sum, change) in sums.iter_mut().zip(delta) {
                *sum += change;
            }
            changed.push((key, *sums));
            if *sums == [0; VALUES] {
                self.cells.remove(&key);
            }
        }
        if scope == Scope::EveryCell && !planted("planted::first_flush_writes_changes") {
            changed = self.cells.iter().map(|(key, values)| (*key, *values)).collect();
        }
        changed.sort_unstable_by_key(|(key, _)| *key);
        changed
    }

    fn cell_rows(&self, tenancy: &Tenancy, version: u64, cells: Vec<(CellKey, Values)>) -> Vec<Table> {
        let mut tables: Vec<Table> = Rollup::ALL.into_iter().map(|r| Table::new(r.table())).collect();
        for (key, values) in cells {
            if planted("planted::zero_cells_left_out") && values == [0; VALUES] {
                continue;
            }
            let spec = key.rollup.spec();
            let (dimension, segment) = self.cut_texts(key.cut);
            let mut row = self.cell_head(tenancy, false, (&dimension, &segment));
            row.extend(spec.keys.iter().zip(key.keys).map(|((_, kind), key)| self.key_value(*kind, key)));
            row.extend(values.iter().take(spec.values.len()).map(|v| Value::Int(*v)));
            row.extend([Value::Int(tenancy.incarnation.into()), Value::Int(version.into())]);
            tables[key.rollup as usize].push(row);
        }
        tables
    }

    fn cell_head(&self, tenancy: &Tenancy, marker: bool, cut: (&str, &str)) -> Vec<Value> {
        let nobody = Tenancy { term: 0, owner: 0, ..*tenancy };
        let tenancy = if planted("planted::cells_without_terms") { &nobody } else { tenancy };
        vec![
            Value::Int(self.placement.epoch.0.into()),
            Value::Int(self.placement.partition.into()),
            Value::Int(tenancy.term.into()),
            Value::Int(tenancy.owner.into()),
            Value::Int(marker.into()),
            Value::text(cut.0),
            Value::text(cut.1),
        ]
    }

    fn key_value(&self, kind: KeyKind, key: i32) -> Value {
        match kind {
            KeyKind::Symbol => {
                let symbol = Symbol::from_number(key.cast_unsigned());
                Value::Text(Arc::clone(self.symbols.text(symbol)))
            }
            KeyKind::Population => Value::text(POPULATIONS.get(key as usize).copied().unwrap_or("")),
            _ => Value::Int(key.into()),
        }
    }

    /// The names of a cut.
    pub(super) fn cut_texts(&self, cut: u32) -> (Arc<str>, Arc<str>) {
        let (dimension, segment) = self.cuts.pair(cut);
        let all = || Arc::clone(self.symbols.text(self.words.all));
        let name = dimension
            .map_or_else(all, |d| Arc::from(self.definitions.dimensions[usize::from(d)].name.as_str()));
        (name, Arc::clone(self.symbols.text(segment)))
    }
}

/// Whether the derived columns of an entity are what they were. `earlier` walks the ids of before, which are sorted as
/// those of after are.
fn derived_as_before(
    before: Option<&Before>,
    after: &Before,
    (place, index): (usize, usize),
    earlier: &mut usize,
) -> bool {
    if place == CUSTOMERS {
        return true;
    }
    let Some(before) = before else { return false };
    let id = &after.ids[place][index];
    while before.ids[place].get(*earlier).is_some_and(|held| held < id) {
        *earlier += 1;
    }
    let i = *earlier;
    if before.ids[place].get(i) != Some(id) {
        return false;
    }
    let (old, new) = (&before.settled, &after.settled);
    match place {
        0 => old.order_rows[i] == new.order_rows[index],
        1 => old.refund_days[i] == new.refund_days[index],
        2 => old.response_rows[i] == new.response_rows[index],
        _ => old.invitation_rows[i] == new.invitation_rows[index],
    }
}

//! Putting rows back: the state of a partition from its entity rows (DESIGN 2.5).

use std::sync::Arc;

use super::apply::LIST_SEPARATOR;
use super::{Shard, ShardError};
use crate::planted::planted;
use crate::rows;
use crate::state::entity::{Change, Entity};
use crate::state::holder::{Holder, place_of};
use crate::table::{Table, Value};
use crate::vocabulary::{Instant, Kind, Stamp, Subject};

/// Columns before the fields of an entity.
const HEAD: usize = 11;

/// What a restore has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Entities read.
    pub entities: u64,
    /// The highest version of any row read.
    pub highest: u64,
}

/// Reads a row value by value and remembers what was wrong with it.
struct Reader<'a> {
    values: &'a [Value],
    problem: Option<String>,
}

impl Shard {
    /// Puts a block of rows of a folded subject back: the columns that [`rows::own_columns`] counts, in their order.
    /// Every entity may come once only.
    ///
    /// # Errors
    /// [`ShardError::BadRow`] for a row that this shard did not and would not write.
    pub fn restore(&mut self, subject: Subject, table: &Table) -> Result<(), ShardError> {
        let Some(place) = place_of(subject) else { return Ok(()) };
        for row in 0..table.len() {
            let bad = |problem: String| ShardError::BadRow { table: table.spec().name, row, problem };
            let mut values = table.row(row);
            values.truncate(rows::own_columns(subject));
            self.restore_row(place, &values).map_err(bad)?;
        }
        Ok(())
    }

    /// Puts attributes back that the rows of entities lack, because nothing read them when they were folded: rows of
    /// [`rows::DETAILS`], each the latest value of one field of one entity, joined as the record that said it. To be called
    /// after all rows of entities. Of an entity that is not here nothing is kept: its first record is still to be applied.
    ///
    /// Details have no version, and those of a record may be there before its entity's row. So whoever reads them may
    /// write nothing before all records that the topic then held are applied.
    ///
    /// # Errors
    /// [`ShardError::BadRow`] for a row that no shard writes.
    pub fn restore_details(&mut self, table: &Table) -> Result<(), ShardError> {
        for row in 0..table.len() {
            let values = table.row(row);
            let mut reader = Reader { values: &values, problem: None };
            let (subject, key, id) = (reader.text(0), reader.text(1), reader.text(2));
            let (field, value, stamp) = (reader.text(3), reader.maybe_text(4), reader.int(5));
            if let Some(problem) = reader.problem {
                return Err(ShardError::BadRow { table: table.spec().name, row, problem });
            }
            let Some(place) = Subject::named(&subject).and_then(place_of) else { continue };
            let Some(slot) = self.layouts[place].slot(&field) else { continue };
            let number = value.map(|text| i64::from(self.symbols.intern(&text).number()));
            if let Some(entity) = self.holders.get_mut(&key).and_then(|holder| holder.find_mut(place, &id)) {
                entity.merge(Stamp::from_bits(stamp.cast_unsigned()), &[(slot, number)], false);
            }
        }
        Ok(())
    }

    /// Puts the arrivals of an earlier owner back, so that counts go on.
    pub fn restore_arrivals(&mut self, table: &Table) {
        for row in 0..table.len() {
            let [Value::Text(source), _, event, received, Value::Int(records), ..] = &table.row(row)[..]
            else {
                continue;
            };
            let at = |value: &Value| match value {
                Value::Int(micros) => Some(Instant::from_micros(*micros as i64)),
                _ => None,
            };
            let arrival = self.arrivals.entry(Arc::clone(source)).or_default();
            arrival.last_event = arrival.last_event.max(at(event));
            arrival.last_received = arrival.last_received.max(at(received));
            arrival.records = *records as u64;
        }
    }

    /// What has been put back so far.
    pub fn restored(&self) -> Restored {
        Restored { entities: self.entities, highest: self.highest }
    }

    /// Entities whose first record lies at or below a version: what a ledger row of that version counts.
    pub fn entities_up_to(&self, version: u64) -> u64 {
        let all = self.holders.values().flat_map(|h| (0..5).flat_map(|place| h.of(place)));
        all.filter(|e| e.first_version <= version).count() as u64
    }

    /// All rows are back: goes on from `position`. Until the position has reached `dirty_until` (a position: F without
    /// its generation) every record marks its customer dirty, whether it says anything new or not.
    pub fn resume(&mut self, position: u64, dirty_until: u64) {
        self.position = position;
        self.dirty_until = dirty_until;
        // Counted from all cells when somebody asks.
        self.standing = None;
        for key in self.keys() {
            self.settle(&key, 1);
        }
        let sums = std::mem::take(&mut self.pending).sums;
        self.cells.extend(sums.into_iter().filter(|(_, values)| values.iter().any(|v| *v != 0)));
    }

    /// The keys of all customers, sorted.
    pub fn keys(&self) -> Vec<Arc<str>> {
        let mut keys: Vec<Arc<str>> = self.holders.keys().map(Arc::clone).collect();
        keys.sort_unstable();
        keys
    }

    /// Marks customers dirty: all their rows are written with the next flush (old entities under a new epoch).
    pub fn mark_dirty(&mut self, keys: &[Arc<str>]) {
        for key in keys {
            self.touch(key).replayed = !planted("planted::copy_stays_clean");
        }
    }

    fn restore_row(&mut self, place: usize, values: &[Value]) -> Result<(), String> {
        let mut reader = Reader { values, problem: None };
        let key = reader.text(1);
        let id = reader.text(2);
        let (hash, version, first) = (reader.int(3), reader.int(4), reader.int(5));
        let base = Stamp::from_bits(reader.int(7).cast_unsigned());
        let (later_names, later_stamps) = (reader.texts(8), reader.ints(9));
        let cleared = reader.texts(10);
        let tail = HEAD + self.layouts[place].fields;
        let (names, texts) = (reader.texts(tail), reader.texts(tail + 1));
        let (source, latest) = (reader.text(tail + 2), reader.int(tail + 3));
        let mut changes = self.field_changes(place, &mut reader);
        if let Some(problem) = reader.problem {
            return Err(problem);
        }
        if hash as u32 % self.placement.partitions != u32::from(self.placement.partition) {
            return Err(format!("key `{key}` does not belong to partition {}", self.placement.partition));
        }
        for (name, text) in names.iter().zip(&texts) {
            if let Some(slot) = self.layouts[place].slot(&format!("attributes.{name}")) {
                changes.push((slot, Some(i64::from(self.symbols.intern(text).number()))));
            }
        }
        changes.extend(
            cleared.iter().filter_map(|name| self.layouts[place].slot(name)).map(|slot| (slot, None)),
        );
        let stamps = later_names.iter().zip(later_stamps);
        let mut later: Vec<(u8, Stamp)> = stamps
            .filter_map(|(n, s)| Some((self.layouts[place].slot(n)?, Stamp::from_bits(s.cast_unsigned()))))
            .collect();
        later.sort_unstable_by_key(|(slot, _)| *slot);
        let source = self.symbols.intern(&source);
        let mut entity = Entity::new(id, first as u64, Stamp::from_bits(latest.cast_unsigned()), source);
        if values.get(6) == Some(&Value::Int(1)) {
            entity.blank();
        } else {
            entity.restore(&changes, base, &later);
        }
        self.highest = self.highest.max(version as u64);
        self.hold(place, key, hash as u32, entity)
    }

    fn hold(&mut self, place: usize, key: Arc<str>, hash: u32, entity: Entity) -> Result<(), String> {
        let holder = self.holders.entry(Arc::clone(&key)).or_insert_with(|| Holder::new(key, hash));
        let id = Arc::clone(&entity.id);
        let (_, is_new) = holder.entry(place, &id, || entity);
        if !is_new {
            return Err(format!("`{id}` came twice"));
        }
        self.entities += 1;
        Ok(())
    }

    fn field_changes(&mut self, place: usize, reader: &mut Reader<'_>) -> Vec<Change> {
        let layout = &self.layouts[place];
        let mut changes = Vec::with_capacity(layout.fields);
        for slot in 0..layout.fields {
            let index = HEAD + slot;
            let value = match layout.slots[slot].kind {
                Kind::Texts => {
                    let list = reader.texts(index);
                    let joined = list.join(LIST_SEPARATOR.encode_utf8(&mut [0; 4]));
                    (!list.is_empty()).then(|| i64::from(self.symbols.intern(&joined).number()))
                }
                Kind::Text | Kind::Code(_) => {
                    reader.maybe_text(index).map(|text| i64::from(self.symbols.intern(&text).number()))
                }
                _ => reader.maybe_int(index).map(|i| i as i64),
            };
            if value.is_some() {
                changes.push((slot as u8, value));
            }
        }
        changes
    }
}

impl Reader<'_> {
    fn wrong<T: Default>(&mut self, column: usize) -> T {
        self.problem.get_or_insert_with(|| format!("column {column} holds {:?}", self.values.get(column)));
        T::default()
    }

    fn text(&mut self, column: usize) -> Arc<str> {
        self.maybe_text(column).unwrap_or_else(|| {
            self.problem.get_or_insert_with(|| format!("column {column} is NULL"));
            Arc::from("")
        })
    }

    fn maybe_text(&mut self, column: usize) -> Option<Arc<str>> {
        match self.values.get(column) {
            Some(Value::Text(text)) => Some(Arc::clone(text)),
            Some(Value::Null) => None,
            _ => self.wrong(column),
        }
    }

    fn int(&mut self, column: usize) -> i128 {
        self.maybe_int(column).unwrap_or_else(|| self.wrong(column))
    }

    fn maybe_int(&mut self, column: usize) -> Option<i128> {
        match self.values.get(column) {
            Some(Value::Int(int)) => Some(*int),
            Some(Value::Null) => None,
            _ => self.wrong(column),
        }
    }

    fn texts(&mut self, column: usize) -> Vec<Arc<str>> {
        match self.values.get(column) {
            Some(Value::Texts(texts)) => texts.clone(),
            _ => self.wrong(column),
        }
    }

    fn ints(&mut self, column: usize) -> Vec<i128> {
        match self.values.get(column) {
            Some(Value::Ints(ints)) => ints.clone(),
            _ => self.wrong(column),
        }
    }
}

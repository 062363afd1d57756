//! What the tables must hold of one partition: the join of its canonical records, done by the core on the wire events.
//!
//! Figures are not taken from here; they are recounted elsewhere. Here the merge itself is the definition.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sarafan_core::definitions::Definitions;
use sarafan_core::event::Event;
use sarafan_core::rows;
use sarafan_core::table::{ColumnSpec, Table, Value};
use sarafan_core::vocabulary::Subject;
use sarafan_core::{Placement, Scope, Shard, ShardError, Tenancy, as_of};
use sarafan_store::Difference;

/// An entity: its key and id.
pub(super) type Identity = (Arc<str>, Arc<str>);
/// A detail row: its table's key columns, joined.
type Place = String;

/// Columns of an entity that say how it came about and not what it is: epoch, key, id, versions, stamps, cleared fields.
const WAY: [&str; 10] = [
    "epoch",
    "key",
    "id",
    "key_hash",
    "version",
    "first_version",
    "stamp",
    "later_fields",
    "later_stamps",
    "cleared",
];
/// Nobody sees these rows: they are compared and forgotten.
const NOBODY: Tenancy = Tenancy { term: 0, owner: 0, incarnation: 0 };

/// The truth of one partition, as of a position.
pub(super) struct Truth {
    shard: Shard,
    /// The next offset of the present topic.
    position: u64,
    /// How many records of earlier topics were applied before.
    earlier: u64,
    generation: u16,
    entities: HashMap<Subject, HashMap<Identity, Vec<Value>>>,
    details: BTreeMap<&'static str, HashMap<Place, Vec<Value>>>,
}

/// What a comparison found.
#[derive(Default)]
pub(super) struct Against {
    pub(super) compared: u64,
    pub(super) differences: Vec<Difference>,
}

impl Truth {
    pub(super) fn new(definitions: Arc<Definitions>, placement: Placement, from: u64) -> Self {
        let mut shard = Shard::new(definitions, placement);
        shard.resume(0, 0);
        let (entities, details) = (HashMap::new(), BTreeMap::new());
        Self { shard, position: from, earlier: 0, generation: placement.generation, entities, details }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn version(&self) -> u64 {
        self.shard.version_of(self.position)
    }

    pub(super) fn apply(&mut self, event: &Event, offset: u64) -> Result<(), ShardError> {
        self.shard.apply(event, self.earlier + offset)?;
        self.position = offset + 1;
        Ok(())
    }

    /// Applies the next record of the topics before the present one, of which nothing was applied yet.
    pub(super) fn apply_earlier(&mut self, event: &Event) -> Result<(), ShardError> {
        self.shard.apply(event, self.earlier)?;
        self.earlier += 1;
        Ok(())
    }

    /// Takes what was applied into what is expected.
    pub(super) fn settle(&mut self) {
        let batch = self.shard.flush(&NOBODY, Scope::Changes);
        for (subject, table) in rows::folded().zip(&batch.entities) {
            let expected = self.entities.entry(subject).or_default();
            for row in 0..table.len() {
                let values = own(subject, table, row);
                if let Some(identity) = identity(table, row) {
                    expected.insert(identity, values);
                }
            }
        }
        for table in &batch.details {
            let expected = self.details.entry(table.spec().name).or_default();
            for row in 0..table.len() {
                let values = table.row(row);
                let newer = |held: &Vec<Value>| stamp(table, held) < stamp(table, &values);
                let place = place(table, &values);
                if expected.get(&place).is_none_or(newer) {
                    expected.insert(place, values);
                }
            }
        }
    }

    /// Identities of a subject that are expected.
    pub(super) fn identities(&self, subject: Subject) -> impl Iterator<Item = &Identity> {
        self.entities.get(&subject).into_iter().flat_map(HashMap::keys)
    }

    /// Compares a row of an entity table; `complete` when the topics hold all that there ever was.
    pub(super) fn entity(
        &self,
        subject: Subject,
        table: &Table,
        row: usize,
        complete: bool,
    ) -> Option<(Identity, Option<Difference>)> {
        let identity = identity(table, row)?;
        let held = own(subject, table, row);
        let version = version(table, row);
        let place = format!("{} · {}", identity.0, identity.1);
        let expected = self.entities.get(&subject).and_then(|entities| entities.get(&identity));
        let found = match expected {
            None if complete => Some(("a row".to_owned(), "no canonical record".to_owned())),
            None => None,
            Some(expected) if *expected == held => None,
            // What it was before the present topic is not known.
            Some(_) if !complete && as_of(first_version(table, row)).0 < self.generation => None,
            // Records that the topic no longer holds may have said more.
            Some(expected) if !complete && latest(subject, &held) > latest(subject, expected) => None,
            Some(expected) => Some(texts(&compared_columns(subject), &held, expected)),
        };
        let difference = found.map(|(held, recounted)| Difference { place, held, recounted, version });
        Some((identity, difference))
    }

    /// A row that is expected and not there.
    pub(super) fn missing(identity: &Identity) -> Difference {
        Difference {
            place: format!("{} · {}", identity.0, identity.1),
            held: "no row".to_owned(),
            recounted: "an entity of the canonical topic".to_owned(),
            version: 0,
        }
    }

    /// Compares the detail rows of the partition. A row of a later stamp came after the position.
    pub(super) fn details(&self, name: &'static str, held: &Table) -> Against {
        let mut against = Against::default();
        let none = HashMap::new();
        let expected = self.details.get(name).unwrap_or(&none);
        let mut found: HashMap<Place, Vec<Value>> = HashMap::with_capacity(held.len());
        for row in 0..held.len() {
            let values = held.row(row);
            found.insert(place(held, &values), values);
        }
        for (place, expected) in expected {
            against.compared += 1;
            let difference = |held: String, recounted: &str| Difference {
                place: place.clone(),
                held,
                recounted: recounted.to_owned(),
                version: 0,
            };
            match found.get(place) {
                None => against
                    .differences
                    .push(difference("no row".to_owned(), "a detail of the canonical topic")),
                Some(row) if stamp(held, row) < stamp(held, expected) => {
                    against.differences.push(difference(
                        "an earlier record".to_owned(),
                        "a later one of the canonical topic",
                    ));
                }
                Some(row) if stamp(held, row) == stamp(held, expected) && row != expected => {
                    against
                        .differences
                        .push(difference("another content".to_owned(), "that of the canonical record"));
                }
                Some(_) => {}
            }
        }
        against.differences.sort();
        against
    }
}

fn index(table: &Table, name: &str) -> Option<usize> {
    table.spec().columns.iter().position(|column| column.name == name)
}

fn text(table: &Table, row: usize, column: &str) -> Option<Arc<str>> {
    match table.columns().get(index(table, column)?)?.value(row) {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn identity(table: &Table, row: usize) -> Option<Identity> {
    Some((text(table, row, "key")?, text(table, row, "id")?))
}

fn version(table: &Table, row: usize) -> u64 {
    number(table, row, "version")
}

fn first_version(table: &Table, row: usize) -> u64 {
    number(table, row, "first_version")
}

fn number(table: &Table, row: usize, column: &str) -> u64 {
    let value = index(table, column).and_then(|i| table.columns().get(i)).map(|column| column.value(row));
    match value {
        Some(Value::Int(number)) => u64::try_from(number).unwrap_or(0),
        _ => 0,
    }
}

/// The columns that say what an entity is.
fn compared_columns(subject: Subject) -> Vec<ColumnSpec> {
    let Some(table) = rows::entity_table(subject) else { return Vec::new() };
    let own = table.columns.iter().take(rows::own_columns(subject)).copied();
    own.filter(|column| !WAY.contains(&column.name)).collect()
}

fn own(subject: Subject, table: &Table, row: usize) -> Vec<Value> {
    let columns = table.columns().iter().take(rows::own_columns(subject));
    columns.filter(|column| !WAY.contains(&column.spec.name)).map(|column| column.value(row)).collect()
}

fn latest(subject: Subject, values: &[Value]) -> u128 {
    let place = compared_columns(subject).iter().position(|column| column.name == "latest_stamp");
    match place.and_then(|place| values.get(place)) {
        Some(Value::Int(stamp)) => stamp.cast_unsigned(),
        _ => 0,
    }
}

fn stamp(table: &Table, values: &[Value]) -> u128 {
    match index(table, "stamp").and_then(|place| values.get(place)) {
        Some(Value::Int(stamp)) => stamp.cast_unsigned(),
        _ => 0,
    }
}

/// The key of a detail row: what stands before its values.
fn place(table: &Table, values: &[Value]) -> Place {
    let keys =
        ["subject", "key", "id", "field"].into_iter().filter_map(|name| values.get(index(table, name)?));
    let texts = keys.filter_map(|value| match value {
        Value::Text(text) => Some(text.as_ref()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join(" · ")
}

/// What of two rows is not the same.
fn texts(columns: &[ColumnSpec], held: &[Value], expected: &[Value]) -> (String, String) {
    let differing = || columns.iter().zip(held.iter().zip(expected)).filter(|(_, (h, e))| h != e);
    let shown = |value: &Value| match value {
        Value::Null => "none".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.to_string(),
        Value::Texts(texts) => texts.join(", "),
        Value::Ints(numbers) => format!("{numbers:?}"),
    };
    let side = |text: &dyn Fn(&(&Value, &Value)) -> String| {
        differing()
            .map(|(column, values)| format!("{} {}", column.name, text(&values)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    (side(&|(held, _)| shown(held)), side(&|(_, expected)| shown(expected)))
}

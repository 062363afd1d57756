//! The set of records, merged per field: the greatest stamp wins, erasure is for ever (METRICS 1).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use sarafan_core::Event;
use sarafan_core::definitions::Definitions;
use sarafan_core::vocabulary::{FieldValue, Subject};

/// One entity under one key.
#[derive(Debug, Default)]
pub(crate) struct Entity {
    /// Whether any record erased it.
    pub(crate) erased: bool,
    /// The greatest stamp of its records, and that record's source.
    pub(crate) latest: (u128, String),
    /// field -> (stamp, value).
    pub(crate) fields: BTreeMap<String, (u128, FieldValue)>,
}

/// All entities.
pub(crate) struct World<'d> {
    /// What the figures mean.
    pub(crate) definitions: &'d Definitions,
    /// (subject, key, id) -> entity.
    pub(crate) entities: BTreeMap<(Subject, String, String), Entity>,
    zone: TimeZone,
}

impl<'d> World<'d> {
    /// Merges the records.
    pub(crate) fn of<'e>(definitions: &'d Definitions, events: impl IntoIterator<Item = &'e Event>) -> Self {
        let name = definitions.metrics.timezone.as_str();
        let zone = match name {
            "UTC" => TimeZone::UTC,
            name => TimeZoneDatabase::bundled().get(name).expect("a time zone"),
        };
        let mut world = Self { definitions, entities: BTreeMap::new(), zone };
        for event in events {
            world.add(event);
        }
        world
    }

    fn add(&mut self, event: &Event) {
        let identity = (event.subject, event.key().to_string(), event.id.clone());
        let entity = self.entities.entry(identity).or_default();
        let stamp = event.stamp.bits();
        entity.erased |= event.erased;
        if stamp >= entity.latest.0 {
            entity.latest = (stamp, event.origin.source.clone());
        }
        for (name, value) in &event.fields {
            let newer = entity.fields.get(name).is_none_or(|(held, _)| *held < stamp);
            if newer {
                entity.fields.insert(name.clone(), (stamp, value.clone()));
            }
        }
    }

    /// (key, id, entity) of a subject, by key and id.
    pub(crate) fn all(&self, subject: Subject) -> impl Iterator<Item = (&str, &str, &Entity)> {
        let mine = self.entities.iter().filter(move |((s, ..), _)| *s == subject);
        mine.map(|((_, key, id), entity)| (key.as_str(), id.as_str(), entity))
    }

    /// Those that are neither deleted, nor moved away, nor erased.
    pub(crate) fn alive(&self, subject: Subject) -> impl Iterator<Item = (&str, &str, &Entity)> {
        self.all(subject).filter(|(_, _, entity)| entity.alive())
    }

    /// One of them, if it is alive.
    pub(crate) fn find(&self, subject: Subject, key: &str, id: &str) -> Option<&Entity> {
        let entity = self.entities.get(&(subject, key.to_owned(), id.to_owned()))?;
        entity.alive().then_some(entity)
    }

    /// Keys of customers whose every record is out of the figures.
    pub(crate) fn excluded(&self) -> BTreeSet<&str> {
        let customers = self.alive(Subject::Customer);
        customers.filter(|(.., e)| e.text("excluded_reason").is_some()).map(|(key, ..)| key).collect()
    }

    /// The calendar day of an instant in the reporting time zone, as days since 1970-01-01.
    pub(crate) fn day(&self, micros: i64) -> i32 {
        let date = self.zone.to_datetime(Timestamp::from_microsecond(micros).expect("an instant")).date();
        jiff::civil::date(1970, 1, 1).until(date).expect("a span of days").get_days()
    }
}

impl Entity {
    /// Neither deleted, nor moved away, nor erased.
    pub(crate) fn alive(&self) -> bool {
        !self.erased && !self.flag("deleted") && !self.flag("moved")
    }

    /// The value of a field, unless it was cleared or the entity erased.
    pub(crate) fn value(&self, name: &str) -> Option<&FieldValue> {
        let (_, value) = self.fields.get(name)?;
        (!self.erased && *value != FieldValue::Cleared).then_some(value)
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            FieldValue::Text(text) => Some(text),
            other => panic!("{name} holds {other:?}"),
        }
    }

    /// An amount, in 1/10 000.
    pub(crate) fn money(&self, name: &str) -> Option<i128> {
        match self.value(name)? {
            FieldValue::Money(money) => Some(i128::from(money.units())),
            other => panic!("{name} holds {other:?}"),
        }
    }

    /// An instant, in microseconds.
    pub(crate) fn instant(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            FieldValue::Instant(at) => Some(at.micros()),
            other => panic!("{name} holds {other:?}"),
        }
    }

    /// A score.
    pub(crate) fn score(&self) -> Option<u8> {
        match self.value("score")? {
            FieldValue::Score(score) => Some(score.value()),
            other => panic!("score holds {other:?}"),
        }
    }

    /// A flag; false when there is none.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.fields.get(name), Some((_, FieldValue::Flag(true))))
    }
}

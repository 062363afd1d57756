//! One source: what its records are, which are left out, and what is made of the others.

use std::sync::Arc;

use sarafan_core::event::Origin;
use sarafan_core::vocabulary::Instant;

use super::condition::Condition;
use super::record::{Context, RecordRule};
use super::time::Clock;
use super::{Outcome, SourceRecord};
use crate::json::{Limits, object};
use crate::reason::{Reason, Rejection};

/// A `[[source]]`, compiled.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) topic: String,
    pub(super) mapping_revision: u16,
    pub(super) shift_days: i32,
    pub(super) limits: Limits,
    pub(super) skips: Vec<SkipRule>,
    pub(super) rules: Vec<RecordRule>,
}

/// A `[[source.skip]]`, compiled.
#[derive(Debug, Clone)]
pub(super) struct SkipRule {
    pub(super) rule: Arc<str>,
    pub(super) when: Condition,
}

impl Source {
    /// All or nothing: a record of which one entity is bad is bad as a whole.
    pub(super) fn apply(&self, record: &SourceRecord<'_>, surveys: &[String]) -> Result<Outcome, Rejection> {
        let value =
            record.value.ok_or_else(|| Rejection::of_record(Reason::NoValue, "the record has no value"))?;
        let root = object(value, self.limits)?;
        if let Some(skip) = self.skips.iter().find(|skip| skip.when.holds(&root)) {
            return Ok(Outcome::Filtered { rule: Arc::clone(&skip.rule) });
        }
        let no_timestamp = || {
            Rejection::of_record(
                Reason::MissingVersion,
                "the record has no timestamp to check its version against",
            )
        };
        let timestamp = record.timestamp_micros.ok_or_else(no_timestamp)?;
        let origin = Origin {
            source: self.name.clone(),
            topic: record.topic.to_owned(),
            partition: record.partition,
            offset: record.offset,
            received_at: record.received_micros.map(Instant::from_micros),
        };
        let context = Context {
            root: &root,
            clock: Clock::new(timestamp, self.shift_days),
            mapping_revision: self.mapping_revision,
            origin: &origin,
            surveys,
        };
        let mut events = Vec::new();
        let mut matching = self.rules.iter().filter(|rule| rule.when.holds(&root)).peekable();
        if matching.peek().is_none() {
            return Err(Rejection::of_record(Reason::NoRuleMatched, "no [[source.record]] speaks of it"));
        }
        matching.try_for_each(|rule| rule.events(&context, &mut events))?;
        Ok(Outcome::Mapped(events))
    }
}

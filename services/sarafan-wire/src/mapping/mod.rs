//! Source records to canonical events, as the `[[source]]` sections of the configuration say.

mod check;
mod compile;
mod compile_value;
mod condition;
mod exact;
mod field;
mod lines;
mod path;
mod record;
mod section;
mod source;
mod template;
mod time;
mod value;

use std::collections::BTreeSet;
use std::sync::Arc;

use sarafan_core::definitions::SurveySection;
use sarafan_core::event::Event;
use toml::Table;

use section::Errors;
pub use section::MappingError;
use source::Source;

use crate::reason::{Reason, Rejection};

/// One record of a source topic.
#[derive(Debug, Clone, Copy)]
pub struct SourceRecord<'a> {
    /// Topic it stands on.
    pub topic: &'a str,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its own timestamp, microseconds since 1970: what versions and event times are checked against.
    pub timestamp_micros: Option<i64>,
    /// When its broker appended it, microseconds since 1970, if the topic keeps that (`LogAppendTime`): no time of a
    /// producer's.
    pub received_micros: Option<i64>,
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
}

/// What becomes of one source record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The events it says, at least one, each with its fields in canonical order.
    Mapped(Vec<Event>),
    /// A `[[source.skip]]` leaves it out on purpose.
    Filtered {
        /// The name of the rule, a metric label.
        rule: Arc<str>,
    },
    /// It belongs to the dead letters, as a whole.
    Rejected(Rejection),
}

/// The labels of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLabels<'a> {
    /// Its name.
    pub source: &'a str,
    /// Names of its `[[source.skip]]` rules.
    pub rules: BTreeSet<&'a str>,
    /// Names of the subjects that its records may speak of.
    pub subjects: BTreeSet<&'static str>,
}

/// All sources, compiled.
#[derive(Debug, Clone)]
pub struct Mapping {
    sources: Vec<Source>,
    surveys: Vec<String>,
}

impl Mapping {
    /// Compiles the `[[source]]` sections. `surveys` are the declared ones: answers to any other are rejected.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first; paths begin with `source[<index>]`.
    pub fn compile(sources: &[Table], surveys: &[SurveySection]) -> Result<Self, Vec<MappingError>> {
        let errors = Errors::default();
        let surveys: Vec<String> = surveys.iter().map(|survey| survey.id.clone()).collect();
        let compile = |(i, table)| compile::source(format!("source[{i}]"), table, &surveys, &errors);
        let sources: Vec<Source> = sources.iter().enumerate().filter_map(compile).collect();
        for (i, source) in sources.iter().enumerate() {
            let earlier = &sources[..i];
            if earlier.iter().any(|other| other.name == source.name) {
                errors.add(format!("source[{i}].name"), format!("`{}` is used twice", source.name));
            }
            if earlier.iter().any(|other| other.topic == source.topic) {
                let problem =
                    format!("`{}` is read by two sources; put their records into one", source.topic);
                errors.add(format!("source[{i}].topic"), problem);
            }
        }
        let errors = errors.into_inner();
        if errors.is_empty() { Ok(Self { sources, surveys }) } else { Err(errors) }
    }

    /// What becomes of a record. A function of the record alone: no clock, no state, no panic.
    pub fn apply(&self, record: &SourceRecord<'_>) -> Outcome {
        let Some(source) = self.sources.iter().find(|source| source.topic == record.topic) else {
            let problem = format!("no source reads topic `{}`", record.topic);
            return Outcome::Rejected(Rejection::of_record(Reason::NoRuleMatched, problem));
        };
        source.apply(record, &self.surveys).unwrap_or_else(Outcome::Rejected)
    }

    /// The topics to read.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|source| source.topic.as_str())
    }

    /// What may become of the records of each source: labels that metrics can begin with.
    pub fn labels(&self) -> impl Iterator<Item = SourceLabels<'_>> {
        self.sources.iter().map(|source| SourceLabels {
            source: &source.name,
            rules: source.skips.iter().map(|skip| &*skip.rule).collect(),
            subjects: source.rules.iter().map(|rule| rule.subject.name()).collect(),
        })
    }

    /// The name of the source that reads a topic: the metric label.
    pub fn source_of(&self, topic: &str) -> Option<&str> {
        self.sources.iter().find(|source| source.topic == topic).map(|source| source.name.as_str())
    }
}

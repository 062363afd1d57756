//! The sections that ingest takes from the configuration.

use sarafan_core::definitions::SurveySection;
use sarafan_runtime::config::{ConfigErrors, Document};
use sarafan_runtime::service::ServiceConfig;
use sarafan_stream::{BatchBounds, ConsumerSettings, FirstStart, KafkaConfig, ProducerSettings};
use sarafan_wire::{Mapping, TopicsSection};
use serde::Deserialize;

/// Everything ingest is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[kafka]`.
    pub kafka: KafkaConfig,
    /// `[topics]`.
    pub topics: TopicsSection,
    /// `[[source]]`, compiled against the declared `[[survey]]`s.
    pub mapping: Mapping,
    /// `[ingest]`.
    pub ingest: IngestSection,
    /// `[service]`.
    pub service: ServiceConfig,
}

/// The section `[ingest]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IngestSection {
    /// Consumer group. Members of one group share the partitions of the source topics.
    pub group: String,
    /// Name of this member across restarts, for static membership.
    pub instance_id: Option<String>,
    /// After this many milliseconds without a heartbeat the partitions go to others.
    pub session_timeout_ms: u64,
    /// Where to begin on a partition that the group never read: `earliest`, `latest`, or `refuse` once it has run, so
    /// that lost offsets are noticed.
    pub first_start: FirstStart,
    /// When offsets are committed.
    pub batch: BatchBounds,
    /// How canonical events and dead letters are produced.
    pub producer: ProducerSettings,
}

impl Default for IngestSection {
    fn default() -> Self {
        let consumer = ConsumerSettings::new("sarafan-ingest");
        Self {
            group: consumer.group,
            instance_id: None,
            session_timeout_ms: consumer.session_timeout_ms,
            first_start: FirstStart::Earliest,
            batch: consumer.batch,
            producer: ProducerSettings::default(),
        }
    }
}

impl IngestSection {
    fn consumer(&self) -> ConsumerSettings {
        ConsumerSettings {
            instance_id: self.instance_id.clone(),
            session_timeout_ms: self.session_timeout_ms,
            batch: self.batch,
            ..ConsumerSettings::new(&self.group)
        }
    }
}

impl Config {
    /// `[ingest]` as the engine takes it, and how long draining may take.
    pub fn consumer(&self) -> ConsumerSettings {
        let drain_ms = self.service.drain_seconds.saturating_mul(1000);
        ConsumerSettings { drain_ms, ..self.ingest.consumer() }
    }

    /// Names of the sections that [`Config::read`] reads.
    pub const SECTIONS: [&'static str; 6] = ["kafka", "topics", "survey", "source", "ingest", "service"];

    /// Reads the sections; whatever is wrong is added to `errors`, and then there is no configuration.
    pub fn read(document: &Document, errors: &mut ConfigErrors) -> Option<Self> {
        let kafka = document.section("kafka", errors);
        let topics = document.section_or_default("topics", errors);
        let mapping = read_mapping(document, errors);
        let ingest = document.section_or_default("ingest", errors);
        let service = document.section_or_default("service", errors);
        Some(Self { kafka: kafka?, topics: topics?, mapping: mapping?, ingest: ingest?, service: service? })
    }
}

fn read_mapping(document: &Document, errors: &mut ConfigErrors) -> Option<Mapping> {
    if !document.has("source") {
        errors.push(
            document.place("source").invalid("is missing: ingest has nothing to read; add a [[source]]"),
        );
        return None;
    }
    let sources = document.array_of_tables::<toml::Table>("source", errors);
    let surveys = document.array_of_tables::<SurveySection>("survey", errors);
    let sources: Vec<_> = sources.into_iter().map(|source| source.value).collect();
    let surveys: Vec<_> = surveys.into_iter().map(|survey| survey.value).collect();
    let note = |problems: Vec<sarafan_wire::MappingError>| {
        errors.extend(
            problems.into_iter().map(|problem| document.place(&problem.path).invalid(problem.problem)),
        );
    };
    Mapping::compile(&sources, &surveys).map_err(note).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, Vec<String>> {
        let document = Document::from_text("sarafan.toml", text).unwrap();
        let mut errors = ConfigErrors::default();
        let config = Config::read(&document, &mut errors);
        config.ok_or_else(|| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn errors_of_the_mapping_name_file_and_line() {
        let errors = read(
            "[kafka]\nbrokers = 'b:1'\n\n[[source]]\nname = 's'\ntopic = 't'\nupdated_at = 'at'\n\n[[source.record]]\nsubject = 'customer'\nid = 'id'\ntier = 'tier'\n",
        );
        let errors = errors.unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0].starts_with("sarafan.toml:12: source[0].record[0].tier: is an unknown field"),
            "{errors:?}"
        );
    }

    #[test]
    fn without_a_source_there_is_nothing_to_run() {
        let errors = read("kafka.brokers = 'b:1'\n").unwrap_err();
        assert!(errors[0].contains("nothing to read"), "{errors:?}");
    }
}

//! The sections that the aggregator takes from the configuration.

use sarafan_core::definitions::{Definitions, DimensionSection, MetricsSection, SurveySection};
use sarafan_runtime::config::{ConfigErrors, Document, Place};
use sarafan_runtime::service::ServiceConfig;
use sarafan_store::ClickHouseSection;
use sarafan_stream::{BatchBounds, ConsumerSettings, KafkaConfig};
use sarafan_wire::TopicsSection;
use serde::Deserialize;

/// Everything the aggregator is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[kafka]`.
    pub kafka: KafkaConfig,
    /// `[topics]`.
    pub topics: TopicsSection,
    /// `[clickhouse]`.
    pub clickhouse: ClickHouseSection,
    /// `[metrics]`, `[[survey]]` and `[[dimension]]`, resolved.
    pub definitions: Definitions,
    /// `[aggregator]`.
    pub aggregator: AggregatorSection,
    /// `[service]`.
    pub service: ServiceConfig,
}

/// The section `[aggregator]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AggregatorSection {
    /// Consumer group. Aggregators of one group share the partitions.
    pub group: String,
    /// Name of this member across restarts, for static membership.
    pub instance_id: Option<String>,
    /// After this many milliseconds without a heartbeat the partitions go to others.
    pub session_timeout_ms: u64,
    /// How often an idle aggregator looks at the ledger, in milliseconds.
    pub idle_ms: u64,
    /// How long a term must be shown before the cells of earlier ones are deleted, in milliseconds: longer than the
    /// longest query takes.
    pub collect_after_ms: u64,
    /// When a flush is due.
    pub batch: BatchBounds,
}

impl Default for AggregatorSection {
    fn default() -> Self {
        let consumer = ConsumerSettings::new("sarafan-aggregator");
        Self {
            group: consumer.group,
            instance_id: None,
            session_timeout_ms: consumer.session_timeout_ms,
            idle_ms: consumer.idle_ms,
            collect_after_ms: 600_000,
            batch: consumer.batch,
        }
    }
}

impl AggregatorSection {
    fn consumer(&self) -> ConsumerSettings {
        ConsumerSettings {
            instance_id: self.instance_id.clone(),
            session_timeout_ms: self.session_timeout_ms,
            idle_ms: self.idle_ms,
            batch: self.batch,
            ..ConsumerSettings::new(&self.group)
        }
    }
}

impl Config {
    /// `[aggregator]` as the engine takes it, and how long draining may take.
    pub(crate) fn consumer(&self) -> ConsumerSettings {
        let drain_ms = self.service.drain_seconds.saturating_mul(1000);
        ConsumerSettings { drain_ms, ..self.aggregator.consumer() }
    }

    /// Names of the sections that [`Config::read`] reads.
    pub const SECTIONS: [&'static str; 8] =
        ["kafka", "topics", "clickhouse", "metrics", "survey", "dimension", "aggregator", "service"];

    /// Reads the sections; whatever is wrong is added to `errors`, and then there is no configuration.
    pub fn read(document: &Document, errors: &mut ConfigErrors) -> Option<Self> {
        let kafka = document.section("kafka", errors);
        let topics = document.section_or_default("topics", errors);
        let clickhouse = read_clickhouse(document, errors);
        let definitions = read_definitions(document, errors);
        let aggregator = document.section_or_default("aggregator", errors);
        let service = document.section_or_default("service", errors);
        Some(Self {
            kafka: kafka?,
            topics: topics?,
            clickhouse: clickhouse?,
            definitions: definitions?,
            aggregator: aggregator?,
            service: service?,
        })
    }
}

/// What the store would refuse at its first use is said with everything else that is wrong.
fn read_clickhouse(document: &Document, errors: &mut ConfigErrors) -> Option<ClickHouseSection> {
    let section: ClickHouseSection = document.section_or_default("clickhouse", errors)?;
    let Some((key, problem)) = section.problem() else { return Some(section) };
    errors.push(document.place("clickhouse").key(key).invalid(problem));
    None
}

/// Reads and resolves what the figures mean.
fn read_definitions(document: &Document, errors: &mut ConfigErrors) -> Option<Definitions> {
    let metrics: Option<MetricsSection> = document.section_or_default("metrics", errors);
    let surveys = document.array_of_tables::<SurveySection>("survey", errors);
    let dimensions = document.array_of_tables::<DimensionSection>("dimension", errors);
    let surveys = surveys.into_iter().map(|s| s.value).collect();
    let dimensions: Vec<DimensionSection> = dimensions.into_iter().map(|d| d.value).collect();
    let resolved = Definitions::resolve(metrics?, surveys, &dimensions);
    resolved
        .map_err(|problems| {
            for problem in problems {
                let error = place_of(document, &problem.path).invalid(problem.problem);
                errors.push(error);
            }
        })
        .ok()
}

/// The place of a path such as `dimension[2].field`.
fn place_of(document: &Document, path: &str) -> Place {
    let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
    let place = match head.strip_suffix(']').and_then(|head| head.split_once('[')) {
        Some((name, index)) => document.place(name).index(index.parse().unwrap_or(0)),
        None => document.place(head),
    };
    rest.map_or(place.clone(), |key| place.key(key))
}

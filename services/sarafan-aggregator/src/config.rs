//! The sections that the aggregator takes from the configuration.

use std::collections::HashMap;

use sarafan_core::definitions::{Definitions, DimensionSection, Epoch, MetricsSection, SurveySection};
use sarafan_core::standing::Outlook;
use sarafan_runtime::config::{ConfigErrors, Document, Place};
use sarafan_runtime::service::ServiceConfig;
use sarafan_store::ClickHouseSection;
use sarafan_stream::{BatchBounds, ConsumerSettings, KafkaConfig};
use sarafan_wire::TopicsSection;
use serde::Deserialize;
use serde::de::IgnoredAny;

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
    /// `[prometheus]`.
    pub prometheus: ExportedFigures,
    /// Names of the `[[source]]`s: labels of what is counted by source.
    pub sources: Vec<String>,
    /// `[service]`.
    pub service: ServiceConfig,
    /// What a candidate epoch begins with; not configured, but said by who runs it.
    pub beginning: Beginning,
}

/// What a candidate epoch begins with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Beginning {
    /// The entities of the live epoch, and the details for the attributes that these lack.
    #[default]
    Entities,
    /// The canonical topic from its start.
    Topic,
}

/// The consumer group of the aggregators of one epoch. Each epoch has its own: a candidate reads the same topic beside the
/// live one, and neither takes partitions from the other.
pub fn group_of(name: &str, epoch: Epoch) -> String {
    format!("{name}.{}", epoch_label(epoch))
}

/// The epoch as metrics and groups name it: enough of it to tell epochs apart.
pub(crate) fn epoch_label(epoch: Epoch) -> String {
    epoch.to_string().chars().take(8).collect()
}

/// What the aggregator takes from a `[[source]]`; ingest answers for the rest.
#[derive(Debug, Clone, Deserialize)]
struct SourceName {
    name: Option<String>,
    #[serde(flatten)]
    _rest: HashMap<String, IgnoredAny>,
}

/// The section `[aggregator]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AggregatorSection {
    /// What the names of consumer groups begin with: aggregators of one epoch share the partitions in `<group>.<epoch>`.
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
    /// After how many milliseconds a partition that was refused is looked at again.
    pub refused_retry_ms: u64,
    /// When a flush is due.
    pub batch: BatchBounds,
}

/// The section `[prometheus]`: which business figures are exported. No part of the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrometheusSection {
    /// The most segments of one dimension that have a label value of their own; the rest is `other`. Fewer have one where
    /// a scrape would exceed two megabytes.
    pub segments: usize,
    /// The one rolling window that is exported by segment, in days: one of `metrics.windows`. Left out: 30 if it is among
    /// them, else the first.
    pub segment_window_days: Option<u16>,
}

impl Default for PrometheusSection {
    fn default() -> Self {
        Self { segments: 50, segment_window_days: None }
    }
}

/// `[prometheus]`, checked against the definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportedFigures {
    /// The most segments of one dimension.
    pub segments: usize,
    /// The window of segments, days.
    pub segment_window_days: u16,
}

impl ExportedFigures {
    /// What is gathered of the partitions.
    pub(crate) fn outlook(&self) -> Outlook {
        Outlook { segment_window_days: self.segment_window_days }
    }
}

/// More label values than that no rule and no panel is meant for.
const MOST_SEGMENTS: usize = 1_000;
/// The window that is taken when none is named.
const USUAL_WINDOW: u16 = 30;

impl PrometheusSection {
    /// Fills in what was left out.
    ///
    /// # Errors
    /// The key that cannot be, and why.
    pub fn resolve(&self, windows: &[u16]) -> Result<ExportedFigures, (&'static str, String)> {
        if !(1..=MOST_SEGMENTS).contains(&self.segments) {
            let problem = format!("is {}; write a number between 1 and {MOST_SEGMENTS}", self.segments);
            return Err(("segments", problem));
        }
        let usual = windows.iter().find(|days| **days == USUAL_WINDOW).or_else(|| windows.first());
        let chosen = self.segment_window_days.or(usual.copied()).unwrap_or(USUAL_WINDOW);
        if !windows.contains(&chosen) {
            let problem = format!("{chosen} is none of metrics.windows {windows:?}; name one of them");
            return Err(("segment_window_days", problem));
        }
        Ok(ExportedFigures { segments: self.segments, segment_window_days: chosen })
    }
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
            refused_retry_ms: consumer.declined_retry_ms,
            batch: consumer.batch,
        }
    }
}

impl AggregatorSection {
    /// The consumer group of the index of dead letters.
    pub fn dead_letters_group(&self) -> String {
        format!("{}-dead-letters", self.group)
    }

    fn consumer(&self, group: &str) -> ConsumerSettings {
        ConsumerSettings {
            instance_id: self.instance_id.clone(),
            session_timeout_ms: self.session_timeout_ms,
            idle_ms: self.idle_ms,
            declined_retry_ms: self.refused_retry_ms,
            batch: self.batch,
            ..ConsumerSettings::new(group)
        }
    }
}

impl Config {
    /// `[aggregator]` as the engine takes it, and how long draining may take.
    pub(crate) fn consumer(&self) -> ConsumerSettings {
        let drain_ms = self.service.drain_seconds.saturating_mul(1000);
        ConsumerSettings { drain_ms, ..self.aggregator.consumer(&self.group()) }
    }

    /// The consumer group of the aggregators with these definitions.
    pub fn group(&self) -> String {
        group_of(&self.aggregator.group, self.definitions.epoch)
    }

    /// Names of the sections that [`Config::read`] reads.
    pub const SECTIONS: [&'static str; 10] = [
        "kafka",
        "topics",
        "clickhouse",
        "metrics",
        "survey",
        "dimension",
        "aggregator",
        "prometheus",
        "source",
        "service",
    ];

    /// Reads the sections; whatever is wrong is added to `errors`, and then there is no configuration.
    pub fn read(document: &Document, errors: &mut ConfigErrors) -> Option<Self> {
        let kafka = document.section("kafka", errors);
        let topics = document.section_or_default("topics", errors);
        let clickhouse = read_clickhouse(document, errors);
        let definitions = read_definitions(document, errors);
        let aggregator = document.section_or_default("aggregator", errors);
        let prometheus = definitions.as_ref().map(|d| read_prometheus(document, d, errors));
        let sources = document.array_of_tables::<SourceName>("source", errors);
        let service = document.section_or_default("service", errors);
        Some(Self {
            kafka: kafka?,
            topics: topics?,
            clickhouse: clickhouse?,
            definitions: definitions?,
            aggregator: aggregator?,
            prometheus: prometheus??,
            sources: sources.into_iter().filter_map(|source| source.value.name).collect(),
            service: service?,
            beginning: Beginning::default(),
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

/// Reads what is exported, which depends on the windows that there are.
fn read_prometheus(
    document: &Document,
    definitions: &Definitions,
    errors: &mut ConfigErrors,
) -> Option<ExportedFigures> {
    let section: PrometheusSection = document.section_or_default("prometheus", errors)?;
    let resolved = section.resolve(&definitions.metrics.windows);
    resolved
        .map_err(|(key, problem)| errors.push(document.place("prometheus").key(key).invalid(problem)))
        .ok()
}

/// Reads and resolves what the figures mean.
pub(crate) fn read_definitions(document: &Document, errors: &mut ConfigErrors) -> Option<Definitions> {
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

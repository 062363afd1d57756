//! The configuration of a whole deployment, as operator's commands need it: every section read, every error found.

use std::path::Path;

use sarafan_core::definitions::Definitions;
use sarafan_runtime::config::{ConfigErrors, Document};
use sarafan_runtime::service::ServiceConfig;
use sarafan_store::{BenchmarkSection, ClickHouseSection, Presentation};
use sarafan_stream::KafkaConfig;
use sarafan_wire::{Mapping, TopicsSection};

/// Prefix of the environment variables that override keys: `SARAFAN__KAFKA__BROKERS`.
pub const ENV_PREFIX: &str = "SARAFAN";

/// The sections that some part of a deployment knows. All share one file.
pub(crate) const SECTIONS: [&str; 13] = [
    "kafka",
    "topics",
    "clickhouse",
    "metrics",
    "survey",
    "dimension",
    "source",
    "ingest",
    "aggregator",
    "prometheus",
    "service",
    "deployment",
    "benchmark",
];

/// A configuration in which nothing is wrong, for any service.
#[derive(Debug)]
pub struct Deployment {
    /// The file and its overrides.
    pub document: Document,
    /// `[kafka]`.
    pub kafka: KafkaConfig,
    /// `[topics]`.
    pub topics: TopicsSection,
    /// `[clickhouse]`.
    pub clickhouse: ClickHouseSection,
    /// `[metrics]`, `[[survey]]` and `[[dimension]]`, resolved.
    pub definitions: Definitions,
    /// `[[source]]`, compiled.
    pub mapping: Mapping,
    /// `[deployment]`, `[[benchmark]]` and the bands of `[[survey]]`: what people are shown beside the figures.
    pub presentation: Presentation,
    /// `[service]`.
    pub service: ServiceConfig,
    /// Consumer groups of the services.
    pub groups: Groups,
}

/// Consumer groups, whose committed offsets say how far each service has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// Of ingest, on the source topics.
    pub ingest: String,
    /// Of the index of dead letters.
    pub dead_letters: String,
    /// What those of the aggregators begin with: each epoch has one of its own.
    pub aggregator: String,
}

impl Deployment {
    /// Reads the file at `path` and the environment.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each with its place.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        Self::of(Document::load(path, ENV_PREFIX)?)
    }

    /// Takes every section of a document.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each with its place.
    pub fn of(document: Document) -> Result<Self, ConfigErrors> {
        let mut found = ConfigErrors::default();
        let aggregator = sarafan_aggregator::Config::read(&document, &mut found);
        let ingest = sarafan_ingest::Config::read(&document, &mut found);
        let definitions = aggregator.as_ref().map(|config| &config.definitions);
        let presentation = read_presentation(&document, definitions, &mut found);
        document.finish(each_once(&found), &SECTIONS)?;
        // Whatever is not there was reported by `finish`.
        let (Some(aggregator), Some(ingest), Some(presentation)) = (aggregator, ingest, presentation) else {
            return Err(found);
        };
        let groups = Groups {
            ingest: ingest.ingest.group,
            dead_letters: aggregator.aggregator.dead_letters_group(),
            aggregator: aggregator.aggregator.group,
        };
        let sarafan_aggregator::Config { kafka, topics, clickhouse, definitions, service, .. } = aggregator;
        let mapping = ingest.mapping;
        Ok(Self { document, kafka, topics, clickhouse, definitions, mapping, presentation, service, groups })
    }
}

/// Reads what people are shown; what it speaks of is checked once the definitions are right.
fn read_presentation(
    document: &Document,
    definitions: Option<&Definitions>,
    errors: &mut ConfigErrors,
) -> Option<Presentation> {
    let deployment = document.section_or_default("deployment", errors);
    let before = errors.iter().count();
    let benchmarks = document.array_of_tables::<BenchmarkSection>("benchmark", errors);
    // Those that cannot be read are left out, and the numbers of the others would be wrong.
    if errors.iter().count() > before {
        return None;
    }
    let benchmarks = benchmarks.into_iter().map(|located| located.value).collect();
    let resolved = Presentation::resolve(deployment?, benchmarks, definitions?);
    resolved
        .map_err(|problems| {
            errors.extend(problems.iter().map(|wrong| document.place(&wrong.path).invalid(&wrong.problem)));
        })
        .ok()
}

/// Services read the same sections, and each reports what is wrong with them.
fn each_once(found: &ConfigErrors) -> ConfigErrors {
    let mut errors = ConfigErrors::default();
    for error in found.iter() {
        if !errors.iter().any(|known| known == error) {
            errors.push(error.clone());
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_reported_at_once_and_once() {
        let text = "kafka.broker = 'x'\nclickhouse.url = 'http://h:1'\nmetric.windows = [7]\n[metrics]\nmargin_rate = '30'\n[[source]]\nname = 'shop'\n";
        let document = Document::from_text("sarafan.toml", text).unwrap();
        let errors = Deployment::of(document).unwrap_err();
        let kinds: Vec<String> =
            errors.iter().map(|error| format!("{} {}", error.path(), error.kind())).collect();
        for expected in
            ["kafka.broker unknown_key", "metrics.margin_rate invalid_value", "metric unknown_key"]
        {
            assert_eq!(kinds.iter().filter(|kind| *kind == expected).count(), 1, "{kinds:?}");
        }
        assert!(kinds.iter().any(|kind| kind.starts_with("source[0]")), "{kinds:?}");
    }

    #[test]
    fn an_address_that_the_store_would_refuse_is_reported_with_the_rest() {
        let text = "kafka.brokers = 'b:1'\nclickhouse.url = 'localhost:8123'\ntopics.event = 'x'\n";
        let document = Document::from_text("sarafan.toml", text).unwrap();
        let errors = Deployment::of(document).unwrap_err();
        let paths: Vec<&str> = errors.iter().map(|error| error.path()).collect();
        assert!(paths.contains(&"clickhouse.url") && paths.contains(&"topics.event"), "{paths:?}");
    }

    #[test]
    fn a_benchmark_of_what_is_not_declared_is_reported_with_its_line() {
        let benchmark = |more: &str| format!("[[benchmark]]\nname = 'b'\nkind = 'target'\n{more}\n");
        let text = [
            "kafka.brokers = 'b:1'\nsurvey = [{ id = 's', kind = 'relational', band = 'strict' }]\n"
                .to_owned(),
            benchmark("survey = 's'\nvalue = 60\nfrom = 2026-01-01"),
            benchmark("survey = 'other'\nvalue = 60\nfrom = '2026-02-30'\nto = '2026-12-31'"),
        ];
        let document = Document::from_text("sarafan.toml", &text.concat()).unwrap();
        let errors = Deployment::of(document).unwrap_err().to_string();
        let expected = [
            "sarafan.toml:12: benchmark[1].survey: `other` is not declared by a [[survey]]",
            "sarafan.toml:14: benchmark[1].from: `2026-02-30` is no day; write 2026-01-31",
        ];
        for line in expected {
            assert!(errors.lines().any(|found| found == line), "{errors}");
        }
    }

    #[test]
    fn the_demos_configuration_and_the_minimal_one_are_right() {
        for path in ["demo/sarafan.toml", "config/minimal.toml"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path);
            let text = std::fs::read_to_string(&path).unwrap();
            let document = Document::from_text(&path.display().to_string(), &text).unwrap();
            let deployment = Deployment::of(document).unwrap();
            assert_eq!(deployment.mapping.topics().count(), 2);
        }
    }
}

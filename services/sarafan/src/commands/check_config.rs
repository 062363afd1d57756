//! `sarafan check-config`

use sarafan_store::{BenchmarkSection, DeploymentSection};

use crate::cli::ConfigPath;
use crate::deployment::Deployment;
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  sarafan check-config --config sarafan.toml
  SARAFAN__METRICS__TIMEZONE=Europe/Moscow sarafan check-config   with an override

Says everything that is wrong, each with its line, and ends with 2; or shows what is configured and ends with 0.
Reaches out to nothing: `sarafan doctor` does.";

/// Arguments of `sarafan check-config`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {}

/// Checks the configuration.
pub(crate) fn run(place: &ConfigPath, _: &Arguments) -> anyhow::Result<()> {
    let deployment = Deployment::load(&place.path)?;
    let mut table = terminal::table(["what", "as configured"]);
    for (what, value) in summary(&deployment) {
        table.add_row([what, value]);
    }
    Ok(terminal::say(format!("{}: nothing wrong\n{table}", place.path.display()))?)
}

fn summary(deployment: &Deployment) -> Vec<(String, String)> {
    let Deployment { kafka, topics, clickhouse, definitions, mapping, presentation, .. } = deployment;
    let metrics = &definitions.metrics;
    let row = |what: &str, value: String| (what.to_owned(), value);
    let mut rows = vec![
        row("deployment", shown_name(presentation.deployment())),
        row("Kafka", kafka.brokers.clone()),
        row("canonical topic", format!("{}, {} partitions when created", topics.events, topics.partitions)),
        row("dead letters", topics.dead_letters.clone()),
        row("ClickHouse", clickhouse.url.clone()),
        row("databases", format!("{} (views), {} (private)", clickhouse.database, clickhouse.store_database)),
        row("reporting time zone", metrics.timezone.clone()),
        row(
            "NPS windows",
            metrics.windows.iter().map(|days| format!("{days} d")).collect::<Vec<_>>().join(", "),
        ),
        row("margin rate", metrics.margin_rate.clone()),
        row(
            "orders of amount zero",
            if metrics.count_zero_amount { "count" } else { "do not count" }.to_owned(),
        ),
        row(
            "purchases of one day",
            if metrics.merge_same_day { "are one" } else { "are as many as there are" }.to_owned(),
        ),
        row("epoch", definitions.epoch.to_string()),
    ];
    let headline = definitions.headline_survey().map(|survey| survey.id.as_str());
    for survey in &definitions.surveys {
        let mark = if headline == Some(survey.id.as_str()) { ", headline" } else { "" };
        let kind = survey.kind.name();
        rows.push((format!("survey {}", survey.id), format!("{kind}{mark}, band {}", survey.band.name())));
    }
    for dimension in &definitions.dimensions {
        rows.push((format!("dimension {}", dimension.name), format!("{:?}", dimension.kind).to_lowercase()));
    }
    for benchmark in presentation.benchmarks() {
        rows.push((format!("benchmark {}", benchmark.name), line_of(benchmark)));
    }
    for topic in mapping.topics() {
        let source = mapping.source_of(topic).unwrap_or_default();
        rows.push((format!("source {source}"), format!("topic {topic}")));
    }
    rows
}

/// A deployment's name, with its notice.
fn shown_name(section: &DeploymentSection) -> String {
    let DeploymentSection { name, notice } = section;
    if notice.is_empty() { name.clone() } else { format!("{name}, notice {notice}") }
}

/// What a benchmark says, of whom and when.
fn line_of(benchmark: &BenchmarkSection) -> String {
    let BenchmarkSection { kind, metric, survey, dimension, segment, value, from, .. } = benchmark;
    let until = benchmark.to.as_deref().unwrap_or("further notice");
    let cut = if dimension == "all" { String::new() } else { format!(", {dimension} {segment}") };
    format!("{} {} of {survey}{cut}: {value} from {from} until {until}", kind.name(), metric.name())
}

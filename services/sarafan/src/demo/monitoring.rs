//! What watches the demo: Prometheus with our rules, and a Grafana with our dashboards where the machine has one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use sarafan_localstack::{
    Grafana, GrafanaHome, GrafanaOptions, Prometheus, PrometheusOptions, Stack, Target,
};
use tokio::task::spawn_blocking;

use super::site::Site;
use crate::terminal;

const RULES: [(&str, &str); 6] = [
    ("audit.yml", include_str!("../../../../deploy/prometheus/rules/audit.yml")),
    ("availability.yml", include_str!("../../../../deploy/prometheus/rules/availability.yml")),
    ("figures.yml", include_str!("../../../../deploy/prometheus/rules/figures.yml")),
    ("freshness.yml", include_str!("../../../../deploy/prometheus/rules/freshness.yml")),
    ("nps_change.yml", include_str!("../../../../deploy/prometheus/rules/nps_change.yml")),
    ("pipeline.yml", include_str!("../../../../deploy/prometheus/rules/pipeline.yml")),
];
/// How often the figures are recorded in a deployment, and here, where somebody waits for them.
const INTERVAL: [&str; 2] = ["interval: 15s", "interval: 1s"];

const DASHBOARDS: [(&str, &str); 5] = [
    ("analyst.json", include_str!("../../../../grafana/dashboards/analyst.json")),
    ("customers.json", include_str!("../../../../grafana/dashboards/customers.json")),
    ("executive.json", include_str!("../../../../grafana/dashboards/executive.json")),
    ("platform.json", include_str!("../../../../grafana/dashboards/platform.json")),
    ("responses.json", include_str!("../../../../grafana/dashboards/responses.json")),
];
const DATA_SOURCES: &str = include_str!("../../../../grafana/provisioning/datasources/sarafan.yml");
const FOLDERS: &str = include_str!("../../../../grafana/provisioning/dashboards/sarafan.yml");

/// What watches.
pub(crate) struct Monitoring {
    /// Grafana, on a machine that has one.
    grafana: Option<Grafana>,
    pub(crate) prometheus: Arc<Prometheus>,
}

impl Monitoring {
    /// Starts it. The figures stand without it: what cannot be started is said, and left out.
    pub(crate) async fn start(stack: &Arc<Stack>, folder: &Path) -> Option<Self> {
        let (stack, folder) = (Arc::clone(stack), folder.to_owned());
        let started = spawn_blocking(move || Self::start_here(&stack, &folder)).await;
        match started.map_err(anyhow::Error::from).and_then(|started| started) {
            Ok(monitoring) => Some(monitoring),
            Err(error) => {
                terminal::note(format!("  without Prometheus: {error:#}"));
                None
            }
        }
    }

    fn start_here(stack: &Stack, folder: &Path) -> anyhow::Result<Self> {
        let say = |step: &str| terminal::note(format!("  {step}"));
        let options =
            PrometheusOptions { rule_files: rules(&folder.join("rules"))?, ..PrometheusOptions::default() };
        let prometheus = Arc::new(Prometheus::start(&options, &say)?);
        let found = GrafanaHome::find();
        let start = |found: &GrafanaHome| {
            let clickhouse = stack.clickhouse()?.http_url();
            let provisioning = provisioning(&folder.join("dashboards"), &clickhouse, &prometheus.url())?;
            let options = GrafanaOptions { provisioning, ..GrafanaOptions::default() };
            Grafana::start(found, &options, &say)
        };
        let grafana = match found.as_ref().map(start) {
            Some(Err(error)) => {
                terminal::note(format!("  without Grafana: {error:#}"));
                None
            }
            started => started.transpose()?,
        };
        Ok(Self { grafana, prometheus })
    }

    /// Has the services of these sites scraped.
    pub(crate) fn watch(&self, sites: &[&Site]) -> anyhow::Result<()> {
        let targets = |site: &&Site| {
            let deployment = site.deployment.clickhouse.database.clone();
            let target = |(job, address): (&str, std::net::SocketAddr)| Target {
                job: job.to_owned(),
                address: address.to_string(),
                deployment: deployment.clone(),
            };
            let services =
                [("sarafan-ingest", site.ingest.address), ("sarafan-aggregator", site.aggregator.address)];
            services.map(target)
        };
        self.prometheus.scrape(&sites.iter().flat_map(targets).collect::<Vec<_>>())
    }

    /// Where to look.
    pub(crate) fn addresses(&self) -> String {
        let grafana =
            self.grafana.as_ref().map(|grafana| format!("   Grafana: {}/dashboards", grafana.url()));
        format!("Prometheus: {}{}", self.prometheus.url(), grafana.unwrap_or_default())
    }
}

fn rules(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let [deployed, here] = INTERVAL;
    let write = |(name, text): &(&str, &str)| {
        let path = folder.join(name);
        std::fs::write(&path, text.replace(deployed, here))?;
        Ok(path)
    };
    RULES.iter().map(write).collect()
}

/// Our provisioning with the addresses of this machine: those of the files are the ones of docker-compose.yml.
fn provisioning(folder: &Path, clickhouse: &str, prometheus: &str) -> anyhow::Result<Vec<(String, String)>> {
    std::fs::create_dir_all(folder)?;
    for (name, text) in DASHBOARDS {
        std::fs::write(folder.join(name), text)?;
    }
    let port = clickhouse.rsplit(':').next().unwrap_or_default();
    let native = "host: clickhouse\n      port: 9000\n      protocol: native";
    let http = format!("host: 127.0.0.1\n      port: {port}\n      protocol: http");
    let sources = replaced(DATA_SOURCES, native, &http)?;
    let sources = replaced(&sources, "username: grafana", "username: default")?;
    // The ClickHouse of the local stack knows no passwords.
    let sources = replaced(&sources, "password: $CLICKHOUSE_GRAFANA_PASSWORD", "password: ''")?;
    let sources = replaced(&sources, "http://prometheus:9090", prometheus)?;
    let folders = replaced(FOLDERS, "/usr/share/sarafan/dashboards", &folder.display().to_string())?;
    Ok(vec![("datasources/sarafan.yml".to_owned(), sources), ("dashboards/sarafan.yml".to_owned(), folders)])
}

fn replaced(text: &str, there: &str, here: &str) -> anyhow::Result<String> {
    ensure!(text.contains(there), "grafana/provisioning does not say `{there}` any more");
    Ok(text.replace(there, here))
}

/// The value of a series; none while it is absent.
pub(crate) async fn recorded(prometheus: &Arc<Prometheus>, series: String) -> anyhow::Result<Option<f64>> {
    let prometheus = Arc::clone(prometheus);
    let found = spawn_blocking(move || prometheus.query(&series)).await?.context("cannot ask Prometheus")?;
    Ok(found.first().map(|series| series.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn names(folder: &str) -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn the_demo_has_every_rule_and_every_dashboard() {
        assert_eq!(names("deploy/prometheus/rules"), RULES.map(|(name, _)| name.to_owned()).into());
        assert_eq!(names("grafana/dashboards"), DASHBOARDS.map(|(name, _)| name.to_owned()).into());
        assert!(RULES.iter().any(|(_, text)| text.contains(INTERVAL[0])));
    }

    #[test]
    fn provisioning_names_the_addresses_of_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let files = provisioning(folder.path(), "http://127.0.0.1:8124", "http://127.0.0.1:9091").unwrap();
        let text: String = files.into_iter().map(|(_, text)| text).collect();
        assert!(text.contains("port: 8124") && text.contains("http://127.0.0.1:9091"), "{text}");
        assert!(text.contains(&folder.path().display().to_string()));
        assert!(!text.contains("host: clickhouse") && !text.contains("$CLICKHOUSE"), "{text}");
    }
}

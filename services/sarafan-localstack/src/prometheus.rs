//! One Prometheus.

mod program;
mod query;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use crate::data_folder::DataFolder;
use crate::process::{Launch, Process};
use crate::{Progress, http, ports};

pub use program::promtool;
pub(crate) use program::{PACKAGE, installed};
pub use query::Series;

const START_PATIENCE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(20);
const TARGETS: &str = "targets.json";

/// Choices for one Prometheus.
#[derive(Debug, Clone, Default)]
pub struct PrometheusOptions {
    /// Folder for data and logs; a temporary one, removed at the end, when `None`.
    pub data_dir: Option<PathBuf>,
    /// HTTP port; a free one when `None`.
    pub port: Option<u16>,
    /// Files with recording and alerting rules.
    pub rule_files: Vec<PathBuf>,
    /// `host:port` of each Alertmanager that is to hear of alerts.
    pub alertmanagers: Vec<String>,
    /// What to scrape at first; [`Prometheus::scrape`] changes it.
    pub targets: Vec<Target>,
}

/// One address to scrape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// Value of the label `job`.
    pub job: String,
    /// `host:port`; the path is `/metrics`.
    pub address: String,
    /// Value of the label `deployment`; none when empty, as Prometheus has it.
    pub deployment: String,
}

/// A running Prometheus on 127.0.0.1 that scrapes and evaluates every second. Dropping it kills the process.
#[derive(Debug)]
pub struct Prometheus {
    // Before `data`: the process ends first, then its folder goes.
    process: Process,
    port: u16,
    data: DataFolder,
}

impl Prometheus {
    /// Starts Prometheus and waits until it is ready. Fetches it first when the machine has none.
    ///
    /// # Errors
    ///
    /// When it cannot be fetched or started; the error quotes its log (a rule file that it refuses, for example).
    pub fn start(options: &PrometheusOptions, progress: Progress<'_>) -> Result<Self> {
        let program = program::locate(progress)?;
        let data = DataFolder::open(options.data_dir.as_deref())?;
        let [free] = ports::free()?;
        let port = options.port.unwrap_or(free);
        let config = data.path().join("prometheus.yml");
        fs::write(&config, config_text(data.path(), options)?)?;
        let launch = Launch {
            program,
            arguments: vec![
                format!("--config.file={}", config.display()),
                format!("--storage.tsdb.path={}", data.path().join("data").display()),
                format!("--web.listen-address=127.0.0.1:{port}"),
                "--log.level=warn".to_owned(),
            ],
            folder: data.path().to_owned(),
            ..Launch::default()
        };
        progress("starting Prometheus");
        let prometheus = Self { process: Process::new("prometheus", launch), port, data };
        prometheus.scrape(&options.targets)?;
        prometheus.start_again()?;
        Ok(prometheus)
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Replaces the list of what is scraped; Prometheus notices within a second or so.
    ///
    /// # Errors
    ///
    /// When the list cannot be written.
    pub fn scrape(&self, targets: &[Target]) -> Result<()> {
        let groups: Vec<TargetGroup<'_>> = targets.iter().map(TargetGroup::from).collect();
        // Written beside and renamed, because Prometheus may read at any time.
        let path = self.data.path().join(TARGETS);
        let new = self.data.path().join("targets.new");
        fs::write(&new, serde_json::to_vec(&groups)?)?;
        fs::rename(&new, &path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The process: to kill, freeze or watch it.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Stops in an orderly way; SIGKILL after 20 seconds.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn stop(&self) -> Result<()> {
        self.process.stop(STOP_PATIENCE)
    }

    /// Starts again on the same data and port; stops first when it runs.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        self.start_again()
    }

    fn start_again(&self) -> Result<()> {
        self.process.start(START_PATIENCE, || http::answers(self.port, "/-/ready"))
    }
}

#[derive(Debug, Serialize)]
struct TargetGroup<'a> {
    targets: [&'a str; 1],
    labels: Labels<'a>,
}

#[derive(Debug, Serialize)]
struct Labels<'a> {
    job: &'a str,
    deployment: &'a str,
}

impl<'a> From<&'a Target> for TargetGroup<'a> {
    fn from(target: &'a Target) -> Self {
        Self {
            targets: [&target.address],
            labels: Labels { job: &target.job, deployment: &target.deployment },
        }
    }
}

/// Written as JSON, which is YAML with the quoting done.
fn config_text(folder: &Path, options: &PrometheusOptions) -> Result<String> {
    let rule_files = options
        .rule_files
        .iter()
        .map(|path| path.canonicalize().with_context(|| format!("there is no rule file {}", path.display())))
        .collect::<Result<Vec<_>>>()?;
    let config = json!({
        "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
        "rule_files": rule_files,
        "alerting": { "alertmanagers": [{ "static_configs": [{ "targets": options.alertmanagers }] }] },
        "scrape_configs": [{
            "job_name": "sarafan",
            "file_sd_configs": [{ "files": [folder.join(TARGETS)], "refresh_interval": "1s" }],
        }],
    });
    Ok(serde_json::to_string_pretty(&config)?)
}

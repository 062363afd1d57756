//! One Alertmanager; and its tool, an installed one or that of Debian's package unpacked into the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::data_folder::DataFolder;
use crate::debian::Package;
use crate::process::{Launch, Process};
use crate::{Progress, http, ports, settings, tools};

const AMTOOL: &str = "amtool";
const START_PATIENCE: Duration = Duration::from_secs(60);
/// What is fetched on a machine that has none.
pub(crate) const PACKAGE: Package = Package {
    component: "alertmanager-debian",
    name: "prometheus-alertmanager",
    programs: &["prometheus-alertmanager", AMTOOL],
};

/// The `amtool` that the machine has.
pub(crate) fn installed() -> Option<PathBuf> {
    settings::path(settings::AMTOOL_BIN).or_else(|| tools::on_path(AMTOOL))
}

/// Path of `amtool`, which checks a routing configuration and says where an alert would go: the configured one, on the
/// `PATH`, or fetched.
///
/// # Errors
///
/// When it is not there and cannot be fetched.
pub fn amtool(progress: Progress<'_>) -> Result<PathBuf> {
    installed().map_or_else(|| PACKAGE.program(AMTOOL, progress), Ok)
}

/// A running Alertmanager on 127.0.0.1, alone and without a cluster. Dropping it kills the process.
#[derive(Debug)]
pub struct Alertmanager {
    // Before `data`: the process ends first, then its folder goes.
    _process: Process,
    port: u16,
    _data: DataFolder,
}

impl Alertmanager {
    /// Starts a program ([`alertmanager`](crate::alertmanager)) with the text of a configuration and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it cannot be started; the error quotes its log (a configuration that it refuses, for example).
    pub fn start(program: &Path, config: &str, progress: Progress<'_>) -> Result<Self> {
        let data = DataFolder::open(None)?;
        let [port] = ports::free()?;
        let file = data.path().join("alertmanager.yml");
        fs::write(&file, config)?;
        let launch = Launch {
            program: program.to_owned(),
            arguments: vec![
                format!("--config.file={}", file.display()),
                format!("--storage.path={}", data.path().join("data").display()),
                format!("--web.listen-address=127.0.0.1:{port}"),
                // No gossip: an open port less.
                "--cluster.listen-address=".to_owned(),
                "--log.level=warn".to_owned(),
            ],
            folder: data.path().to_owned(),
            ..Launch::default()
        };
        progress("starting Alertmanager");
        let process = Process::new("alertmanager", launch);
        process.start(START_PATIENCE, || http::answers(port, "/-/ready"))?;
        Ok(Self { _process: process, port, _data: data })
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

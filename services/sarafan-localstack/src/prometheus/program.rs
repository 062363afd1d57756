//! Prometheus and promtool: installed ones, or Debian's package unpacked into the cache.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::debian::Package;
use crate::{Progress, settings, tools};

const SERVER: &str = "prometheus";
const PROMTOOL: &str = "promtool";
/// What is fetched on a machine that has none.
pub(crate) const PACKAGE: Package =
    Package { component: "prometheus-debian", name: "prometheus", programs: &[SERVER, PROMTOOL] };

/// The Prometheus that the machine has.
pub(crate) fn installed() -> Option<PathBuf> {
    settings::path(settings::PROMETHEUS_BIN).or_else(|| tools::on_path(SERVER))
}

/// Path of the Prometheus program.
pub(super) fn locate(progress: Progress<'_>) -> Result<PathBuf> {
    let Some(program) = installed() else { return PACKAGE.program(SERVER, progress) };
    ensure!(program.is_file(), "{} is not a file: see {}", program.display(), settings::PROMETHEUS_BIN);
    Ok(program)
}

/// Path of `promtool`, which checks and tests rules: beside the configured Prometheus, on the `PATH`, or fetched.
///
/// # Errors
///
/// When it is not there and cannot be fetched.
pub fn promtool(progress: Progress<'_>) -> Result<PathBuf> {
    let beside = installed().map(|server| server.with_file_name(PROMTOOL)).filter(|path| path.is_file());
    beside.or_else(|| tools::on_path(PROMTOOL)).map_or_else(|| PACKAGE.program(PROMTOOL, progress), Ok)
}

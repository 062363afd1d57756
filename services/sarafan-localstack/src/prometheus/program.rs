//! Prometheus and promtool: installed ones, or Debian's package unpacked into the cache.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{Progress, cache, settings, tools};

/// Name in the cache folder. The version is that of the Debian release.
pub(crate) const COMPONENT: &str = "prometheus-debian";
const PACKAGE: &str = "prometheus";
const SERVER: &str = "prometheus";
const PROMTOOL: &str = "promtool";

/// The Prometheus that the machine has.
pub(crate) fn installed() -> Option<PathBuf> {
    settings::path(settings::PROMETHEUS_BIN).or_else(|| tools::on_path(SERVER))
}

/// Path of the Prometheus program.
pub(super) fn locate(progress: Progress<'_>) -> Result<PathBuf> {
    let Some(program) = installed() else { return fetched(SERVER, progress) };
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
    beside.or_else(|| tools::on_path(PROMTOOL)).map_or_else(|| fetched(PROMTOOL, progress), Ok)
}

fn fetched(program: &str, progress: Progress<'_>) -> Result<PathBuf> {
    Ok(cache::component(COMPONENT, progress, fetch)?.join(program))
}

/// Nothing is installed and no right is needed: the package is only unpacked.
fn fetch(folder: &Path) -> Result<()> {
    tools::APT
        .run(folder, &["-q", "download", PACKAGE])
        .context("if it finds no such package: `apt-get update`")?;
    let mut packages = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path());
    let package = packages
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get said that it succeeded, but there is no package")?;
    let unpacked = folder.join("package");
    tools::DPKG.run(folder, &["-x", &package.display().to_string(), &unpacked.display().to_string()])?;
    for program in [SERVER, PROMTOOL] {
        fs::rename(unpacked.join("usr/bin").join(program), folder.join(program))
            .with_context(|| format!("the package {PACKAGE} holds no {program}"))?;
    }
    fs::remove_dir_all(unpacked)?;
    Ok(fs::remove_file(package)?)
}

//! Alertmanager's programs: installed ones, or Debian's package unpacked into the cache.

use std::path::PathBuf;

use anyhow::Result;

use crate::debian::Package;
use crate::{Progress, settings, tools};

const AMTOOL: &str = "amtool";
const SERVER: &str = "prometheus-alertmanager";
/// What is fetched on a machine that has none. Debian gives the server the name of its package.
pub(crate) const PACKAGE: Package = Package {
    component: "alertmanager-debian",
    name: "prometheus-alertmanager",
    programs: &[SERVER, AMTOOL],
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

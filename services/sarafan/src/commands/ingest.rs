//! `sarafan ingest`

use sarafan_ingest::Config;

use super::run_service;
use crate::cli::ConfigPath;

const EXAMPLES: &str = "\
Examples:
  sarafan ingest --config sarafan.toml
  SARAFAN__SERVICE__LISTEN=0.0.0.0:9464 sarafan ingest    /metrics, /livez and /readyz on that address

Run as many as the source topics have partitions at most; they share them. SIGTERM ends it within
service.drain_seconds.";

/// Arguments of `sarafan ingest`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {}

/// Runs the service until it is told to stop.
pub(crate) fn run(place: &ConfigPath, _: &Arguments) -> anyhow::Result<()> {
    run_service(place, Config::read, |config| &config.service, sarafan_ingest::run)
}

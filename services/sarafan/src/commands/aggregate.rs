//! `sarafan aggregate`

use sarafan_aggregator::Config;

use super::run_service;
use crate::cli::ConfigPath;

const EXAMPLES: &str = "\
Examples:
  sarafan aggregate --config sarafan.toml
  SARAFAN__AGGREGATOR__INSTANCE_ID=aggregator-0 sarafan aggregate    static membership

Run as many as there are partitions of the canonical topic at most; they share them. SIGTERM ends it within
service.drain_seconds.";

/// Arguments of `sarafan aggregate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {}

/// Runs the service until it is told to stop.
pub(crate) fn run(place: &ConfigPath, _: &Arguments) -> anyhow::Result<()> {
    run_service(place, Config::read, |config| &config.service, sarafan_aggregator::run)
}

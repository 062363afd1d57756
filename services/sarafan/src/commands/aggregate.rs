//! `sarafan aggregate`

use sarafan_aggregator::Config;
use sarafan_runtime::config::{ConfigErrors, Document};

use super::run_service;
use crate::cli::ConfigPath;
use crate::deployment::{ENV_PREFIX, SECTIONS};

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
    let document = Document::load(&place.path, ENV_PREFIX)?;
    let mut errors = ConfigErrors::default();
    let config = Config::read(&document, &mut errors);
    document.finish(errors.clone(), &SECTIONS)?;
    // Whatever is not there was reported by `finish`.
    let Some(config) = config else { return Err(errors.into()) };
    sarafan_runtime::tracing::init(&config.service.log)?;
    tracing::info!(configuration = document.redacted(), "starting");
    run_service(|shutdown| sarafan_aggregator::run(config, shutdown))
}

//! One file per command.

pub(crate) mod adopt;
pub(crate) mod aggregate;
pub(crate) mod audit;
#[cfg(feature = "localstack")]
pub(crate) mod chaos;
pub(crate) mod check_config;
#[cfg(feature = "localstack")]
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod gc;
pub(crate) mod health;
pub(crate) mod ingest;
pub(crate) mod migrate;
mod new_generation;
pub(crate) mod rebuild;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod simulate;
#[cfg(feature = "localstack")]
pub(crate) mod stack;

use std::future::Future;

use anyhow::Context as _;
use sarafan_runtime::config::{ConfigErrors, Document};
use sarafan_runtime::service::ServiceConfig;
use sarafan_runtime::shutdown::Shutdown;
use tokio::runtime::Builder;

use crate::cli::ConfigPath;
use crate::deployment::{ENV_PREFIX, SECTIONS};

/// Runs a command's work on a small runtime: commands wait, they do not compute.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?.block_on(work)
}

/// Reads what a service is told, all errors at once, and runs it on as many threads as there are cores, until it ends or
/// is told to.
fn run_service<C, F>(
    place: &ConfigPath,
    read: fn(&Document, &mut ConfigErrors) -> Option<C>,
    plumbing: fn(&C) -> &ServiceConfig,
    service: fn(C, Shutdown) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let document = Document::load(&place.path, ENV_PREFIX)?;
    let mut errors = ConfigErrors::default();
    let config = read(&document, &mut errors);
    document.finish(errors.clone(), &SECTIONS)?;
    // Whatever is not there was reported by `finish`.
    let Some(config) = config else { return Err(errors.into()) };
    sarafan_runtime::tracing::init(&plumbing(&config).log)?;
    tracing::info!(configuration = document.redacted(), "starting");
    let runtime = Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async { service(config, Shutdown::on_signals()?).await })
}

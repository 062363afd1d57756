//! One file per command.

pub(crate) mod aggregate;
pub(crate) mod check_config;
#[cfg(feature = "localstack")]
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod ingest;
pub(crate) mod migrate;
pub(crate) mod replay;
pub(crate) mod report;
#[cfg(feature = "localstack")]
pub(crate) mod stack;

use std::future::Future;

use anyhow::Context as _;
use tokio::runtime::Builder;

/// Runs a command's work on a small runtime: commands wait, they do not compute.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?.block_on(work)
}

/// Runs a service, on as many threads as there are cores, until it ends or is told to.
fn run_service<F>(service: impl FnOnce(sarafan_runtime::shutdown::Shutdown) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let runtime = Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        let shutdown = sarafan_runtime::shutdown::Shutdown::on_signals()?;
        service(shutdown).await
    })
}

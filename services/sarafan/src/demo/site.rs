//! Where the demo takes place: the local stack, the configuration and the two services.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use sarafan_localstack::{Launch, Process, Stack, StackOptions};
use sarafan_runtime::config::Document;
use sarafan_store::Store;
use sarafan_stream::Admin;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use crate::commands::migrate::{SourceTopics, migrate};
use crate::deployment::{Deployment, ENV_PREFIX};
use crate::{scrape, terminal};

const CONFIGURATION: &str = include_str!("../../../../deploy/demo/sarafan.toml");
const START_PATIENCE: Duration = Duration::from_secs(60);

/// Everything that runs. Dropping it ends all of it.
pub(crate) struct Site {
    pub(crate) deployment: Deployment,
    pub(crate) store: Store,
    pub(crate) admin: Admin,
    pub(crate) ingest: Service,
    pub(crate) aggregator: Service,
    // The services go before the servers, and all of them before their folder.
    stack: Arc<Stack>,
    folder: Folder,
}

/// A service in a process of its own, which dies with this one.
pub(crate) struct Service {
    process: Arc<Process>,
    pub(crate) address: SocketAddr,
}

/// The folder of logs and of the recount's files, and with `--keep` of all data.
enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}

/// What becomes of the data in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    /// It goes.
    Remove,
    /// It stays in a folder that is named.
    Keep,
}

impl Site {
    /// Starts the servers, makes topics, tables and views, and starts the services.
    pub(crate) async fn start(shifts: &[i32], data: Data) -> anyhow::Result<Self> {
        let temporary = tempfile::Builder::new().prefix("sarafan-demo-").tempdir()?;
        let folder = match data {
            Data::Remove => Folder::Temporary(temporary),
            Data::Keep => Folder::Kept(temporary.keep()),
        };
        let data_dir = matches!(folder, Folder::Kept(_)).then(|| folder.path().join("stack"));
        let options = StackOptions { data_dir, ..StackOptions::default() };
        let start =
            spawn_blocking(move || Stack::start(options, &|step| terminal::note(format!("  {step}"))));
        let stack = Arc::new(start.await??);
        let environment = environment(&stack, shifts)?;
        let deployment = deployment(&environment)?;
        migrate(&deployment, SourceTopics::Create).await?;
        let configuration = folder.path().join("sarafan.toml");
        std::fs::write(&configuration, CONFIGURATION)?;
        let ingest = Service::start("ingest", &environment, folder.path()).await?;
        let aggregator = Service::start("aggregate", &environment, folder.path()).await?;
        let store = Store::new(&deployment.clickhouse)?;
        let admin = Admin::open(&deployment.kafka)?;
        Ok(Self { deployment, store, admin, ingest, aggregator, stack, folder })
    }

    /// Fails when a service has ended, with the end of its log.
    pub(crate) fn check_services(&self) -> anyhow::Result<()> {
        self.ingest.check().and_then(|()| self.aggregator.check())
    }

    /// The folder of logs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder, if it is to stay.
    pub(crate) fn kept(&self) -> Option<&Path> {
        match &self.folder {
            Folder::Kept(path) => Some(path),
            Folder::Temporary(_) => None,
        }
    }

    /// Ends the services and the servers in an orderly way, so that kept data can be used again.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let Self { ingest, aggregator, stack, .. } = self;
        spawn_blocking(move || {
            ingest.process.stop(START_PATIENCE)?;
            aggregator.process.stop(START_PATIENCE)?;
            Arc::into_inner(stack).map_or(Ok(()), Stack::stop)
        })
        .await?
    }
}

impl Service {
    async fn start(command: &str, environment: &[(String, String)], folder: &Path) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut environment = environment.to_vec();
        environment.push(variable("SERVICE__LISTEN", address));
        let launch = Launch {
            program: std::env::current_exe()?,
            arguments: vec![command.to_owned(), "--config".to_owned(), "sarafan.toml".to_owned()],
            environment,
            folder: folder.to_owned(),
        };
        let process = Arc::new(Process::new(command, launch));
        let starting = Arc::clone(&process);
        let started = spawn_blocking(move || starting.start(START_PATIENCE, || scrape::is_ready(address)));
        started.await?.with_context(|| format!("`sarafan {command}`"))?;
        Ok(Self { process, address })
    }

    fn check(&self) -> anyhow::Result<()> {
        match self.process.exited()? {
            Some(status) => bail!("a service has ended ({status}); {}", self.process.log_tail()),
            None => Ok(()),
        }
    }

    /// The end of its log.
    pub(crate) fn log_tail(&self) -> String {
        self.process.log_tail()
    }
}

/// What differs from the demo's file, for this process and for the services.
fn environment(stack: &Stack, shifts: &[i32]) -> anyhow::Result<Vec<(String, String)>> {
    let mut variables = vec![
        variable("KAFKA__BROKERS", stack.kafka()?.brokers()),
        variable("CLICKHOUSE__URL", stack.clickhouse()?.http_url()),
    ];
    let shift = |(index, days)| variable(&format!("SOURCE__{index}__SHIFT_DAYS"), days);
    variables.extend(shifts.iter().enumerate().map(shift));
    Ok(variables)
}

fn variable(path: &str, value: impl ToString) -> (String, String) {
    (format!("{ENV_PREFIX}__{path}"), value.to_string())
}

fn deployment(environment: &[(String, String)]) -> anyhow::Result<Deployment> {
    let own = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let all = std::env::vars_os().chain(own);
    let document = Document::from_text_and_environment("demo/sarafan.toml", CONFIGURATION, ENV_PREFIX, all)?;
    Ok(Deployment::of(document)?)
}

/// An address that nothing listens on at this moment.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

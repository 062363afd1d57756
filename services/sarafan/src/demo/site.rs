//! A deployment on the stage: its configuration and its two services.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use sarafan_localstack::{Launch, Process, Stack};
use sarafan_runtime::config::Document;
use sarafan_store::Store;
use sarafan_stream::Admin;
use tokio::task::spawn_blocking;

use super::stage::Stage;
use crate::commands::migrate::{SourceTopics, migrate};
use crate::deployment::{Deployment, ENV_PREFIX};
use crate::scrape;

const START_PATIENCE: Duration = Duration::from_secs(60);

/// A configuration of the demo, and what differs from it on this machine.
pub(crate) struct Plan {
    /// Its folder of logs, within that of the stage.
    pub(crate) name: &'static str,
    /// The configuration.
    pub(crate) configuration: &'static str,
    /// Keys and values that differ: `SOURCE__0__SHIFT_DAYS`.
    pub(crate) overrides: Vec<(String, String)>,
}

impl Plan {
    /// The real data sets, each moved by so many days.
    pub(crate) fn of_real_data(shifts: &[i32]) -> Self {
        let shift = |(index, days): (usize, &i32)| (format!("SOURCE__{index}__SHIFT_DAYS"), days.to_string());
        Self {
            name: "sarafan",
            configuration: include_str!("../../../../deploy/demo/sarafan.toml"),
            overrides: shifts.iter().enumerate().map(shift).collect(),
        }
    }

    /// The simulated shop.
    pub(crate) fn of_the_shop() -> Self {
        let configuration = include_str!("../../../../deploy/demo/shop.toml");
        Self { name: "shop", configuration, overrides: Vec::new() }
    }
}

/// One deployment on the stage: its configuration and its two services. Dropping it ends the services.
pub(crate) struct Site {
    pub(crate) deployment: Deployment,
    pub(crate) store: Store,
    pub(crate) admin: Admin,
    pub(crate) ingest: Service,
    pub(crate) aggregator: Service,
    folder: PathBuf,
}

/// A service in a process of its own, which dies with this one.
pub(crate) struct Service {
    process: Arc<Process>,
    pub(crate) address: SocketAddr,
}

impl Site {
    /// Makes topics, tables and views, and starts the services.
    pub(crate) async fn start(stage: &Stage, plan: Plan) -> anyhow::Result<Self> {
        let folder = stage.folder().join(plan.name);
        std::fs::create_dir_all(&folder)?;
        let environment = environment(&stage.stack, &plan)?;
        let deployment = deployment(&plan, &environment)?;
        migrate(&deployment, SourceTopics::Create).await?;
        std::fs::write(folder.join("sarafan.toml"), plan.configuration)?;
        let (ingest, aggregator) = tokio::try_join!(
            Service::start("ingest", &environment, &folder),
            Service::start("aggregate", &environment, &folder)
        )?;
        let store = Store::new(&deployment.clickhouse)?;
        let admin = Admin::open(&deployment.kafka)?;
        Ok(Self { deployment, store, admin, ingest, aggregator, folder })
    }

    /// Fails when a service has ended, with the end of its log.
    pub(crate) fn check_services(&self) -> anyhow::Result<()> {
        self.ingest.check().and_then(|()| self.aggregator.check())
    }

    /// The folder of its logs.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends its services in an orderly way.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let Self { ingest, aggregator, .. } = self;
        spawn_blocking(move || {
            ingest.process.stop(START_PATIENCE)?;
            aggregator.process.stop(START_PATIENCE)
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

/// What differs from the file, for this process and for the services.
fn environment(stack: &Stack, plan: &Plan) -> anyhow::Result<Vec<(String, String)>> {
    let mut variables = vec![
        variable("KAFKA__BROKERS", stack.kafka()?.brokers()),
        variable("CLICKHOUSE__URL", stack.clickhouse()?.http_url()),
    ];
    variables.extend(plan.overrides.iter().map(|(path, value)| variable(path, value)));
    Ok(variables)
}

fn variable(path: &str, value: impl ToString) -> (String, String) {
    (format!("{ENV_PREFIX}__{path}"), value.to_string())
}

fn deployment(plan: &Plan, environment: &[(String, String)]) -> anyhow::Result<Deployment> {
    let own = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let all = std::env::vars_os().chain(own);
    let file = format!("demo/{}.toml", plan.name);
    let document = Document::from_text_and_environment(&file, plan.configuration, ENV_PREFIX, all)?;
    Ok(Deployment::of(document)?)
}

/// An address that nothing listens on at this moment.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

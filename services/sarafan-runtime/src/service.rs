//! `[service]`: what every service has, whatever it does.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use prometheus::Registry;
use serde::Deserialize;

use crate::health::Health;
use crate::http::Server;
use crate::shutdown::{DRAIN_DEADLINE, Shutdown};
use crate::tracing::LogConfig;
use crate::{RuntimeError, metrics};

/// How long a main loop may be silent unless told otherwise: generous, for restarting loses what was loaded.
const HUNG: Duration = Duration::from_secs(600);

/// The section `[service]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ServiceConfig {
    /// Address for `/metrics`, `/livez` and `/readyz`. Port 0 takes a free one, which is logged.
    pub listen: SocketAddr,
    /// Seconds that draining may take after SIGTERM.
    pub drain_seconds: u64,
    /// After so many seconds in which a main loop got nothing done, not even an attempt, the process counts as hung and
    /// `/livez` says so. A sink that is away is no standstill, for every attempt counts: this has to be above the time
    /// limits of single requests.
    pub hung_seconds: u64,
    /// `[service.log]`.
    pub log: LogConfig,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            drain_seconds: DRAIN_DEADLINE.as_secs(),
            hung_seconds: HUNG.as_secs(),
            log: LogConfig::default(),
        }
    }
}

impl ServiceConfig {
    /// How long a main loop may be silent.
    pub fn hung(&self) -> Duration {
        Duration::from_secs(self.hung_seconds)
    }

    /// How long draining may take after SIGTERM.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

/// Who this process is.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// Its part in the deployment, such as `ingest`.
    pub role: &'a str,
    /// Version of the program.
    pub version: &'a str,
}

/// The plumbing of a running service: registry, health, shutdown, and the server that shows them.
#[derive(Debug)]
pub struct Service {
    registry: Registry,
    health: Health,
    shutdown: Shutdown,
    address: SocketAddr,
    /// Ends the server; separate from `shutdown`, so that metrics and readiness are served while draining.
    end: Shutdown,
}

impl Service {
    /// Binds the address, starts to answer, and listens for signals.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound or the signal handlers cannot be installed.
    pub async fn start(config: &ServiceConfig, identity: &Identity<'_>) -> Result<Self, RuntimeError> {
        Self::start_with(config, identity, Shutdown::on_signals()?).await
    }

    /// As [`start`](Self::start), with a token of the caller's instead of signals: for several services in one process.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub async fn start_with(
        config: &ServiceConfig,
        identity: &Identity<'_>,
        shutdown: Shutdown,
    ) -> Result<Self, RuntimeError> {
        let registry = metrics::registry(identity.role, identity.version)?;
        let health = Health::new(&registry)?;
        let draining = metrics::draining_gauge(&registry)?;
        let server = Server::bind(config.listen, registry.clone(), health.clone()).await?;
        let (address, end) = (server.address(), Shutdown::new());
        tracing::info!(role = identity.role, version = identity.version, %address, "serving /metrics, /livez, /readyz");
        tokio::spawn(serve(server, end.clone(), shutdown.clone()));
        let (token, condition) = (shutdown.clone(), health.condition("running"));
        condition.ready();
        tokio::spawn(async move {
            token.requested().await;
            draining.set(1);
            condition.not_ready("draining");
        });
        Ok(Self { registry, health, shutdown, address, end })
    }

    /// Where the service registers its metrics.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Where the service adds its conditions and heartbeats.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// The token to stop at.
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Address of the endpoints.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.end.request("the service has ended");
    }
}

/// A service that nobody can watch must not go on.
async fn serve(server: Server, end: Shutdown, shutdown: Shutdown) {
    if let Err(error) = server.serve(end).await {
        shutdown.request(error.to_string());
    }
}

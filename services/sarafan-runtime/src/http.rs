//! `/metrics`, `/livez` and `/readyz`.

use std::net::SocketAddr;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::Registry;
use tokio::net::TcpListener;

use crate::health::Health;
use crate::shutdown::Shutdown;
use crate::{RuntimeError, metrics};

/// Content type of Prometheus' text format.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A bound server that does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    routes: Router,
}

#[derive(Debug, Clone)]
struct Endpoints {
    registry: Registry,
    health: Health,
}

impl Server {
    /// Binds `address`; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub async fn bind(address: SocketAddr, registry: Registry, health: Health) -> Result<Self, RuntimeError> {
        let refused = |source| RuntimeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let routes = Router::new()
            .route("/metrics", get(serve_metrics))
            .route("/livez", get(serve_liveness))
            .route("/readyz", get(serve_readiness))
            .with_state(Endpoints { registry, health });
        Ok(Self { listener, address, routes })
    }

    /// The address in use.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `end` is requested. Give it a token that outlives the draining, so that metrics can be scraped
    /// until the very end.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn serve(self, end: Shutdown) -> Result<(), RuntimeError> {
        let ended = async move { end.requested().await };
        axum::serve(self.listener, self.routes)
            .with_graceful_shutdown(ended)
            .await
            .map_err(RuntimeError::Serve)
    }
}

async fn serve_metrics(State(endpoints): State<Endpoints>) -> Response {
    match metrics::render(&endpoints.registry) {
        Ok(text) => ([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn serve_liveness(State(endpoints): State<Endpoints>) -> Response {
    verdict("alive", &endpoints.health.silent(Instant::now()))
}

async fn serve_readiness(State(endpoints): State<Endpoints>) -> Response {
    verdict("ready", &endpoints.health.not_ready())
}

/// 200 when there are no objections; 503 with one per line otherwise.
fn verdict(good: &str, objections: &[String]) -> Response {
    if objections.is_empty() {
        return (StatusCode::OK, format!("{good}\n")).into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", objections.join("\n"))).into_response()
}

use std::net::SocketAddr;
use std::time::Duration;

/// What can go wrong in the plumbing of a process.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The address for metrics and health cannot be bound.
    #[error("cannot listen on {address}: {source}; choose another `service.listen`")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server for metrics and health ended.
    #[error("the server for metrics and health ended: {0}")]
    Serve(std::io::Error),
    /// The handlers for SIGTERM and SIGINT cannot be installed.
    #[error("cannot listen for SIGTERM and SIGINT: {0}")]
    Signals(std::io::Error),
    /// Work was still going on when the time for draining was over.
    #[error("still busy {} s after the shutdown was requested; what was not acknowledged is done again at the next start", .0.as_secs())]
    DrainDeadline(Duration),
    /// `RUST_LOG` or `service.log.filter` is not a filter.
    #[error("`{filter}` is not a log filter (examples: `info`, `warn,rdkafka=debug`): {reason}")]
    LogFilter {
        /// The text as given.
        filter: String,
        /// Why it is refused.
        reason: String,
    },
    /// Tracing was set up already in this process.
    #[error("tracing is set up already")]
    TracingTwice,
    /// A metric is registered twice or has an impossible name.
    #[error("cannot register a metric: {0}")]
    Metric(#[from] prometheus::Error),
}

impl RuntimeError {
    /// Stable name of the error, fit for a metric label.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Listen { .. } => "listen",
            Self::Serve(_) => "serve",
            Self::Signals(_) => "signals",
            Self::DrainDeadline(_) => "drain_deadline",
            Self::LogFilter { .. } => "log_filter",
            Self::TracingTwice => "tracing_twice",
            Self::Metric(_) => "metric",
        }
    }
}

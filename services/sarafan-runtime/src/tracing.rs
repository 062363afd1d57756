//! Logs: for people on a terminal, JSON lines for machines.

use std::io::IsTerminal;

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::RuntimeError;

/// `[service.log]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LogConfig {
    /// Least severe level, or a filter per target such as `info,rdkafka=warn`. The variable `RUST_LOG` wins.
    pub filter: String,
    /// Form of the lines.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Auto }
    }
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// [`Human`](Self::Human) when standard error is a terminal, else [`Json`](Self::Json).
    #[default]
    Auto,
    /// Coloured text.
    Human,
    /// One JSON object per line.
    Json,
}

/// Sends what the process traces to standard error, from now on. To be called once, by `main`.
///
/// # Errors
///
/// When the filter is not one, or tracing is set up already.
pub fn init(config: &LogConfig) -> Result<(), RuntimeError> {
    let from_env = std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
    let filter = from_env.unwrap_or_else(|| config.filter.clone());
    let filter = EnvFilter::try_new(&filter)
        .map_err(|error| RuntimeError::LogFilter { filter, reason: error.to_string() })?;
    let human = match config.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if human {
        lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init()
    } else {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
    started.map_err(|_| RuntimeError::TracingTwice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_filter_is_refused_with_an_example() {
        let config = LogConfig { filter: "loud=noise".to_owned(), ..LogConfig::default() };
        let error = init(&config).unwrap_err();
        assert_eq!(error.kind(), "log_filter");
        assert!(
            error.to_string().starts_with("`loud=noise` is not a log filter (examples: `info`"),
            "{error}"
        );
    }
}

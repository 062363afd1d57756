//! Kafka, ClickHouse and Prometheus together.

use std::path::{Path, PathBuf};
use std::thread::{ScopedJoinHandle, scope};

use anyhow::{Context, Result, anyhow};

use crate::running::{self, Claim, Running};
use crate::{ClickHouse, ClickHouseOptions, Kafka, KafkaOptions, Progress, Prometheus, PrometheusOptions};

/// What to start, and where.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// Folder for all data and logs, and for the description that [`Running`] reads. Each server gets a folder of its
    /// own in it. Temporary ones, removed at the end, when `None`.
    pub data_dir: Option<PathBuf>,
    /// Kafka; `None` starts none.
    pub kafka: Option<KafkaOptions>,
    /// ClickHouse; `None` starts none.
    pub clickhouse: Option<ClickHouseOptions>,
    /// Prometheus; `None`, the default, starts none.
    pub prometheus: Option<PrometheusOptions>,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            data_dir: None,
            kafka: Some(KafkaOptions::default()),
            clickhouse: Some(ClickHouseOptions::default()),
            prometheus: None,
        }
    }
}

impl StackOptions {
    /// Gives each server its folder under `root`.
    fn place(&mut self, root: &Path) {
        if let Some(kafka) = &mut self.kafka {
            kafka.data_dir = Some(root.join("kafka"));
        }
        if let Some(clickhouse) = &mut self.clickhouse {
            clickhouse.data_dir = Some(root.join("clickhouse"));
        }
        if let Some(prometheus) = &mut self.prometheus {
            prometheus.data_dir = Some(root.join("prometheus"));
        }
    }
}

/// Running servers. Dropping it kills them.
#[derive(Debug)]
pub struct Stack {
    kafka: Option<Kafka>,
    clickhouse: Option<ClickHouse>,
    prometheus: Option<Prometheus>,
    /// After the servers: nobody takes the folder before they have gone.
    _claim: Option<Claim>,
}

impl Stack {
    /// Starts what the options ask for, side by side, and waits until all of it is ready. When one cannot start, the
    /// others are ended.
    ///
    /// # Errors
    ///
    /// When a component is missing and cannot be fetched, or a server does not start: the error names it, quotes its
    /// log and says what to do.
    pub fn start(mut options: StackOptions, progress: Progress<'_>) -> Result<Self> {
        let root = options.data_dir.clone();
        let claim = root.as_deref().map(running::claim).transpose()?;
        if let Some(root) = &root {
            options.place(root);
        }
        let StackOptions { kafka, clickhouse, prometheus, .. } = options;
        let (kafka, clickhouse, prometheus) = scope(|scope| {
            let kafka = scope.spawn(|| kafka.map(|options| Kafka::start(&options, progress)).transpose());
            let clickhouse =
                scope.spawn(|| clickhouse.map(|options| ClickHouse::start(&options, progress)).transpose());
            let prometheus =
                scope.spawn(|| prometheus.map(|options| Prometheus::start(&options, progress)).transpose());
            (joined(kafka), joined(clickhouse), joined(prometheus))
        });
        let stack = Self { kafka: kafka?, clickhouse: clickhouse?, prometheus: prometheus?, _claim: claim };
        if let Some(root) = root {
            stack.describe(root).publish()?;
        }
        Ok(stack)
    }

    /// The broker.
    ///
    /// # Errors
    ///
    /// When the options asked for none.
    pub fn kafka(&self) -> Result<&Kafka> {
        self.kafka.as_ref().context("this stack was started without Kafka")
    }

    /// The ClickHouse.
    ///
    /// # Errors
    ///
    /// When the options asked for none.
    pub fn clickhouse(&self) -> Result<&ClickHouse> {
        self.clickhouse.as_ref().context("this stack was started without ClickHouse")
    }

    /// The Prometheus.
    ///
    /// # Errors
    ///
    /// When the options asked for none.
    pub fn prometheus(&self) -> Result<&Prometheus> {
        self.prometheus.as_ref().context("this stack was started without Prometheus")
    }

    /// Stops everything in an orderly way, so that a kept data folder can be used again without recovery.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn stop(self) -> Result<()> {
        self.prometheus.as_ref().map_or(Ok(()), Prometheus::stop)?;
        self.kafka.as_ref().map_or(Ok(()), Kafka::stop)?;
        self.clickhouse.as_ref().map_or(Ok(()), ClickHouse::stop)
    }

    fn describe(&self, data_dir: PathBuf) -> Running {
        Running {
            pid: std::process::id(),
            kafka: self.kafka.as_ref().map(Kafka::brokers),
            clickhouse: self.clickhouse.as_ref().map(ClickHouse::http_url),
            prometheus: self.prometheus.as_ref().map(Prometheus::url),
            data_dir,
        }
    }
}

fn joined<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|_| Err(anyhow!("a thread that starts a server panicked")))
}

//! Kafka and ClickHouse together.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};

use crate::{ClickHouse, ClickHouseOptions, Kafka, KafkaOptions, Progress};

/// What to start, and where.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// Folder for all data and logs; temporary ones, removed at the end, when `None`.
    pub data_dir: Option<PathBuf>,
    /// Start a Kafka broker; `None` starts none. Its `data_dir` counts only when the stack's is `None`.
    pub kafka: Option<KafkaOptions>,
    /// Start a ClickHouse; `None` starts none. Its `data_dir` counts only when the stack's is `None`.
    pub clickhouse: Option<ClickHouseOptions>,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            data_dir: None,
            kafka: Some(KafkaOptions::default()),
            clickhouse: Some(ClickHouseOptions::default()),
        }
    }
}

/// Running servers. Dropping it kills them.
#[derive(Debug)]
pub struct Stack {
    kafka: Option<Kafka>,
    clickhouse: Option<ClickHouse>,
}

impl Stack {
    /// Starts what the options ask for, side by side, and waits until all of it is ready. When one cannot start, the
    /// others are ended.
    pub fn start(mut options: StackOptions, progress: Progress<'_>) -> Result<Self> {
        if let Some(root) = &options.data_dir {
            if let Some(kafka) = &mut options.kafka {
                kafka.data_dir = Some(root.join("kafka"));
            }
            if let Some(clickhouse) = &mut options.clickhouse {
                clickhouse.data_dir = Some(root.join("clickhouse"));
            }
        }
        let (kafka, clickhouse) = std::thread::scope(|scope| {
            let kafka = scope.spawn(|| options.kafka.as_ref().map(|o| Kafka::start(o, progress)).transpose());
            let clickhouse = options.clickhouse.as_ref().map(|o| ClickHouse::start(o, progress)).transpose();
            (
                kafka.join().unwrap_or_else(|_| Err(anyhow!("the thread that starts Kafka panicked"))),
                clickhouse,
            )
        });
        Ok(Self { kafka: kafka.context("Kafka")?, clickhouse: clickhouse.context("ClickHouse")? })
    }

    /// The broker; an error when the options asked for none.
    pub fn kafka(&self) -> Result<&Kafka> {
        self.kafka.as_ref().context("this stack was started without Kafka")
    }

    /// The ClickHouse; an error when the options asked for none.
    pub fn clickhouse(&self) -> Result<&ClickHouse> {
        self.clickhouse.as_ref().context("this stack was started without ClickHouse")
    }

    /// Stops everything in an orderly way, so that a kept data folder can be used again without recovery.
    pub fn stop(self) -> Result<()> {
        self.kafka.as_ref().map_or(Ok(()), Kafka::stop)?;
        self.clickhouse.as_ref().map_or(Ok(()), ClickHouse::stop)
    }
}

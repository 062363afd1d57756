//! Generations of the canonical topic: how many partitions each had, and which topic it was.

use clickhouse::Row;
use serde::Deserialize;

use crate::client::Store;
use crate::error::StoreError;
use crate::one_row::OneRow;

/// A registered generation of a canonical topic (DESIGN 2, topic generations).
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Generation {
    /// The topic's name.
    pub topic: String,
    /// Its number: the upper 16 bits of every version written from it.
    pub generation: u16,
    /// How many partitions it has.
    pub partitions: u32,
    /// Kafka's id of the topic; empty when the broker gives none.
    pub topic_id: String,
}

const COLUMNS: &str = "topic, generation, partitions, topic_id";

impl Store {
    /// The generations of a topic, the latest last.
    ///
    /// # Errors
    /// Why they could not be read.
    pub async fn generations(&self, topic: &str) -> Result<Vec<Generation>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {} FINAL WHERE topic = {{topic:String}} ORDER BY generation",
            self.table("generations")
        );
        self.rows("read the generations", &sql, &[("topic", topic)]).await
    }

    /// The generations of every topic that the store was ever filled from, the latest last.
    ///
    /// # Errors
    /// Why they could not be read.
    pub async fn every_generation(&self) -> Result<Vec<Generation>, StoreError> {
        let table = self.table("generations");
        let sql = format!("SELECT {COLUMNS} FROM {table} FINAL ORDER BY generation");
        self.rows("read the generations", &sql, &[]).await
    }

    /// Registers a generation. Whether it may follow the ones before is the caller's to decide.
    ///
    /// # Errors
    /// Why it was not acknowledged. It is safe to register the same again.
    pub async fn register_generation(&self, generation: &Generation) -> Result<(), StoreError> {
        let mut row = OneRow::default();
        row.set("topic", generation.topic.as_str())
            .set("generation", generation.generation)
            .set("partitions", generation.partitions)
            .set("topic_id", generation.topic_id.as_str());
        self.send_row("generations", COLUMNS, row).await
    }
}

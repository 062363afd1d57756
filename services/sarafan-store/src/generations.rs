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

    /// Counts what arrived before `generation` under a number that no partition has, and from nothing in those that there are:
    /// a partition of the same number holds other records now. The sums over all stay what they are, also when it is done
    /// again. Nobody may write arrivals of an earlier generation any more.
    ///
    /// # Errors
    /// Why it was not acknowledged. It is safe to ask again.
    pub async fn carry_arrivals(&self, generation: u16) -> Result<(), StoreError> {
        let table = self.table("arrivals");
        let (version, place) = (sarafan_core::version(generation, 0), u16::MAX - generation);
        // One block, and so one part: the sums are never seen between the two.
        let sql = format!(
            "INSERT INTO {table} (source, partition, last_event_at, last_received_at, records, version) \
             SELECT source, toUInt16({place}), max(last_event_at), max(last_received_at), sum(records), toUInt64({version}) \
             FROM {table} FINAL GROUP BY source \
             UNION ALL SELECT source, partition, NULL, NULL, toUInt64(0), toUInt64({version}) \
             FROM {table} FINAL WHERE partition != {place} \
             SETTINGS max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = 1000000, insert_deduplicate = 0"
        );
        self.execute("carry arrivals over", &sql).await
    }
}

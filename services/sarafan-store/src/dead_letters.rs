//! What is known of each dead letter, for the views of freshness; the bytes stay in the dead-letter topic.

use std::sync::{Arc, LazyLock};

use sarafan_core::table::{ColumnKind, ColumnSpec, Table, TableSpec, Value};
use sarafan_core::vocabulary::Instant;

use crate::client::Store;
use crate::error::StoreError;

/// A dead letter, by its place in the dead-letter topic: writing it again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Partition of the dead-letter topic.
    pub dlq_partition: i32,
    /// Offset in the dead-letter topic.
    pub dlq_offset: i64,
    /// Timestamp of the record, which its dead letter keeps.
    pub at: Instant,
    /// The configured source.
    pub source: String,
    /// Source topic.
    pub topic: String,
    /// Partition of the source topic.
    pub partition: i32,
    /// Offset in the source topic.
    pub offset: i64,
    /// Stable snake_case reason.
    pub reason: String,
    /// Where it was rejected.
    pub stage: String,
    /// What was wrong, for a person.
    pub message: String,
}

static DEAD_LETTERS: LazyLock<Arc<TableSpec>> = LazyLock::new(|| {
    Arc::new(TableSpec {
        name: "dead_letters",
        columns: vec![
            ColumnSpec::new("dlq_partition", ColumnKind::I32),
            ColumnSpec::new("dlq_offset", ColumnKind::I64),
            ColumnSpec::new("at", ColumnKind::Instant),
            ColumnSpec::new("source", ColumnKind::Category),
            ColumnSpec::new("topic", ColumnKind::Category),
            ColumnSpec::new("partition", ColumnKind::I32),
            ColumnSpec::new("offset", ColumnKind::I64),
            ColumnSpec::new("reason", ColumnKind::Category),
            ColumnSpec::new("stage", ColumnKind::Category),
            ColumnSpec::new("message", ColumnKind::Text),
        ],
    })
});

impl DeadLetter {
    /// Dead letters as rows, to be written like any other.
    pub fn table(letters: &[Self]) -> Table {
        let mut table = Table::new(&DEAD_LETTERS);
        for letter in letters {
            table.push([
                Value::Int(letter.dlq_partition.into()),
                Value::Int(letter.dlq_offset.into()),
                Value::Int(letter.at.micros().into()),
                Value::text(&letter.source),
                Value::text(&letter.topic),
                Value::Int(letter.partition.into()),
                Value::Int(letter.offset.into()),
                Value::text(&letter.reason),
                Value::text(&letter.stage),
                Value::text(&letter.message),
            ]);
        }
        table
    }
}

impl Store {
    /// Topic, partition and offset of every source record that has a dead letter in the index.
    ///
    /// # Errors
    /// Why they could not be read.
    pub async fn indexed_origins(&self) -> Result<Vec<(String, i32, i64)>, StoreError> {
        let sql =
            format!("SELECT DISTINCT toString(topic), partition, offset FROM {}", self.table("dead_letters"));
        self.rows("read the dead letters", &sql, &[]).await
    }

    /// Per partition of the dead-letter topic the offset after the last that is in the table: where to read on.
    ///
    /// # Errors
    /// Why it could not be read.
    pub async fn dead_letters_read(&self) -> Result<Vec<(i32, i64)>, StoreError> {
        let sql = format!(
            "SELECT dlq_partition, max(dlq_offset) + 1 FROM {} GROUP BY dlq_partition ORDER BY dlq_partition",
            self.table("dead_letters")
        );
        self.rows("read the dead letters", &sql, &[]).await
    }
}

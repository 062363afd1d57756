//! The ledger: who owned a partition under which term, and how far the tables are.
//!
//! Only read and written here; what follows from it is decided in the core.

use clickhouse::Row;
use clickhouse::native::Block;
use clickhouse::native::builder::BlockBuilder;
use clickhouse::native::encode::Encode;
use sarafan_core::definitions::Epoch;
use serde::Deserialize;

use crate::client::Store;
use crate::error::StoreError;

/// A row of the ledger: one term of one partition, at its latest sequence.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct LedgerRow {
    /// The epoch that the term writes.
    pub epoch: u64,
    /// Generation of the canonical topic.
    pub generation: u16,
    /// Partition of the canonical topic.
    pub partition: u16,
    /// Number of the term.
    pub term: u32,
    /// Random id of its owner.
    pub owner: u64,
    /// Version of this row within the term: 0 for the claim, then one more per batch.
    pub sequence: u64,
    /// Incarnation of the store under which it was written.
    pub incarnation: u64,
    /// Whether views show the term.
    pub live: bool,
    /// Next offset to read: how many offsets were applied.
    pub position: u64,
    /// How many entities the partition has.
    pub entities: u64,
    /// Tables that the next two lists speak of.
    pub tables: Vec<String>,
    /// Per table: complete up to this position.
    pub positions: Vec<u64>,
    /// Per table: highest version that was acknowledged.
    pub highest: Vec<u64>,
}

const COLUMNS: &str = "epoch, generation, partition, term, owner, sequence, incarnation, live, position, entities, \
                       tables, positions, highest";

impl Store {
    /// The ledger of an epoch: every term of every partition at its highest sequence, of all incarnations, ordered
    /// by partition, term and owner.
    ///
    /// # Errors
    /// Why it could not be read.
    pub async fn read_ledger(&self, epoch: Epoch) -> Result<Vec<LedgerRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {} FINAL WHERE epoch = {{epoch:UInt64}} ORDER BY partition, term, owner",
            self.table("ledger")
        );
        self.rows("read the ledger", &sql, &[("epoch", &epoch.0.to_string())]).await
    }

    /// Writes ledger rows as one block: all of a flush or none. No rows: nothing is sent.
    ///
    /// # Errors
    /// Why it was not acknowledged. It is safe to write the same rows again.
    pub async fn write_ledger(&self, rows: &[LedgerRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let block = encode(rows).map_err(|error| StoreError::Mismatch {
            doing: "encode rows of ledger".to_owned(),
            detail: error.to_string(),
        })?;
        self.send("ledger", &format!("{} ({COLUMNS})", self.table("ledger")), &block).await
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn encode(rows: &[LedgerRow]) -> Result<Block, Failure> {
    let mut block = BlockBuilder::new();
    add(&mut block, "epoch", rows, |row| row.epoch)?;
    add(&mut block, "generation", rows, |row| row.generation)?;
    add(&mut block, "partition", rows, |row| row.partition)?;
    add(&mut block, "term", rows, |row| row.term)?;
    add(&mut block, "owner", rows, |row| row.owner)?;
    add(&mut block, "sequence", rows, |row| row.sequence)?;
    add(&mut block, "incarnation", rows, |row| row.incarnation)?;
    add(&mut block, "live", rows, |row| row.live)?;
    add(&mut block, "position", rows, |row| row.position)?;
    add(&mut block, "entities", rows, |row| row.entities)?;
    add(&mut block, "tables", rows, |row| row.tables.as_slice())?;
    add(&mut block, "positions", rows, |row| row.positions.as_slice())?;
    add(&mut block, "highest", rows, |row| row.highest.as_slice())?;
    Ok(block.build()?)
}

fn add<'a, T: Encode>(
    block: &mut BlockBuilder,
    column: &str,
    rows: &'a [LedgerRow],
    value: impl Fn(&'a LedgerRow) -> T,
) -> Result<(), Failure> {
    block.upsert_column::<T>(column)?.add_all(rows.iter().map(value))?;
    Ok(())
}

//! The ledger: who owned a partition under which term, and how far the tables are.
//!
//! Only read and written here; what follows from it is decided in [`sarafan_core::tenure`].

use clickhouse::Row;
use clickhouse::native::Block;
use clickhouse::native::builder::BlockBuilder;
use clickhouse::native::encode::Encode;
use sarafan_core::definitions::Epoch;
use sarafan_core::tenure::{Entry, TableHeight};
use serde::Deserialize;

use crate::client::Store;
use crate::error::StoreError;

/// An [`Entry`] as the table holds it: what is known of each table in three lists of one length.
#[derive(Debug, Row, Deserialize)]
struct LedgerRow {
    generation: u16,
    partition: u16,
    term: u32,
    owner: u64,
    sequence: u64,
    incarnation: u64,
    live: bool,
    position: u64,
    last_record: u64,
    entities: u64,
    tables: Vec<String>,
    positions: Vec<u64>,
    highest: Vec<u64>,
}

const COLUMNS: &str = "generation, partition, term, owner, sequence, incarnation, live, position, \
                       last_record, entities, tables, positions, highest";

impl Store {
    /// The ledger of an epoch: every term of every partition at its highest sequence, of all incarnations, ordered
    /// by partition, term and owner.
    ///
    /// # Errors
    /// Why it could not be read.
    pub async fn read_ledger(&self, epoch: Epoch) -> Result<Vec<Entry>, StoreError> {
        let doing = "read the ledger";
        let sql = format!(
            "SELECT {COLUMNS} FROM {} FINAL WHERE epoch = {{epoch:UInt64}} ORDER BY partition, term, owner",
            self.table("ledger")
        );
        let rows: Vec<LedgerRow> = self.rows(doing, &sql, &[("epoch", &epoch.0.to_string())]).await?;
        let uneven = |row: &LedgerRow| {
            row.tables.len() != row.positions.len() || row.tables.len() != row.highest.len()
        };
        if let Some(row) = rows.iter().find(|row| uneven(row)) {
            let detail =
                format!("partition {}, term {}: lists of different lengths", row.partition, row.term);
            return Err(StoreError::Mismatch { doing: doing.to_owned(), detail });
        }
        Ok(rows.into_iter().map(entry).collect())
    }

    /// Writes ledger rows as one block: all of a flush or none. No rows: nothing is sent.
    ///
    /// # Errors
    /// Why it was not acknowledged. It is safe to write the same rows again.
    pub async fn write_ledger(&self, epoch: Epoch, entries: &[Entry]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let block = encode(epoch, entries).map_err(|error| StoreError::Mismatch {
            doing: "encode rows of ledger".to_owned(),
            detail: error.to_string(),
        })?;
        self.send("ledger", &format!("{} (epoch, {COLUMNS})", self.table("ledger")), &block).await
    }
}

fn entry(row: LedgerRow) -> Entry {
    let heights = row.tables.into_iter().zip(row.positions).zip(row.highest);
    Entry {
        generation: row.generation,
        partition: row.partition,
        term: row.term,
        owner: row.owner,
        sequence: row.sequence,
        incarnation: row.incarnation,
        live: row.live,
        position: row.position,
        last_record: row.last_record,
        entities: row.entities,
        tables: heights
            .map(|((table, position), highest)| TableHeight { table, position, highest })
            .collect(),
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn encode(epoch: Epoch, entries: &[Entry]) -> Result<Block, Failure> {
    let mut block = BlockBuilder::new();
    add(&mut block, "epoch", entries, |_| epoch.0)?;
    add(&mut block, "generation", entries, |e| e.generation)?;
    add(&mut block, "partition", entries, |e| e.partition)?;
    add(&mut block, "term", entries, |e| e.term)?;
    add(&mut block, "owner", entries, |e| e.owner)?;
    add(&mut block, "sequence", entries, |e| e.sequence)?;
    add(&mut block, "incarnation", entries, |e| e.incarnation)?;
    add(&mut block, "live", entries, |e| e.live)?;
    add(&mut block, "position", entries, |e| e.position)?;
    add(&mut block, "last_record", entries, |e| e.last_record)?;
    add(&mut block, "entities", entries, |e| e.entities)?;
    add(&mut block, "tables", entries, |e| e.tables.iter().map(|t| t.table.as_str()).collect::<Vec<_>>())?;
    add(&mut block, "positions", entries, |e| e.tables.iter().map(|t| t.position).collect::<Vec<_>>())?;
    add(&mut block, "highest", entries, |e| e.tables.iter().map(|t| t.highest).collect::<Vec<_>>())?;
    Ok(block.build()?)
}

fn add<'a, T: Encode>(
    block: &mut BlockBuilder,
    column: &str,
    entries: &'a [Entry],
    value: impl Fn(&'a Entry) -> T,
) -> Result<(), Failure> {
    block.upsert_column::<T>(column)?.add_all(entries.iter().map(value))?;
    Ok(())
}

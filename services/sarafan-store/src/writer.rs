//! One insert, one table, one block: sent until it is acknowledged.

use sarafan_core::table::Table;

use crate::backoff::Backoff;
use crate::block::PreparedBlock;
use crate::client::{Store, within};
use crate::error::StoreError;

/// How a write that was repeated until acknowledged ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Acknowledged, at this attempt (from 1).
    Acknowledged {
        /// Number of the attempt.
        attempts: u32,
    },
    /// The caller's stop came first. Rows may have been written: whoever stops ends the term.
    Stopped,
}

impl Store {
    /// Encodes and inserts rows, one attempt. No rows: nothing is sent.
    ///
    /// # Errors
    /// Why it was not acknowledged; after [`StoreError::Network`] and [`StoreError::Timeout`] the rows may be
    /// written all the same.
    pub async fn insert(&self, table: &Table) -> Result<(), StoreError> {
        match PreparedBlock::new(table)? {
            Some(block) => self.insert_block(&block).await,
            None => Ok(()),
        }
    }

    /// Inserts a block, one attempt. Dropping the future abandons it; the rows may be written all the same.
    ///
    /// # Errors
    /// As [`Store::insert`].
    pub async fn insert_block(&self, block: &PreparedBlock) -> Result<(), StoreError> {
        let target = format!("{} {}", self.table(block.table()), block.column_list());
        self.send(block.table(), &target, block.block()).await
    }

    /// Inserts a block, again and again while the error is transient. `stop` is the caller's reason to give up
    /// (a revoke that cannot wait, the end of the process): when it completes, an attempt under way is abandoned.
    /// `failed` is told of every failed attempt and the wait that follows, for metrics.
    ///
    /// # Errors
    /// The first error that is not transient.
    pub async fn write(
        &self,
        block: &PreparedBlock,
        backoff: &Backoff,
        stop: impl Future<Output = ()>,
        mut failed: impl FnMut(u32, &StoreError),
    ) -> Result<Written, StoreError> {
        let repeat = async {
            let mut attempts = 0_u32;
            loop {
                attempts = attempts.saturating_add(1);
                let Err(error) = self.insert_block(block).await else {
                    return Ok(Written::Acknowledged { attempts });
                };
                if !error.is_transient() {
                    return Err(error);
                }
                failed(attempts, &error);
                let wait = backoff.wait(attempts, spread(block, attempts));
                tracing::warn!(table = block.table(), rows = block.rows(), attempts, ?wait, %error, "insert failed");
                tokio::time::sleep(wait).await;
            }
        };
        tokio::select! {
            // A stop that has come wins over an attempt that would begin.
            biased;
            () = stop => Ok(Written::Stopped),
            outcome = repeat => outcome,
        }
    }

    /// Sends one block to `target`, a table with its columns.
    pub(crate) async fn send(
        &self,
        table: &str,
        target: &str,
        block: &clickhouse::native::Block,
    ) -> Result<(), StoreError> {
        let limit = self.timeouts().insert;
        let mut insert =
            self.inserter().insert_native_unescaped(target).with_timeouts(Some(limit), Some(limit));
        let sent = async {
            insert.write(block).await?;
            insert.end().await
        };
        within(&format!("insert into {table}"), limit, sent).await
    }
}

/// Differs between blocks of different owners at one moment: the address of the block in this process and its time
/// of birth are as good as a random number here.
fn spread(block: &PreparedBlock, attempts: u32) -> u64 {
    let nanos = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_nanos());
    let mix = [u64::from(nanos), u64::from(std::process::id()), u64::from(attempts), block.rows() as u64];
    let bytes: Vec<u8> = mix.iter().flat_map(|part| part.to_le_bytes()).collect();
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

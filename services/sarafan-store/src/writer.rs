//! One insert, one table, one block: sent until it is acknowledged (DESIGN 2.4).

use sarafan_core::table::Table;

use crate::backoff::Backoff;
use crate::block::PreparedBlock;
use crate::client::{Store, within};
use crate::error::StoreError;

/// How something that was repeated until ClickHouse acknowledged it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<T> {
    /// Acknowledged, with what it returned.
    Done(T),
    /// The caller's stop came first. A write may have happened all the same: whoever stops ends the term.
    Stopped,
}

/// Repeats an attempt while its error is transient. `spread` gives the numbers that spread the waits ([`spread`] but in
/// simulations). `stop` is the caller's reason to give up (a revoke that cannot
/// wait, the end of the process): when it completes, an attempt under way is abandoned. `failed` is told the number
/// (from 1) and the error of every failed attempt, for metrics.
///
/// # Errors
/// The first error that is not transient.
pub async fn repeat<T, A>(
    backoff: &Backoff,
    spread: impl Fn() -> u64,
    stop: impl Future<Output = ()>,
    mut failed: impl FnMut(u32, &StoreError),
    mut attempt: impl FnMut() -> A,
) -> Result<Outcome<T>, StoreError>
where
    A: Future<Output = Result<T, StoreError>>,
{
    let attempts = async {
        let mut number = 0_u32;
        loop {
            number = number.saturating_add(1);
            let error = match attempt().await {
                Ok(done) => return Ok(Outcome::Done(done)),
                Err(error) if error.is_transient() => error,
                Err(error) => return Err(error),
            };
            failed(number, &error);
            let wait = backoff.wait(number, spread());
            tracing::warn!(attempt = number, ?wait, kind = error.kind(), %error, "ClickHouse: trying again");
            tokio::time::sleep(wait).await;
        }
    };
    tokio::select! {
        // A stop that has come wins over an attempt that would begin.
        biased;
        () = stop => Ok(Outcome::Stopped),
        outcome = attempts => outcome,
    }
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

    /// Inserts a block, the same bytes again and again while the error is transient: see [`repeat`].
    ///
    /// # Errors
    /// The first error that is not transient.
    pub async fn write(
        &self,
        block: &PreparedBlock,
        backoff: &Backoff,
        stop: impl Future<Output = ()>,
        failed: impl FnMut(u32, &StoreError),
    ) -> Result<Outcome<()>, StoreError> {
        repeat(backoff, spread, stop, failed, || self.insert_block(block)).await
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

/// A number that spreads waits: it differs between processes and moments, which is all that is asked of it.
pub fn spread() -> u64 {
    let nanos = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_nanos());
    let mix = [nanos.to_le_bytes(), std::process::id().to_le_bytes()].concat();
    xxhash_rust::xxh3::xxh3_64(&mix)
}

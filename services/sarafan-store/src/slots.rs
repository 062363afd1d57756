//! Tables of one slot, whose latest row is in force: the live epoch, the incarnation of the store, what is shown beside
//! the figures.

use clickhouse::Row;
use sarafan_core::definitions::Epoch;
use sarafan_core::rows;
use serde::Deserialize;

use crate::client::Store;
use crate::error::StoreError;
use crate::one_row::OneRow;

#[derive(Row, Deserialize)]
struct Latest {
    sequence: u64,
    value: u64,
}

impl Store {
    /// The epoch that views show; `None` before the first.
    ///
    /// # Errors
    /// Why it could not be read.
    pub async fn live_epoch(&self) -> Result<Option<Epoch>, StoreError> {
        Ok(self.latest("live_epoch", "epoch").await?.map(|latest| Epoch(latest.value)))
    }

    /// Makes every view show `epoch` from now on.
    ///
    /// # Errors
    /// Why it was not acknowledged.
    pub async fn set_live_epoch(&self, epoch: Epoch) -> Result<(), StoreError> {
        self.advance("live_epoch", "epoch", epoch.0).await
    }

    /// The incarnation of the store: 0 until `sarafan adopt` gives it another.
    ///
    /// # Errors
    /// Why it could not be read.
    pub async fn incarnation(&self) -> Result<u64, StoreError> {
        Ok(self.latest("incarnations", "incarnation").await?.map_or(0, |latest| latest.value))
    }

    /// Gives the store a new incarnation: ledger rows of any other count for nobody.
    ///
    /// # Errors
    /// Why it was not acknowledged.
    pub async fn set_incarnation(&self, incarnation: u64) -> Result<(), StoreError> {
        self.advance("incarnations", "incarnation", incarnation).await
    }

    /// The state version of the rows; 0 in a store that has never been migrated to one.
    ///
    /// # Errors
    /// Why it could not be read.
    pub async fn state_version(&self) -> Result<u64, StoreError> {
        match self.latest("state_versions", "state_version").await {
            Err(error) if error.is_missing_table() => Ok(0),
            latest => Ok(latest?.map_or(0, |latest| latest.value)),
        }
    }

    /// Whether this version may read and write the rows.
    ///
    /// # Errors
    /// [`StoreError::OtherState`] when it may not; else why the state version could not be read.
    pub async fn check_state(&self) -> Result<(), StoreError> {
        match self.state_version().await? {
            rows::STATE_VERSION => Ok(()),
            found => Err(StoreError::OtherState { found, known: rows::STATE_VERSION }),
        }
    }

    /// Says of which state version the rows are from now on.
    ///
    /// # Errors
    /// Why it was not acknowledged.
    pub(crate) async fn set_state_version(&self, version: u64) -> Result<(), StoreError> {
        self.advance("state_versions", "state_version", version).await
    }

    /// The row in force of a table of one slot.
    async fn latest(&self, table: &str, column: &str) -> Result<Option<Latest>, StoreError> {
        let sql = format!(
            "SELECT sequence, {column} AS value FROM {} ORDER BY sequence DESC LIMIT 1",
            self.table(table)
        );
        Ok(self.rows(&format!("read {table}"), &sql, &[]).await?.pop())
    }

    /// The sequence of the next row of a table of one slot.
    pub(crate) async fn following(&self, table: &str) -> Result<u64, StoreError> {
        Ok(sequence_after(self.latest(table, "sequence").await?.map(|latest| latest.sequence)))
    }

    /// Writes the next row of a table of one slot, unless the one in force says the same.
    async fn advance(&self, table: &str, column: &str, value: u64) -> Result<(), StoreError> {
        let latest = self.latest(table, column).await?;
        if latest.as_ref().is_some_and(|latest| latest.value == value) {
            return Ok(());
        }
        let sequence = sequence_after(latest.map(|latest| latest.sequence));
        let mut block = OneRow::default();
        block.set("slot", 0_u8).set("sequence", sequence).set(column, value);
        self.send_row(table, &format!("slot, sequence, {column}"), block).await
    }
}

/// The moment, in microseconds, so that two writers at once do not write the same; above the one in force whatever the
/// clock says.
fn sequence_after(in_force: Option<u64>) -> u64 {
    let now = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros());
    next_sequence(in_force, now)
}

fn next_sequence(in_force: Option<u64>, now_micros: u128) -> u64 {
    let above = in_force.map_or(1, |sequence| sequence.saturating_add(1));
    u64::try_from(now_micros).unwrap_or(0).max(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_row_is_above_the_one_in_force_whatever_the_clock_says() {
        assert_eq!(next_sequence(None, 0), 1);
        assert_eq!(next_sequence(Some(4), 1_700), 1_700);
        assert_eq!(next_sequence(Some(2_000), 1_700), 2_001);
    }
}

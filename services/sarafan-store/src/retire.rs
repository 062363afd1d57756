//! What epochs there are beside the live one, and dropping them: a complete copy goes in one step per table (DESIGN 2, Epochs).

use clickhouse::Row;
use sarafan_core::definitions::Epoch;
use serde::Deserialize;

use crate::client::Store;
use crate::error::StoreError;
use crate::sql::quoted;

/// A registered epoch and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct HeldEpoch {
    /// The hash of the definitions.
    pub epoch: u64,
    /// Whether views show it.
    pub live: bool,
    /// Rows of its entities, customers and rollups, older versions included.
    pub rows: u64,
    /// Bytes that they take.
    pub bytes: u64,
    /// Seconds since anything of it was registered or written to the ledger.
    pub quiet_seconds: u64,
    /// Seconds since views were switched the last time; since ever where they never were.
    pub switched_seconds: u64,
}

#[derive(Row, Deserialize)]
struct Name {
    name: String,
}

impl Store {
    /// All epochs that are registered, the live one first, then those that were written to last.
    ///
    /// # Errors
    /// Why they could not be read.
    pub async fn held_epochs(&self) -> Result<Vec<HeldEpoch>, StoreError> {
        let sql = format!(
            "WITH assumeNotNull((SELECT tuple(argMax(epoch, sequence), max(sequence)) FROM {live})) AS live_row \
             SELECT epoch, toBool(epoch = live_row.1) AS live, parts.rows AS rows, parts.bytes AS bytes, \
                    toUInt64(greatest(0, dateDiff('second', greatest(registered_at, ledger.written_at), now64(6)))) AS quiet_seconds, \
                    toUInt64(greatest(0, toUnixTimestamp(now()) - intDiv(live_row.2, 1000000))) AS switched_seconds \
             FROM (SELECT epoch, max(registered_at) AS registered_at FROM {epochs} GROUP BY epoch) AS registered \
             LEFT JOIN (SELECT epoch, max(written_at) AS written_at FROM {ledger} GROUP BY epoch) AS ledger USING epoch \
             LEFT JOIN (SELECT toUInt64OrZero(partition) AS epoch, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts \
                        WHERE database = {{database:String}} AND active GROUP BY epoch) AS parts USING epoch \
             ORDER BY live DESC, quiet_seconds, epoch",
            live = self.table("live_epoch"),
            epochs = self.table("epochs"),
            ledger = self.table("ledger"),
        );
        self.rows("read what epochs hold", &sql, &[("database", self.store_database())]).await
    }

    /// Drops all that is kept for an epoch: its rows, its ledger, its registration. Whether nobody shows or writes it is
    /// the caller's to know. Safe to ask again.
    ///
    /// # Errors
    /// Why a statement failed; what was dropped before stays dropped.
    pub async fn drop_epoch(&self, epoch: Epoch) -> Result<(), StoreError> {
        let sql = "SELECT name FROM system.tables WHERE database = {database:String} AND partition_key = 'epoch' ORDER BY name";
        let tables: Vec<Name> =
            self.rows("list tables by epoch", sql, &[("database", self.store_database())]).await?;
        for Name { name } in tables {
            let statement = format!("ALTER TABLE {} DROP PARTITION {}", self.table(&quoted(&name)), epoch.0);
            self.execute(&format!("drop epoch {epoch} of {name}"), &statement).await?;
        }
        // The registration last: as long as it is there, what is left can be found.
        for table in ["ledger", "epochs"] {
            let statement = format!(
                "ALTER TABLE {} DELETE WHERE epoch = {} SETTINGS mutations_sync = 1",
                self.table(table),
                epoch.0
            );
            self.execute(&format!("drop epoch {epoch} of {table}"), &statement).await?;
        }
        Ok(())
    }
}

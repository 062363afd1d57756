//! Waiting for a replica to have what the others acknowledged (DESIGN 2.6).

use clickhouse::Row;
use serde::Deserialize;

use crate::client::{Store, within};
use crate::error::StoreError;
use crate::sql::quoted;

#[derive(Row, Deserialize)]
struct Name {
    name: String,
}

impl Store {
    /// Waits until this replica has every part that any replica had acknowledged when it was asked, table by table.
    /// Does nothing where tables are not replicated. Call it before reading the ledger for a claim.
    ///
    /// # Errors
    /// Why a replica is still behind: transient when it only needs longer.
    pub async fn sync_replicas(&self) -> Result<(), StoreError> {
        let sql = "SELECT name FROM system.tables WHERE database = {database:String} \
                   AND (engine LIKE 'Replicated%' OR engine LIKE 'Shared%') ORDER BY name";
        let database = self.store_database();
        let tables: Vec<Name> = self.rows("list replicated tables", sql, &[("database", database)]).await?;
        let limit = self.timeouts().query;
        for Name { name } in tables {
            let doing = format!("wait for the replica of {name}");
            let statement = format!("SYSTEM SYNC REPLICA {database}.{}", quoted(&name));
            within(&doing, limit, self.reader(limit).query_raw(&statement).execute()).await?;
        }
        Ok(())
    }
}

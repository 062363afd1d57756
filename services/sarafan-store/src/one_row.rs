//! A block of one row, for the control tables.

use clickhouse::native::Block;
use clickhouse::native::builder::BlockBuilder;
use clickhouse::native::encode::Encode;

use crate::client::Store;
use crate::error::StoreError;

/// Columns with one value each, collected one by one; the first failure is told at the end.
#[derive(Default)]
pub(crate) struct OneRow {
    builder: BlockBuilder,
    failed: Option<Failure>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl OneRow {
    pub(crate) fn set<T: Encode>(&mut self, column: &str, value: T) -> &mut Self {
        let added = match self.builder.upsert_column::<T>(column) {
            Ok(mut column) => column.add(value).map(|_| ()),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = added {
            self.failed.get_or_insert(error);
        }
        self
    }

    pub(crate) fn build(mut self) -> Result<Block, Failure> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(self.builder.build()?),
        }
    }
}

impl Store {
    /// Writes one row of a control table.
    pub(crate) async fn send_row(&self, table: &str, columns: &str, row: OneRow) -> Result<(), StoreError> {
        let block = row.build().map_err(|error| StoreError::Mismatch {
            doing: format!("encode a row of {table}"),
            detail: error.to_string(),
        })?;
        self.send(table, &format!("{} ({columns})", self.table(table)), &block).await
    }
}

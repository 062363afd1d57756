//! Restore: entity rows back into tables of the core, in bounded pieces, and how high the derived tables reach.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clickhouse::Row;
use clickhouse::native::Block;
use sarafan_core::definitions::Epoch;
use sarafan_core::rows;
use sarafan_core::table::{ColumnData, Table, TableSpec};
use sarafan_core::vocabulary::Subject;
use serde::Deserialize;

use crate::client::{Store, within};
use crate::decode;
use crate::error::StoreError;
use crate::sql::{array, list, literal, quoted};

/// Whose rows: an epoch and partitions of a topic of `partition_count` partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The epoch.
    pub epoch: Epoch,
    /// The partitions, each below `partition_count`.
    pub partitions: Vec<u16>,
    /// How many partitions the topic has.
    pub partition_count: u32,
}

/// How high the rows of one partition reach in one table, each key counted once.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Height {
    /// The partition.
    pub partition: u16,
    /// Highest version of a row.
    pub highest: u64,
    /// Number of rows.
    pub rows: u64,
}

#[derive(Row, Deserialize)]
struct Count {
    partition: u16,
    entities: u64,
}

/// Rows per block of a scan: what is decoded at once stays a few megabytes.
const BLOCK_ROWS: &str = "65536";

/// The highest version of any row, per partition and table; 0 for none.
pub type Highest = BTreeMap<u16, BTreeMap<String, u64>>;

impl Store {
    /// Reads the entities of some partitions, subject by subject in the order of [`rows::folded`], and hands them
    /// over in pieces of at most some ten thousand rows, each of one partition. Older versions of a row are hidden.
    /// A piece holds the own columns of its subject ([`rows::own_columns`]), in their order; rows come in no order
    /// of keys.
    ///
    /// Returns the highest version per partition and table: of the entity tables among the very rows that were
    /// handed over, of `customer_figures` and `customer_money` as found after them. Every partition and table is in
    /// it.
    ///
    /// # Errors
    /// Why it broke off. The pieces handed over are then not all: begin anew with nothing.
    pub async fn read_entities(
        &self,
        scope: &Scope,
        mut piece: impl FnMut(Subject, u16, Table),
    ) -> Result<Highest, StoreError> {
        let mut highest: Highest = scope.partitions.iter().map(|p| (*p, BTreeMap::new())).collect();
        let condition = format!("PREWHERE {}", scope.condition());
        for subject in rows::folded() {
            let Some(table) = rows::entity_table(subject) else { continue };
            for tables in highest.values_mut() {
                tables.insert(table.name.to_owned(), 0);
            }
            let own = own_columns(subject, table);
            let doing = format!("read rows of {}", table.name);
            self.scan(&own, &condition, |block| {
                let parts =
                    decode::rows_by_partition(&doing, &own, block, "key_hash", |hash| scope.partition(hash))?;
                for (partition, part) in parts {
                    let tables = highest.entry(partition).or_default();
                    let found = tables.entry(table.name.to_owned()).or_default();
                    *found = highest_version(&part).max(*found);
                    piece(subject, partition, part);
                }
                Ok(())
            })
            .await?;
        }
        for table in rows::of_customers() {
            let heights = self.heights(scope, table).await?;
            for (partition, tables) in &mut highest {
                let found = heights.iter().find(|height| height.partition == *partition);
                tables.insert(table.name.to_owned(), found.map_or(0, |height| height.highest));
            }
        }
        Ok(highest)
    }

    /// What earlier owners counted of each source, per partition that has any.
    ///
    /// # Errors
    /// Why it could not be read.
    pub async fn read_arrivals(&self, partitions: &[u16]) -> Result<BTreeMap<u16, Table>, StoreError> {
        let table = &*rows::ARRIVALS;
        let condition = format!("WHERE partition IN {}", list(partitions));
        let mut found: BTreeMap<u16, Table> = BTreeMap::new();
        self.scan(table, &condition, |block| {
            let number = |n| u16::try_from(n).unwrap_or_default();
            for (partition, part) in
                decode::rows_by_partition("read arrivals", table, block, "partition", number)?
            {
                found.entry(partition).or_insert_with(|| Table::new(table)).append(part);
            }
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// Per partition the highest version and the number of rows of a table that has `epoch`, `key_hash` and
    /// `version`. Partitions without rows are not in it.
    ///
    /// # Errors
    /// Why it could not be read.
    pub async fn heights(&self, scope: &Scope, table: &TableSpec) -> Result<Vec<Height>, StoreError> {
        let sql = format!(
            "SELECT toUInt16(key_hash % {count}) AS partition, max(version) AS highest, count() AS rows \
             FROM {table} FINAL PREWHERE {within} GROUP BY partition ORDER BY partition",
            count = scope.partition_count,
            table = self.table(table.name),
            within = scope.condition(),
        );
        let doing = format!("read the versions of {}", table.name);
        let limit = self.timeouts().restore;
        let query = final_within_partitions(self.reader(limit)).query_raw(&sql);
        within(&doing, limit, query.fetch_all::<Height>()).await
    }

    /// Entities whose first record lies at or below a version, per partition of `limits` (in all of which `scope` is): what
    /// a ledger row of that version counts.
    ///
    /// # Errors
    /// Why they could not be counted.
    pub async fn entities_up_to(
        &self,
        scope: &Scope,
        limits: &BTreeMap<u16, u64>,
    ) -> Result<BTreeMap<u16, u64>, StoreError> {
        let mut counts: BTreeMap<u16, u64> = limits.keys().map(|partition| (*partition, 0)).collect();
        if limits.is_empty() {
            return Ok(counts);
        }
        let (partitions, versions): (Vec<u16>, Vec<u64>) = limits.iter().unzip();
        let limits =
            format!("transform(partition, {}, {}, toUInt64(0))", array(&partitions), array(&versions));
        for table in rows::folded().filter_map(rows::entity_table) {
            let sql = format!(
                "SELECT toUInt16(key_hash % {count}) AS partition, countIf(first_version <= {limits}) AS entities \
                 FROM {table} FINAL PREWHERE {within} GROUP BY partition",
                count = scope.partition_count,
                table = self.table(table.name),
                within = scope.condition(),
            );
            let doing = format!("count the rows of {}", table.name);
            let limit = self.timeouts().restore;
            let query = final_within_partitions(self.reader(limit)).query_raw(&sql);
            for Count { partition, entities } in within(&doing, limit, query.fetch_all::<Count>()).await? {
                *counts.entry(partition).or_default() += entities;
            }
        }
        Ok(counts)
    }

    /// Reads some fields of the details of some partitions, and hands them over in pieces of at most some ten thousand rows,
    /// each of one partition. Older values of a field are hidden.
    ///
    /// # Errors
    /// Why it broke off. The pieces handed over are then not all: begin anew with nothing.
    pub async fn read_fields(
        &self,
        scope: &Scope,
        fields: &BTreeSet<String>,
        mut piece: impl FnMut(u16, Table),
    ) -> Result<(), StoreError> {
        let table = &*rows::DETAILS;
        let names: Vec<String> = fields.iter().map(|field| literal(field)).collect();
        let condition = format!("{} AND field IN ({})", scope.of_details(), names.join(", "));
        self.scan(table, &condition, |block| {
            let parts = decode::rows_by_partition("read details", table, block, "key_hash", |hash| {
                scope.partition(hash)
            })?;
            parts.into_iter().for_each(|(partition, part)| piece(partition, part));
            Ok(())
        })
        .await
    }

    /// The rows of some partitions of a table of details, older versions hidden.
    ///
    /// # Errors
    /// Why they could not be read.
    pub async fn read_details(&self, table: &Arc<TableSpec>, scope: &Scope) -> Result<Table, StoreError> {
        let doing = format!("read rows of {}", table.name);
        let mut found = Table::new(table);
        self.scan(table, &scope.of_details(), |block| {
            decode::rows(&doing, table, block).map(|rows| found.append(rows))
        })
        .await?;
        Ok(found)
    }

    async fn scan(
        &self,
        spec: &TableSpec,
        condition: &str,
        mut each: impl FnMut(&Block) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let names: Vec<String> = spec.columns.iter().map(|column| quoted(column.name)).collect();
        let sql = format!("SELECT {} FROM {} FINAL {condition}", names.join(", "), self.table(spec.name));
        let doing = format!("read rows of {}", spec.name);
        let wait = self.timeouts().block;
        let client = final_within_partitions(self.reader(self.timeouts().restore))
            .with_setting("max_block_size", BLOCK_ROWS);
        let mut cursor =
            client.query_raw(&sql).fetch_native().map_err(|error| StoreError::of(&doing, wait, error))?;
        while let Some(block) = within(&doing, wait, cursor.next()).await? {
            each(&block)?;
        }
        Ok(())
    }
}

impl Scope {
    /// As a condition that may run before FINAL: no version of a row differs in these columns from another.
    pub(crate) fn condition(&self) -> String {
        let Self { epoch, partitions, partition_count } = self;
        format!("epoch = {} AND key_hash % {partition_count} IN {}", epoch.0, list(partitions))
    }

    /// Of tables that know no epoch.
    fn of_details(&self) -> String {
        format!("PREWHERE key_hash % {} IN {}", self.partition_count, list(&self.partitions))
    }

    pub(crate) fn partition(&self, hash: u64) -> u16 {
        let partition = hash.checked_rem(u64::from(self.partition_count)).unwrap_or_default();
        u16::try_from(partition).unwrap_or(u16::MAX)
    }
}

/// The highest version among rows; 0 without any.
pub(crate) fn highest_version(table: &Table) -> u64 {
    let column = table.columns().iter().find(|column| column.spec.name == "version");
    match column.map(|column| &column.data) {
        // `UInt64` is bit-cast.
        Some(ColumnData::Narrow(versions)) => versions.iter().map(|v| v.cast_unsigned()).max().unwrap_or(0),
        _ => 0,
    }
}

/// The table of a subject without its derived columns.
pub(crate) fn own_columns(subject: Subject, table: &TableSpec) -> Arc<TableSpec> {
    let columns = table.columns.iter().take(rows::own_columns(subject)).copied().collect();
    Arc::new(TableSpec { name: table.name, columns })
}

/// Rows of a key never lie in two partitions (the epoch is part of every key), so FINAL need not look across.
pub(crate) fn final_within_partitions(client: clickhouse::Client) -> clickhouse::Client {
    client.with_setting("do_not_merge_across_partitions_select_final", "1")
}

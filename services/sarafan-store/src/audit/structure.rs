//! What must hold between the tables whatever the figures are: terms, markers, counts, identities, dead letters.

use std::collections::BTreeMap;

use clickhouse::Row;
use sarafan_core::definitions::Epoch;
use sarafan_core::rollup::Rollup;
use sarafan_core::tenure::LiveTerm;
use serde::Deserialize;

use super::EXAMPLES;
use crate::client::Store;
use crate::error::StoreError;
use crate::sql::list;

/// Partition -> the highest term with a marker row in one rollup: the term whose cells views show.
pub type Markers = BTreeMap<u16, LiveTerm>;

/// Rows of a rollup under a term that no ledger row knows.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct UnknownTerm {
    /// The partition.
    pub partition: u16,
    /// The term.
    pub term: u32,
    /// Its owner.
    pub owner: u64,
    /// How many rows stand under it.
    pub rows: u64,
}

/// An id that is alive under more than one key.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Conflict {
    /// The id.
    pub id: String,
    /// The keys.
    pub keys: Vec<String>,
}

#[derive(Debug, Row, Deserialize)]
struct Marked {
    partition: u16,
    highest: (u32, u64),
}

impl Store {
    /// The terms that views show in a rollup: of each partition the highest with a marker of this incarnation.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn markers(
        &self,
        rollup: Rollup,
        epoch: Epoch,
        incarnation: u64,
    ) -> Result<Markers, StoreError> {
        let sql = format!(
            "SELECT partition, max((term, owner)) AS highest FROM {} WHERE epoch = {} AND marker AND incarnation = {incarnation} \
             GROUP BY partition",
            self.table(rollup.spec().name),
            epoch.0
        );
        let found: Vec<Marked> = self.rows("read the markers", &sql, &[]).await?;
        let term = |m: Marked| LiveTerm { partition: m.partition, term: m.highest.0, owner: m.highest.1 };
        Ok(found.into_iter().map(|m| (m.partition, term(m))).collect())
    }

    /// Terms of a rollup that no ledger row knows: nobody ever claimed them.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn unknown_terms(&self, rollup: Rollup, epoch: Epoch) -> Result<Vec<UnknownTerm>, StoreError> {
        let sql = format!(
            "SELECT partition, term, owner, count() AS rows FROM {} WHERE epoch = {epoch} AND (partition, term, owner) NOT IN \
             (SELECT partition, term, owner FROM {} WHERE epoch = {epoch}) \
             GROUP BY partition, term, owner ORDER BY partition, term, owner LIMIT {EXAMPLES}",
            self.table(rollup.spec().name),
            self.table("ledger"),
            epoch = epoch.0
        );
        self.rows("look for cells under unknown terms", &sql, &[]).await
    }

    /// Ids of `orders` or `survey_responses` that are alive under more than one key, at most a thousand.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn conflicts(&self, table: &str, epoch: Epoch) -> Result<Vec<Conflict>, StoreError> {
        let alive = format!(
            "FROM {} FINAL PREWHERE epoch = {} WHERE NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)",
            self.table(table),
            epoch.0
        );
        // Almost no id is a conflict: hashes first keep the many that are none out of memory.
        let sql = format!(
            "SELECT id, arraySort(groupArray(key)) AS keys {alive} AND sipHash64(id) IN \
             (SELECT sipHash64(id) AS hash {alive} GROUP BY hash HAVING count() > 1) \
             GROUP BY id HAVING count() > 1 ORDER BY id LIMIT {EXAMPLES}"
        );
        self.recounted(&format!("look for ids of {table} under two keys"), &sql).await
    }

    /// Offsets in `from..until` of a partition of the dead-letter topic that the index has no row of, at most a thousand.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn missing_letters(
        &self,
        partition: i32,
        from: i64,
        until: i64,
    ) -> Result<Vec<i64>, StoreError> {
        #[derive(Debug, Row, Deserialize)]
        struct Missing {
            place: i64,
        }
        let length = until.saturating_sub(from).max(0);
        let sql = format!(
            "SELECT toInt64({from} + number) AS place FROM numbers(toUInt64({length})) WHERE place NOT IN \
             (SELECT dlq_offset FROM {} WHERE dlq_partition = {partition} AND dlq_offset >= {from} AND dlq_offset < {until}) \
             ORDER BY place LIMIT {EXAMPLES}",
            self.table("dead_letters")
        );
        let missing: Vec<Missing> = self.recounted("compare the index of dead letters", &sql).await?;
        Ok(missing.into_iter().map(|missing| missing.place).collect())
    }

    /// How many records of a generation were applied, by partition, of all sources. Records that an owner applied again
    /// after a crash count twice, so there are never fewer than the ledger's position.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn records_applied(
        &self,
        generation: u16,
        partitions: &[u16],
    ) -> Result<BTreeMap<u16, u64>, StoreError> {
        #[derive(Debug, Row, Deserialize)]
        struct Applied {
            partition: u16,
            applied: u64,
        }
        let sql = format!(
            "SELECT partition, sum(records) AS applied FROM {} FINAL \
             WHERE partition IN {} AND version >= {} GROUP BY partition",
            self.table("arrivals"),
            list(partitions),
            sarafan_core::version(generation, 0)
        );
        let found: Vec<Applied> = self.rows("read arrivals", &sql, &[]).await?;
        Ok(found.into_iter().map(|a| (a.partition, a.applied)).collect())
    }
}

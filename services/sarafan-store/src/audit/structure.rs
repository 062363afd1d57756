//! What must hold between the tables whatever the figures are: terms, markers, counts, identities, dead letters.

use std::collections::BTreeMap;

use clickhouse::Row;
use sarafan_core::definitions::Epoch;
use sarafan_core::rollup::Rollup;
use sarafan_core::rows;
use sarafan_core::tenure::LiveTerm;
use serde::Deserialize;

use super::EXAMPLES;
use crate::client::{Store, within};
use crate::error::StoreError;
use crate::read::Scope;
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

/// Entities of one partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CountedEntities {
    /// Those whose first row is of the version asked for or below.
    pub at_base: u64,
    /// All of them.
    pub all: u64,
}

#[derive(Debug, Row, Deserialize)]
struct Marked {
    partition: u16,
    highest: (u32, u64),
}

#[derive(Debug, Row, Deserialize)]
struct Counted {
    partition: u16,
    at_base: u64,
    entities: u64,
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

    /// Counts the entities of the scope's partitions: all, and those that were there at a version of each partition.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn count_entities(
        &self,
        scope: &Scope,
        bases: &BTreeMap<u16, u64>,
    ) -> Result<BTreeMap<u16, CountedEntities>, StoreError> {
        let (partitions, versions): (Vec<u16>, Vec<u64>) = bases.iter().map(|(p, v)| (*p, *v)).unzip();
        let mut counted: BTreeMap<u16, CountedEntities> = BTreeMap::new();
        for table in rows::folded().filter_map(rows::entity_table) {
            let sql = format!(
                "SELECT toUInt16(key_hash % {}) AS partition, \
                 countIf(first_version <= transform(partition, {partitions:?}, {versions:?}, toUInt64(0))) AS at_base, \
                 count() AS entities FROM {} FINAL PREWHERE {} GROUP BY partition",
                scope.partition_count,
                self.table(table.name),
                scope.condition()
            );
            for found in self.long::<Counted>(&format!("count the rows of {}", table.name), &sql).await? {
                let sum = counted.entry(found.partition).or_default();
                sum.at_base += found.at_base;
                sum.all += found.entities;
            }
        }
        Ok(counted)
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
        self.long(&format!("look for ids of {table} under two keys"), &sql).await
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
        let missing: Vec<Missing> = self.long("compare the index of dead letters", &sql).await?;
        Ok(missing.into_iter().map(|missing| missing.place).collect())
    }

    /// How many records of a generation were applied, by partition, of all sources. Records that an owner applied again after a crash count
    /// twice, so there are never fewer than the ledger's position.
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
            u64::from(generation) << 48
        );
        let found: Vec<Applied> = self.rows("read arrivals", &sql, &[]).await?;
        Ok(found.into_iter().map(|a| (a.partition, a.applied)).collect())
    }

    /// The rows of a query that may read whole tables.
    async fn long<R>(&self, doing: &str, sql: &str) -> Result<Vec<R>, StoreError>
    where
        R: clickhouse::RowOwned + clickhouse::RowRead,
    {
        let limit = self.timeouts().restore;
        let client = self
            .reader(limit)
            .with_setting("wait_end_of_query", "1")
            .with_setting("do_not_merge_across_partitions_select_final", "1");
        within(doing, limit, client.query_raw(sql).fetch_all::<R>()).await
    }
}

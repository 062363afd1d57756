//! The port between the aggregator's keeper and ClickHouse: what an owner of partitions asks for.

use std::collections::{BTreeMap, BTreeSet};

use sarafan_core::definitions::Epoch;
use sarafan_core::table::{Table, TableSpec};
use sarafan_core::tenure::{Entry, LiveTerm};
use sarafan_core::vocabulary::Subject;

use crate::block::PreparedBlock;
use crate::client::Store;
use crate::error::StoreError;
use crate::read::{Height, Highest, Scope};

/// Rows of one table as they are sent: all of them or none, and again unchanged until they are acknowledged.
pub trait Block: Send + Sync {
    /// The table.
    fn table(&self) -> &'static str;

    /// How many rows.
    fn rows(&self) -> usize;
}

/// What an owner of partitions asks of the tables. Every call is one attempt. A future that is dropped takes nothing back:
/// what was sent may be written all the same, and later.
///
/// There are two: [`Store`], and simulated tables (feature `simulation`).
pub trait Warehouse: Send + Sync {
    /// Rows that are ready to be sent.
    type Block: Block;

    /// Makes rows ready to be sent; `None` when there are none.
    ///
    /// # Errors
    /// [`StoreError::Value`] when a value is outside of what its column can hold.
    fn prepare(&self, table: Table) -> Result<Option<Self::Block>, StoreError>;

    /// [`Store::insert_block`].
    ///
    /// # Errors
    /// Why it was not acknowledged; it may be written all the same.
    fn insert_block(&self, block: &Self::Block) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// [`Store::check_state`].
    ///
    /// # Errors
    /// [`StoreError::OtherState`] where another version has written, or why it could not be read.
    fn check_state(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// [`Store::incarnation`].
    ///
    /// # Errors
    /// Why it could not be read.
    fn incarnation(&self) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// [`Store::read_ledger`].
    ///
    /// # Errors
    /// Why it could not be read.
    fn read_ledger(&self, epoch: Epoch) -> impl Future<Output = Result<Vec<Entry>, StoreError>> + Send;

    /// [`Store::write_ledger`].
    ///
    /// # Errors
    /// Why it was not acknowledged; it may be written all the same.
    fn write_ledger(
        &self,
        epoch: Epoch,
        entries: &[Entry],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// [`Store::sync_replicas`].
    ///
    /// # Errors
    /// Why a replica is still behind.
    fn sync_replicas(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// [`Store::heights`].
    ///
    /// # Errors
    /// Why it could not be read.
    fn heights(
        &self,
        scope: &Scope,
        table: &TableSpec,
    ) -> impl Future<Output = Result<Vec<Height>, StoreError>> + Send;

    /// [`Store::entities_up_to`].
    ///
    /// # Errors
    /// Why they could not be counted.
    fn entities_up_to(
        &self,
        scope: &Scope,
        limits: &BTreeMap<u16, u64>,
    ) -> impl Future<Output = Result<BTreeMap<u16, u64>, StoreError>> + Send;

    /// [`Store::read_entities`].
    ///
    /// # Errors
    /// Why it broke off. The pieces handed over are then not all: begin anew with nothing.
    fn read_entities(
        &self,
        scope: &Scope,
        piece: impl FnMut(Subject, u16, Table) + Send,
    ) -> impl Future<Output = Result<Highest, StoreError>> + Send;

    /// [`Store::read_fields`].
    ///
    /// # Errors
    /// Why it broke off. The pieces handed over are then not all: begin anew with nothing.
    fn read_fields(
        &self,
        scope: &Scope,
        fields: &BTreeSet<String>,
        piece: impl FnMut(u16, Table) + Send,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// [`Store::read_arrivals`].
    ///
    /// # Errors
    /// Why it could not be read.
    fn read_arrivals(
        &self,
        partitions: &[u16],
    ) -> impl Future<Output = Result<BTreeMap<u16, Table>, StoreError>> + Send;

    /// [`Store::collect_terms`].
    ///
    /// # Errors
    /// Why it was not accepted.
    fn collect_terms(
        &self,
        epoch: Epoch,
        live: &[LiveTerm],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl Block for PreparedBlock {
    fn table(&self) -> &'static str {
        Self::table(self)
    }

    fn rows(&self) -> usize {
        Self::rows(self)
    }
}

impl Warehouse for Store {
    type Block = PreparedBlock;

    fn prepare(&self, table: Table) -> Result<Option<PreparedBlock>, StoreError> {
        PreparedBlock::new(&table)
    }

    async fn insert_block(&self, block: &PreparedBlock) -> Result<(), StoreError> {
        Self::insert_block(self, block).await
    }

    async fn check_state(&self) -> Result<(), StoreError> {
        Self::check_state(self).await
    }

    async fn incarnation(&self) -> Result<u64, StoreError> {
        Self::incarnation(self).await
    }

    async fn read_ledger(&self, epoch: Epoch) -> Result<Vec<Entry>, StoreError> {
        Self::read_ledger(self, epoch).await
    }

    async fn write_ledger(&self, epoch: Epoch, entries: &[Entry]) -> Result<(), StoreError> {
        Self::write_ledger(self, epoch, entries).await
    }

    async fn sync_replicas(&self) -> Result<(), StoreError> {
        Self::sync_replicas(self).await
    }

    async fn heights(&self, scope: &Scope, table: &TableSpec) -> Result<Vec<Height>, StoreError> {
        Self::heights(self, scope, table).await
    }

    async fn entities_up_to(
        &self,
        scope: &Scope,
        limits: &BTreeMap<u16, u64>,
    ) -> Result<BTreeMap<u16, u64>, StoreError> {
        Self::entities_up_to(self, scope, limits).await
    }

    async fn read_entities(
        &self,
        scope: &Scope,
        piece: impl FnMut(Subject, u16, Table) + Send,
    ) -> Result<Highest, StoreError> {
        Self::read_entities(self, scope, piece).await
    }

    async fn read_fields(
        &self,
        scope: &Scope,
        fields: &BTreeSet<String>,
        piece: impl FnMut(u16, Table) + Send,
    ) -> Result<(), StoreError> {
        Self::read_fields(self, scope, fields, piece).await
    }

    async fn read_arrivals(&self, partitions: &[u16]) -> Result<BTreeMap<u16, Table>, StoreError> {
        Self::read_arrivals(self, partitions).await
    }

    async fn collect_terms(&self, epoch: Epoch, live: &[LiveTerm]) -> Result<(), StoreError> {
        Self::collect_terms(self, epoch, live).await
    }
}

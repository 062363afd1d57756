//! The store as one process sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use sarafan_core::definitions::Epoch;
use sarafan_core::rows;
use sarafan_core::table::{Table, TableSpec};
use sarafan_core::tenure::{Entry, LiveTerm};
use sarafan_core::vocabulary::Subject;
use tokio::sync::oneshot;

use super::requests::{Answer, Body, Request};
use super::tables::Tables;
use crate::error::StoreError;
use crate::read::{Height, Highest, Scope, highest_version, own_columns};
use crate::warehouse::{Block, Warehouse};

/// After this long whoever asks gives up; what was sent may be done all the same.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process's way to the tables.
#[derive(Debug, Clone)]
pub struct Client {
    /// The tables.
    pub tables: Tables,
    /// The process, as whoever drives the simulation numbers them.
    pub process: u32,
}

impl Client {
    async fn ask(&self, body: Body) -> Result<Answer, StoreError> {
        let (sender, answer) = oneshot::channel();
        let request = Request { process: self.process, body, waiting: Some(sender) };
        let doing = format!("{:?}", request.what());
        self.tables.lock().requests.send(request);
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(StoreError::Network { doing, detail: "simulated".to_owned() }),
            Err(_) => Err(StoreError::Timeout { doing, waited: PATIENCE }),
        }
    }

    async fn rows(&self, body: Body) -> Result<BTreeMap<u16, Table>, StoreError> {
        match self.ask(body).await? {
            Answer::Rows(rows) => Ok(rows),
            _ => Err(unfitting()),
        }
    }
}

fn unfitting() -> StoreError {
    StoreError::Mismatch { doing: "ask simulated tables".to_owned(), detail: "another answer".to_owned() }
}

impl Block for Arc<Table> {
    fn table(&self) -> &'static str {
        self.spec().name
    }

    fn rows(&self) -> usize {
        self.len()
    }
}

/// The tables of the entities without their derived columns.
static OWN: LazyLock<Vec<(Subject, Arc<TableSpec>)>> = LazyLock::new(|| {
    let own = |subject| Some((subject, own_columns(subject, rows::entity_table(subject)?)));
    rows::folded().filter_map(own).collect()
});

impl Warehouse for Client {
    type Block = Arc<Table>;

    fn prepare(&self, table: Table) -> Result<Option<Arc<Table>>, StoreError> {
        Ok((!table.is_empty()).then(|| Arc::new(table)))
    }

    async fn insert_block(&self, block: &Arc<Table>) -> Result<(), StoreError> {
        self.ask(Body::Insert(Arc::clone(block))).await.map(|_| ())
    }

    async fn check_state(&self) -> Result<(), StoreError> {
        match self.ask(Body::State).await? {
            Answer::State(rows::STATE_VERSION) => Ok(()),
            Answer::State(found) => Err(StoreError::OtherState { found, known: rows::STATE_VERSION }),
            _ => Err(unfitting()),
        }
    }

    async fn incarnation(&self) -> Result<u64, StoreError> {
        match self.ask(Body::Incarnation).await? {
            Answer::Incarnation(incarnation) => Ok(incarnation),
            _ => Err(unfitting()),
        }
    }

    async fn read_ledger(&self, epoch: Epoch) -> Result<Vec<Entry>, StoreError> {
        match self.ask(Body::ReadLedger(epoch)).await? {
            Answer::Ledger(entries) => Ok(entries),
            _ => Err(unfitting()),
        }
    }

    async fn write_ledger(&self, epoch: Epoch, entries: &[Entry]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.ask(Body::Ledger(epoch, entries.to_vec())).await.map(|_| ())
    }

    async fn sync_replicas(&self) -> Result<(), StoreError> {
        self.ask(Body::Sync).await.map(|_| ())
    }

    async fn heights(&self, scope: &Scope, table: &TableSpec) -> Result<Vec<Height>, StoreError> {
        match self.ask(Body::Heights(scope.clone(), table.name)).await? {
            Answer::Heights(heights) => Ok(heights),
            _ => Err(unfitting()),
        }
    }

    async fn entities_up_to(
        &self,
        scope: &Scope,
        limits: &BTreeMap<u16, u64>,
    ) -> Result<BTreeMap<u16, u64>, StoreError> {
        let mut counts: BTreeMap<u16, u64> = limits.keys().map(|partition| (*partition, 0)).collect();
        for table in rows::folded().filter_map(rows::entity_table) {
            let found = match self.ask(Body::UpTo(scope.clone(), table.name, limits.clone())).await? {
                Answer::Counts(found) => found,
                _ => return Err(unfitting()),
            };
            for (partition, entities) in found {
                *counts.entry(partition).or_default() += entities;
            }
        }
        Ok(counts)
    }

    /// Table by table in the order of the real one, each a snapshot of its own.
    async fn read_entities(
        &self,
        scope: &Scope,
        mut piece: impl FnMut(Subject, u16, Table) + Send,
    ) -> Result<Highest, StoreError> {
        let mut highest: Highest = scope.partitions.iter().map(|p| (*p, BTreeMap::new())).collect();
        for (subject, own) in OWN.iter() {
            highest.values_mut().for_each(|tables| _ = tables.insert(own.name.to_owned(), 0));
            for (partition, part) in self.rows(Body::Rows(scope.clone(), Arc::clone(own))).await? {
                let tables = highest.entry(partition).or_default();
                tables.insert(own.name.to_owned(), highest_version(&part));
                piece(*subject, partition, part);
            }
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

    async fn read_fields(
        &self,
        scope: &Scope,
        fields: &BTreeSet<String>,
        mut piece: impl FnMut(u16, Table) + Send,
    ) -> Result<(), StoreError> {
        let found = self.rows(Body::Fields(scope.clone(), fields.clone())).await?;
        found.into_iter().for_each(|(partition, part)| piece(partition, part));
        Ok(())
    }

    async fn read_arrivals(&self, partitions: &[u16]) -> Result<BTreeMap<u16, Table>, StoreError> {
        self.rows(Body::Arrivals(partitions.to_vec())).await
    }

    async fn collect_terms(&self, epoch: Epoch, live: &[LiveTerm]) -> Result<(), StoreError> {
        if live.is_empty() {
            return Ok(());
        }
        self.ask(Body::Collect(epoch, live.to_vec())).await.map(|_| ())
    }
}

//! One flush over all partitions, in the order of the law: details, entities, customers, cells, then the ledger, then the
//! Kafka commit (DESIGN 2.4). Never past a failed write; a batch that is given up ends the terms in it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sarafan_core::table::Table;
use sarafan_core::tenure::{Entry, Progress, Standing};
use sarafan_core::{Batch, Scope};
use sarafan_store::PreparedBlock;
use sarafan_stream::{FlushOutcome, FlushReason, Position};

use crate::fault::Fault;
use crate::keeper::Keeper;

/// How long an ordinary flush goes on after it was told that partitions must be given up.
const GRACE: Duration = Duration::from_secs(2);

/// The batches of a flush, by partition.
type Batches = BTreeMap<u16, Batch>;

impl Keeper {
    /// Writes what was applied, over all partitions at once.
    pub(crate) async fn flush_all(&mut self, reason: FlushReason) -> Result<FlushOutcome, Fault> {
        let mut outcome = FlushOutcome::default();
        let Some((entries, incarnation)) = self.look(reason).await? else { return Ok(outcome) };
        for partition in self.overtaken(&entries, incarnation) {
            self.forget(partition);
            outcome.retake.push(self.name(partition));
        }
        let batches = self.build();
        if batches.is_empty() {
            return Ok(outcome);
        }
        let done = self.write_batches(&batches, reason).await?
            && self.record(&batches, reason, &mut outcome).await?;
        if !done {
            // What the batch held is forgotten by the shards: their terms are over.
            for partition in batches.into_keys() {
                self.forget(partition);
                outcome.retake.push(self.name(partition));
            }
        }
        Ok(outcome)
    }

    /// The ledger as it is now; nothing if a revoke came first.
    async fn look(&self, reason: FlushReason) -> Result<Option<(Vec<Entry>, u64)>, Fault> {
        tokio::select! {
            seen = self.persist(|| self.read_ledger()) => Ok(Some(seen?)),
            () = self.give_up(reason) => Ok(None),
        }
    }

    /// Partitions whose term is over.
    fn overtaken(&self, entries: &[Entry], incarnation: u64) -> Vec<u16> {
        let standing = self.held.iter().map(|(p, held)| (*p, held.tenure.standing(entries, incarnation)));
        let over = standing.filter(|(_, standing)| *standing != Standing::Holds);
        over.inspect(|(partition, standing)| tracing::warn!(partition, ?standing, "the term is over"))
            .map(|(partition, _)| partition)
            .collect()
    }

    /// The rows of every partition that has something to say and may say it.
    fn build(&mut self) -> Batches {
        let mut batches = Batches::new();
        for (partition, held) in &mut self.held {
            let position = held.shard.position();
            let news = !held.shard.is_clean() || position != held.recorded || !held.tenure.is_live();
            if !news || !held.tenure.may_write(held.shard.version_of(position)) {
                continue;
            }
            let scope = if held.cells_written { Scope::Changes } else { Scope::EveryCell };
            batches.insert(*partition, held.shard.flush(held.tenure.tenancy(), scope));
        }
        batches
    }

    /// Writes all tables; false if the batch was given up.
    async fn write_batches(&self, batches: &Batches, reason: FlushReason) -> Result<bool, Fault> {
        for table in merged(batches) {
            let Some(block) = PreparedBlock::new(&table)? else { continue };
            if !self.write(&block, self.give_up(reason)).await? {
                tracing::warn!(table = block.table(), "the batch is given up: partitions must go");
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Goes live where nothing shown has seen more, then writes the ledger; false if the batch was given up.
    async fn record(
        &mut self,
        batches: &Batches,
        reason: FlushReason,
        outcome: &mut FlushOutcome,
    ) -> Result<bool, Fault> {
        let Some((entries, incarnation)) = self.look(reason).await? else { return Ok(false) };
        let mut markers: Vec<Table> = Vec::new();
        let mut rows = Vec::with_capacity(batches.len());
        for (partition, batch) in batches {
            let Some(held) = self.held.get_mut(partition) else { continue };
            held.cells_written = true;
            let holds = held.tenure.standing(&entries, incarnation) == Standing::Holds;
            let live = held.tenure.is_live() || (holds && held.tenure.may_go_live(batch.position, &entries));
            if live && !held.tenure.is_live() {
                merge(&mut markers, held.shard.markers(held.tenure.tenancy()));
            }
            let written: Vec<&str> = written_tables(batch).collect();
            let progress = Progress {
                position: batch.position,
                version: batch.version,
                last_record: held.last_record,
                entities: batch.entities_held,
                written: &written,
            };
            rows.push(held.tenure.next_entry(&progress, live));
        }
        for marker in &markers {
            if let Some(block) = PreparedBlock::new(marker)?
                && !self.write(&block, self.give_up(reason)).await?
            {
                return Ok(false);
            }
        }
        tokio::select! {
            written = self.persist(|| self.store.write_ledger(self.definitions.epoch, &rows)) => written?,
            () = self.give_up(reason) => return Ok(false),
        }
        for (partition, batch) in batches {
            if let Some(held) = self.held.get_mut(partition) {
                held.recorded = batch.position;
                if held.tenure.is_live() {
                    held.live_since.get_or_insert_with(Instant::now);
                }
                outcome.commit.push(Position::new(self.name(*partition), batch.position.cast_signed()));
            }
        }
        Ok(true)
    }

    /// Comes when the batch must be given up. The last flush of a revoke or a stop has a deadline of its own: the engine
    /// drops it there, and the partitions count as lost.
    async fn give_up(&self, reason: FlushReason) {
        if matches!(reason, FlushReason::Revoke | FlushReason::Shutdown) {
            return std::future::pending().await;
        }
        let mut revoke = self.revoke.clone();
        revoke.wait().await;
        tokio::time::sleep(GRACE).await;
    }
}

/// One table per name over all partitions, in the order in which they are to be written.
fn merged(batches: &Batches) -> Vec<Table> {
    let mut tables = Vec::new();
    let stages: [fn(&Batch) -> &Vec<Table>; 4] =
        [|b| &b.details, |b| &b.entities, |b| &b.derived, |b| &b.rollups];
    for stage in stages {
        for batch in batches.values() {
            merge(&mut tables, stage(batch).clone());
        }
    }
    tables
}

fn merge(into: &mut Vec<Table>, tables: Vec<Table>) {
    for table in tables {
        match into.iter_mut().find(|t| t.spec().name == table.spec().name) {
            Some(held) => held.append(table),
            None => into.push(table),
        }
    }
}

/// Tables of entities and customers that have rows in the batch.
fn written_tables(batch: &Batch) -> impl Iterator<Item = &'static str> {
    let tables = batch.entities.iter().chain(&batch.derived);
    tables.filter(|t| !t.is_empty()).map(|t| t.spec().name).collect::<Vec<_>>().into_iter()
}

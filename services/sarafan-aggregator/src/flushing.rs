//! One flush over all partitions, in the order of the law: details, entities, customers, cells, then the ledger, then the
//! Kafka commit (DESIGN 2.4). Never past a failed write; a batch that is given up ends the terms in it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use sarafan_core::table::Table;
use sarafan_core::tenure::{Entry, Progress, Standing};
use sarafan_core::{Batch, Scope, planted};
use sarafan_store::Warehouse;
use sarafan_stream::{FlushOutcome, FlushReason, Position, fail_point};
use tokio::time::Instant;

use crate::fail_points;
use crate::fault::Fault;
use crate::keeper::Keeper;
use crate::log::Log;
use crate::publishing::now;

/// How long an ordinary flush goes on after it was told that partitions must be given up.
const GRACE: Duration = Duration::from_secs(2);

/// Tables of a batch that may be written in any order among themselves.
type Stage = fn(&mut Batch) -> &mut Vec<Table>;

/// What must be acknowledged before what.
const STAGES: [Stage; 4] = [|b| &mut b.details, |b| &mut b.entities, |b| &mut b.derived, |b| &mut b.rollups];

/// A batch, and the tables of entities and customers that it has rows in, with the version of these.
pub(crate) struct Built {
    batch: Batch,
    pub(crate) written: BTreeMap<&'static str, u64>,
}

impl Built {
    pub(crate) fn of(batch: Batch) -> Self {
        let written = written_tables(&batch);
        Self { batch, written }
    }
}

/// The batches of a flush, by partition.
type Batches = BTreeMap<u16, Built>;

impl<W: Warehouse, L: Log> Keeper<W, L> {
    /// Writes what was applied, over all partitions at once.
    pub(crate) async fn flush_all(&mut self, reason: FlushReason) -> Result<FlushOutcome, Fault> {
        let mut outcome = FlushOutcome::default();
        let Some((entries, incarnation)) = self.look(reason).await? else { return Ok(outcome) };
        let overtaken = self.overtaken(&entries, incarnation);
        outcome.retake.extend(overtaken.iter().map(|partition| self.name(*partition)));
        self.forget(overtaken);
        if let Some(given_up) = self.copy_entities(reason).await? {
            outcome.retake.push(self.name(given_up));
            self.forget([given_up]);
            return Ok(outcome);
        }
        let mut batches = self.build();
        if batches.is_empty() {
            return Ok(outcome);
        }
        if planted("planted::commit_before_write") {
            let position = |(partition, built): (&u16, &Built)| {
                Position::new(self.name(*partition), built.batch.position.cast_signed())
            };
            outcome.commit.extend(batches.iter().map(position));
            return Ok(outcome);
        }
        if planted("planted::ledger_first") {
            self.record(&batches, reason, &mut outcome).await?;
        }
        if planted("planted::marker_first") {
            let mut markers = Vec::new();
            let held = batches.keys().filter_map(|partition| self.held.get(partition));
            held.for_each(|held| merge(&mut markers, held.shard.markers(held.tenure.tenancy())));
            self.write_tables(markers, reason).await?;
        }
        let mut done = self.write_batches(&mut batches, reason).await?;
        if done {
            fail_points::tables_written(reason);
            done = self.record(&batches, reason, &mut outcome).await?;
        }
        if !done && !planted("planted::given_up_batch_counts") {
            // What the batch held is forgotten by the shards: their terms are over.
            outcome.retake.extend(batches.keys().map(|partition| self.name(*partition)));
            self.forget(batches.into_keys());
        }
        Ok(outcome)
    }

    /// The ledger as it is now; nothing if a revoke came first.
    async fn look(&self, reason: FlushReason) -> Result<Option<(Vec<Entry>, u64)>, Fault> {
        // What was answered counts, even where the time is up.
        tokio::select! {
            biased;
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
            if !news || held.to_copy || !held.tenure.may_write(held.shard.version_of(position)) {
                continue;
            }
            let scope = if held.cells_written { Scope::Changes } else { Scope::EveryCell };
            held.unacknowledged = true;
            let mut built = Built::of(held.shard.flush(held.tenure.tenancy(), scope));
            // What was copied before has the version of then.
            held.copied
                .iter()
                .for_each(|(table, version)| _ = built.written.entry(*table).or_insert(*version));
            self.pulse.beat();
            batches.insert(*partition, built);
        }
        batches
    }

    /// Writes all tables, those of one stage side by side; false if the batch was given up.
    pub(crate) async fn write_batches(
        &self,
        batches: &mut Batches,
        reason: FlushReason,
    ) -> Result<bool, Fault> {
        for stage in STAGES {
            if !self.write_tables(merged(batches, stage), reason).await? {
                tracing::warn!("the batch is given up: partitions must go");
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes tables side by side; false if they were given up. Each goes as soon as it is a block: the cells of a whole
    /// partition, which the first flush of a term writes, are not to be held twice.
    async fn write_tables(&self, tables: Vec<Table>, reason: FlushReason) -> Result<bool, Fault> {
        let mut blocks = Vec::with_capacity(tables.len());
        for table in tables {
            blocks.extend(self.store.prepare(table)?);
        }
        let written =
            try_join_all(blocks.iter().map(|block| self.write(block, self.give_up(reason)))).await?;
        Ok(!written.contains(&false))
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
        for (partition, Built { batch, written }) in batches {
            let Some(held) = self.held.get_mut(partition) else { continue };
            held.cells_written = true;
            let holds = held.tenure.standing(&entries, incarnation) == Standing::Holds;
            let live = held.tenure.is_live() || (holds && held.tenure.may_go_live(batch.position, &entries));
            if live && !held.tenure.is_live() {
                merge(&mut markers, held.shard.markers(held.tenure.tenancy()));
            }
            let progress = Progress {
                position: batch.position,
                last_record: held.last_record,
                entities: batch.entities_held,
                written,
            };
            rows.push(held.tenure.next_entry(&progress, live));
        }
        let follows = rows.iter().all(|row| row.may_follow(&entries));
        if !follows || !self.write_tables(markers, reason).await? || !self.write_rows(&rows, reason).await? {
            return Ok(false);
        }
        fail_point::pass(fail_points::LEDGER_WRITTEN);
        let now = now();
        for (partition, Built { batch, .. }) in batches {
            if let Some(held) = self.held.get_mut(partition) {
                held.recorded = batch.position;
                held.unacknowledged = false;
                held.copied.clear();
                if held.tenure.is_live() {
                    held.live_since.get_or_insert_with(Instant::now);
                    held.waiting.shown(now, &self.metrics.visible_seconds);
                }
                outcome.commit.push(Position::new(self.name(*partition), batch.position.cast_signed()));
            }
        }
        Ok(true)
    }

    /// Writes ledger rows; false if they were given up, or must not be written. A ClickHouse that was away may come back as
    /// an earlier state of itself: it is looked at before it is written to again.
    async fn write_rows(&self, rows: &[Entry], reason: FlushReason) -> Result<bool, Fault> {
        let again = AtomicBool::new(false);
        let attempt = || async {
            if again.swap(true, Ordering::Relaxed) {
                let (entries, _) = self.read_ledger().await?;
                if !rows.iter().all(|row| row.may_follow(&entries)) {
                    return Ok(false);
                }
            }
            self.store.write_ledger(self.definitions.epoch, rows).await.map(|()| true)
        };
        // What was acknowledged counts, even where the time is up.
        tokio::select! {
            biased;
            written = self.persist(attempt) => Ok(written?),
            () = self.give_up(reason) => Ok(false),
        }
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

/// One table per name over all partitions.
fn merged(batches: &mut Batches, stage: Stage) -> Vec<Table> {
    let mut tables = Vec::new();
    for built in batches.values_mut() {
        merge(&mut tables, std::mem::take(stage(&mut built.batch)));
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
fn written_tables(batch: &Batch) -> BTreeMap<&'static str, u64> {
    let tables = batch.entities.iter().chain(&batch.derived);
    tables.filter(|t| !t.is_empty()).map(|t| (t.spec().name, batch.version)).collect()
}

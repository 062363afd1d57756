//! Taking partitions: claim a term, read the entities back, refuse what does not add up (DESIGN 2.5, 2.6).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sarafan_core::definitions::Epoch;
use sarafan_core::rows;
use sarafan_core::table::Table;
use sarafan_core::tenure::{Claim, Entry, Refusal, Surroundings};
use sarafan_core::vocabulary::Subject;
use sarafan_core::{Placement, Shard};
use sarafan_store::{Scope, StoreError, Warehouse};
use sarafan_stream::{AssignedPartition, Position, fail_point};
use tokio::time::Instant;

use crate::fail_points;
use crate::fault::Fault;
use crate::keeper::{Held, Keeper};
use crate::log::{Log, number};
use crate::waiting::Waiting;

/// How often a wait for a long read says that it is one.
const BEAT: Duration = Duration::from_secs(1);

/// What a scan brought back for one partition.
pub(crate) struct Scanned {
    pub(crate) shard: Shard,
    highest: BTreeMap<String, u64>,
    /// How high an earlier copy into this epoch reaches, and what was read beside the entities; 0 where nothing is copied.
    pub(crate) highest_copied: u64,
}

impl<W: Warehouse, L: Log> Keeper<W, L> {
    /// Takes partitions and says where to read each from; those that are refused are left out.
    pub(crate) async fn take(&mut self, parts: &[AssignedPartition]) -> Result<Vec<Position>, Fault> {
        let began = Instant::now();
        self.forget(parts.iter().map(|part| number(part.partition.partition)));
        self.ready.not_ready("partitions are being restored");
        let mut starts = Vec::with_capacity(parts.len());
        let mut remaining = self.worth_taking(parts).await?;
        while !remaining.is_empty() {
            let (taken, again) = self.try_take(&remaining).await?;
            starts.extend(taken);
            remaining = again;
        }
        self.metrics.restore_seconds.observe(began.elapsed().as_secs_f64());
        self.publish_standing();
        // That they are held is to be seen at once, as that they are not is.
        self.withdraw_figures();
        Ok(starts)
    }

    /// One attempt; partitions where another first owner appeared in an empty ledger are to be tried again.
    async fn try_take(
        &mut self,
        parts: &[AssignedPartition],
    ) -> Result<(Vec<Position>, Vec<AssignedPartition>), Fault> {
        self.persist(|| self.store.check_state()).await?;
        self.persist(|| self.store.sync_replicas()).await?;
        let (parts, claims) = self.claim(parts).await?;
        if parts.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let mut scanned = self.scan(&claims).await?;
        let (ledger_now, _) = self.persist(|| self.read_ledger()).await?;
        let mut before = self.records_before(&parts, &claims).await?;
        let (mut starts, mut again) = (Vec::new(), Vec::new());
        for (part, claim) in parts.iter().zip(claims) {
            let partition = number(part.partition.partition);
            let Some(found) = scanned.remove(&partition) else { continue };
            if claim.must_start_over(&ledger_now) {
                tracing::info!(partition, "another first owner appeared; taking the partition again");
                again.push(part.clone());
                continue;
            }
            starts.extend(self.admit(part, &claim, found, before.remove(&partition)).await?);
            self.pulse.beat();
        }
        Ok((starts, again))
    }

    /// Reads the ledger and claims a term of every partition that is not refused at once.
    async fn claim(
        &mut self,
        parts: &[AssignedPartition],
    ) -> Result<(Vec<AssignedPartition>, Vec<Claim>), Fault> {
        let (ledger_before, incarnation) = self.persist(|| self.read_ledger()).await?;
        self.check_generation(&ledger_before, incarnation)?;
        let copied_from = match self.copied_from {
            Some(epoch) => self.persist(|| self.store.read_ledger(epoch)).await?,
            None => Vec::new(),
        };
        // A candidate's own ledger may be empty; what it copies tells as well.
        self.check_generation(&copied_from, incarnation)?;
        let mut claims = Vec::with_capacity(parts.len());
        for part in parts {
            let placement = self.placement(number(part.partition.partition));
            let owner = self.chance.owner()?;
            claims.push(Claim::beside(&ledger_before, &copied_from, placement, owner, incarnation));
        }
        let refused = self.check_first(parts, &claims).await?;
        let may = |(_, claim): &(AssignedPartition, Claim)| !refused.contains_key(&claim.entry.partition);
        let (parts, claims): (Vec<_>, Vec<_>) = parts.iter().cloned().zip(claims).filter(may).unzip();
        refused.into_iter().for_each(|(partition, refusal)| self.refuse(partition, refusal));
        let claimed: Vec<Entry> = claims.iter().map(|claim| claim.entry.clone()).collect();
        self.persist(|| self.store.write_ledger(self.definitions.epoch, &claimed)).await?;
        fail_point::pass(fail_points::TERM_CLAIMED);
        self.metrics.terms.inc_by(claims.len() as u64);
        Ok((parts, claims))
    }

    /// An owner of another generation means other customers by the same partition: it must not even claim.
    fn check_generation(&self, ledger: &[Entry], incarnation: u64) -> Result<(), Fault> {
        let mut current = ledger.iter().filter(|entry| entry.incarnation == incarnation);
        match current.find(|entry| entry.generation != self.generation) {
            None => Ok(()),
            Some(other) => Err(Fault::OtherGeneration {
                topic: self.topic.to_string(),
                generation: self.generation,
                ledger: other.generation,
            }),
        }
    }

    /// Where the ledger knows nothing there must be nothing, else it was lost. Asked before the claims are written: they
    /// are ledger rows themselves, and would let the next start pass. The partitions that are refused.
    async fn check_first(
        &self,
        parts: &[AssignedPartition],
        claims: &[Claim],
    ) -> Result<BTreeMap<u16, Refusal>, Fault> {
        let unknown = claims.iter().filter(|claim| !claim.found_ledger && claim.copied.is_none());
        let partitions: Vec<u16> = unknown.map(|claim| claim.entry.partition).collect();
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let scope = Scope { epoch: self.definitions.epoch, partitions, partition_count: self.partitions };
        let entities = self.patiently(self.persist(|| self.count_entities(&scope))).await?;
        let (ledger_now, _) = self.persist(|| self.read_ledger()).await?;
        // Where another first owner has appeared meanwhile, the rows may be its own: seen to after the scan.
        let alone = parts.iter().zip(claims).filter(|(_, claim)| !claim.must_start_over(&ledger_now));
        let refusal = |(part, claim): (&AssignedPartition, &Claim)| {
            let partition = claim.entry.partition;
            let held = entities.get(&partition).copied().unwrap_or(0);
            let refusal = claim.may_be_first(held, part.committed.map(i64::cast_unsigned)).err()?;
            Some((partition, refusal))
        };
        Ok(alone.filter_map(refusal).collect())
    }

    /// Waits for a read of whole tables. It may take far longer than a loop may be silent, and has a limit of its own.
    pub(crate) async fn patiently<T>(&self, read: impl Future<Output = T>) -> T {
        let mut read = std::pin::pin!(read);
        loop {
            // What is done needs no beat any more.
            tokio::select! {
                biased;
                done = read.as_mut() => return done,
                () = tokio::time::sleep(BEAT) => self.pulse.beat(),
            }
        }
    }

    async fn count_entities(&self, scope: &Scope) -> Result<BTreeMap<u16, u64>, StoreError> {
        let mut counts = BTreeMap::new();
        for table in rows::folded().filter_map(rows::entity_table) {
            for height in self.store.heights(scope, table).await? {
                *counts.entry(height.partition).or_default() += height.rows;
            }
        }
        Ok(counts)
    }

    /// Reads the entities of all partitions back, in one scan of the epoch that holds them, and how high the tables of
    /// customers reach.
    async fn scan(&self, claims: &[Claim]) -> Result<BTreeMap<u16, Scanned>, Fault> {
        let of = |claim: &Claim| claim.entry.partition;
        let (copied, own): (Vec<&Claim>, Vec<&Claim>) = claims.iter().partition(|c| c.copied.is_some());
        let mut scanned = self.scan_epoch(self.definitions.epoch, own.into_iter().map(of).collect()).await?;
        if let Some(epoch) = self.copied_from {
            let partitions: Vec<u16> = copied.into_iter().map(of).collect();
            let earlier = self.earlier_copies(&partitions).await?;
            let mut copied = self.scan_epoch(epoch, partitions).await?;
            self.fill_in(&mut copied).await?;
            for (partition, mut found) in copied {
                found.highest_copied =
                    earlier.get(&partition).copied().unwrap_or(0).max(found.highest_copied);
                scanned.insert(partition, found);
            }
        }
        // Whoever reads the log from its start counts what arrived from the start.
        let known: Vec<u16> = claims.iter().filter(|c| c.base().resume_at() > 0).map(of).collect();
        let arrivals = self.persist(|| self.store.read_arrivals(&known)).await?;
        for (partition, table) in arrivals {
            if let Some(found) = scanned.get_mut(&partition) {
                found.shard.restore_arrivals(&table);
            }
        }
        Ok(scanned)
    }

    async fn scan_epoch(&self, epoch: Epoch, partitions: Vec<u16>) -> Result<BTreeMap<u16, Scanned>, Fault> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let scope = Scope { epoch, partitions, partition_count: self.partitions };
        self.patiently(self.persist(|| self.scan_once(&scope))).await?
    }

    async fn scan_once(&self, scope: &Scope) -> Result<Result<BTreeMap<u16, Scanned>, Fault>, StoreError> {
        let fresh = |partition: &u16| Shard::new(Arc::clone(&self.definitions), self.placement(*partition));
        let mut shards: BTreeMap<u16, Shard> = scope.partitions.iter().map(|p| (*p, fresh(p))).collect();
        let mut outcome = Ok(());
        let piece = |subject: Subject, partition: u16, table: Table| {
            if let (Ok(()), Some(shard)) = (&outcome, shards.get_mut(&partition)) {
                outcome = shard.restore(subject, &table).map_err(|error| Fault::Shard { partition, error });
            }
        };
        let mut highest = self.store.read_entities(scope, piece).await?;
        let scanned = shards.into_iter().map(|(partition, shard)| {
            let highest = highest.remove(&partition).unwrap_or_default();
            (partition, Scanned { shard, highest, highest_copied: 0 })
        });
        Ok(outcome.map(|()| scanned.collect()))
    }

    /// Fingerprints of the records before the claims' positions, where the topic still holds them.
    async fn records_before(
        &self,
        parts: &[AssignedPartition],
        claims: &[Claim],
    ) -> Result<BTreeMap<u16, u64>, Fault> {
        let before = |(part, claim): (&AssignedPartition, &Claim)| {
            let offset = claim.base().position.checked_sub(1)?;
            let held = (part.low..part.high).contains(&offset.cast_signed());
            held.then_some((claim.entry.partition, offset))
        };
        let offsets: BTreeMap<u16, u64> = parts.iter().zip(claims).filter_map(before).collect();
        if offsets.is_empty() {
            return Ok(BTreeMap::new());
        }
        Ok(self.log.fingerprints(offsets).await?)
    }

    /// Takes a partition, or refuses it.
    async fn admit(
        &mut self,
        part: &AssignedPartition,
        claim: &Claim,
        found: Scanned,
        record_before: Option<u64>,
    ) -> Result<Option<Position>, Fault> {
        let partition = number(part.partition.partition);
        let Scanned { mut shard, highest, highest_copied } = found;
        let mut surroundings = Surroundings {
            entities: shard.entities(),
            entities_at_base: shard.entities_up_to(shard.version_of(claim.base().position)),
            highest,
            highest_copied,
            low: part.low.cast_unsigned(),
            high: part.high.cast_unsigned(),
            committed: part.committed.map(i64::cast_unsigned),
            record_before,
        };
        let mut admission = claim.admit(&surroundings, shard.placement());
        if let Err(Refusal::TopicEndsEarlier { .. }) = admission {
            // The end is older than the rows: an owner that did not know of us yet may have gone on beyond it.
            let ends = self.log.ends().await?;
            let high = ends.get(usize::from(partition)).map(|ends| ends.high.cast_unsigned());
            surroundings.high = high.unwrap_or(surroundings.high);
            admission = claim.admit(&surroundings, shard.placement());
        }
        let admission = match admission {
            Ok(admission) => admission,
            Err(refusal) => {
                self.refuse(partition, refusal);
                return Ok(None);
            }
        };
        self.no_longer_refused(partition);
        shard.resume(admission.position, admission.dirty_until);
        let replay_until = admission.dirty_until.max(surroundings.committed.unwrap_or(0));
        tracing::info!(
            partition,
            term = claim.entry.term,
            entities = surroundings.entities,
            position = admission.position,
            dirty_until = admission.dirty_until,
            "partition taken"
        );
        let offset = admission.position.cast_signed();
        let tenure = admission.tenure;
        let held = Held {
            shard,
            tenure,
            cells_written: false,
            live_since: None,
            collected: false,
            recorded: admission.position,
            last_record: claim.base().last_record,
            to_copy: claim.copied.is_some(),
            copied: BTreeMap::new(),
            replay_until,
            unacknowledged: false,
            waiting: Waiting::default(),
        };
        self.held.insert(partition, held);
        Ok(Some(Position::new(part.partition.clone(), offset)))
    }

    pub(crate) fn placement(&self, partition: u16) -> Placement {
        let (epoch, generation, partitions) = (self.definitions.epoch, self.generation, self.partitions);
        Placement { epoch, generation, partition, partitions }
    }
}

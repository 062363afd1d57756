//! Fail closed: what was read must be what the ledger says was written, and the topic must be the one it was (DESIGN 2.6).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use thiserror::Error;

use super::{Claim, Entry, TableHeight, Tenure};
use crate::planted::planted;
use crate::rows;
use crate::shard::{Placement, Tenancy, as_of};
use crate::table::TableSpec;

/// What was found around the entity rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Entities read.
    pub entities: u64,
    /// Entities read whose first version is at or below that of the claim's position.
    pub entities_at_base: u64,
    /// The highest version found, per table of entities and of customers; 0 for none.
    pub highest: BTreeMap<String, u64>,
    /// Where entities are copied from another epoch: the highest version that an earlier attempt has written; else 0.
    pub highest_copied: u64,
    /// First offset that the topic still has.
    pub low: u64,
    /// Offset after its last.
    pub high: u64,
    /// What the consumer group has committed: advisory, but a sign that there was state.
    pub committed: Option<u64>,
    /// Fingerprint of the record before the claim's position; nothing when the topic no longer holds it.
    pub record_before: Option<u64>,
}

/// From where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The term.
    pub tenure: Tenure,
    /// The first offset to read.
    pub position: u64,
    /// F as a position: until then every record marks its customer dirty.
    pub dirty_until: u64,
}

/// Why a partition is refused. Each names the way out; `RUNBOOK, SarafanPartitionRefused` has the steps.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Entity rows are missing.
    #[error(
        "the ledger says {expected} entities and the tables hold {found}: rows were lost, or a replica is behind; unless \
         that passes, run `sarafan adopt`, which has the topic read again"
    )]
    EntitiesLost {
        /// What the ledger says.
        expected: u64,
        /// What was read.
        found: u64,
    },
    /// There are entity rows that no record has made.
    #[error(
        "the ledger says {expected} entities and the tables hold {found}: something else than sarafan wrote to them; \
         name new databases in [clickhouse], then run `sarafan migrate` and `sarafan adopt`, which has the topic read again"
    )]
    EntitiesAdded {
        /// What the ledger says.
        expected: u64,
        /// What was read.
        found: u64,
    },
    /// Acknowledged rows are not there.
    #[error(
        "table {table} ends at version {found} and version {acknowledged} was acknowledged: rows were lost, or a replica \
         is behind; unless that passes, run `sarafan adopt`, which has the topic read again"
    )]
    Behind {
        /// The table.
        table: String,
        /// The highest version found.
        found: u64,
        /// The highest version acknowledged.
        acknowledged: u64,
    },
    /// There are rows, and no ledger.
    #[error(
        "the tables hold {entities} entities and the ledger does not know the partition: the ledger was lost; restore it \
         from a backup, or run `sarafan adopt`, which has the topic read again"
    )]
    NoLedger {
        /// Entities read.
        entities: u64,
    },
    /// The group has committed and there is no state.
    #[error(
        "the consumer group has read up to offset {committed} and the store is empty: [clickhouse] names another store, or \
         it was emptied; name the right one, or run `sarafan adopt`, which has the topic read again"
    )]
    StateLost {
        /// What the group committed.
        committed: u64,
    },
    /// Records that were not read are gone from the topic.
    #[error(
        "the topic starts at offset {low} and is to be read from {position}: records that the tables lack are gone; \
         restore the topic, or start over from the sources (RUNBOOK, SarafanPartitionRefused)"
    )]
    TopicStartsLater {
        /// First offset of the topic.
        low: u64,
        /// Where reading has to go on.
        position: u64,
    },
    /// The topic is shorter than what was read from it.
    #[error(
        "the topic ends at offset {high} and rows of position {position} exist: it was recreated or lost; restore it, or \
         start over from the sources (RUNBOOK, SarafanPartitionRefused)"
    )]
    TopicEndsEarlier {
        /// Offset after the last of the topic.
        high: u64,
        /// The position of the highest row.
        position: u64,
    },
    /// What must be read again was in an earlier topic.
    #[error(
        "rows would have to be read again from the topic's start, and it is generation {generation}: what came before is in an \
         earlier topic; restore a backup that the ledger agrees with, or start over from the sources \
         (RUNBOOK, SarafanPartitionRefused)"
    )]
    EarlierTopic {
        /// Generation of the present topic.
        generation: u16,
    },
    /// The log is not the one that was read.
    #[error(
        "the record before offset {position} is not the one that was applied there: the topic was recreated; restore it, \
         or start over from the sources (RUNBOOK, SarafanPartitionRefused)"
    )]
    OtherLog {
        /// Where the ledger goes on.
        position: u64,
    },
}

impl Refusal {
    /// The label of the refusal in metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::EntitiesLost { .. } => "entities_lost",
            Self::EntitiesAdded { .. } => "entities_added",
            Self::Behind { .. } => "table_behind",
            Self::NoLedger { .. } => "no_ledger",
            Self::StateLost { .. } => "state_lost",
            Self::TopicStartsLater { .. } => "topic_starts_later",
            Self::TopicEndsEarlier { .. } => "topic_ends_earlier",
            Self::EarlierTopic { .. } => "earlier_topic",
            Self::OtherLog { .. } => "other_log",
        }
    }

    /// What was found, without the way out.
    pub fn finding(&self) -> String {
        let text = self.to_string();
        text.split_once("; ").map_or_else(|| text.clone(), |(finding, _)| finding.to_owned())
    }

    /// Whether reading the topic again from its start makes good what the tables lack.
    pub const fn heals_by_reading_again(&self) -> bool {
        match self {
            Self::EntitiesLost { .. }
            | Self::Behind { .. }
            | Self::NoLedger { .. }
            | Self::StateLost { .. } => true,
            Self::EntitiesAdded { .. }
            | Self::EarlierTopic { .. }
            | Self::TopicStartsLater { .. }
            | Self::TopicEndsEarlier { .. }
            | Self::OtherLog { .. } => false,
        }
    }
}

impl Claim {
    /// Admits the claim, or refuses the partition.
    ///
    /// # Errors
    /// The first [`Refusal`] that holds.
    pub fn admit(&self, found: &Surroundings, placement: Placement) -> Result<Admission, Refusal> {
        let base = self.base();
        let position = base.resume_at();
        let position = match found.committed {
            Some(committed) if planted("planted::resume_from_commit") => committed,
            _ => position,
        };
        let until = found.highest.values().copied().max().unwrap_or(0).max(found.highest_copied);
        let (generation, reached) = as_of(until);
        // An earlier generation's rows lie before the start of this one.
        let dirty_until = if generation == placement.generation { reached } else { 0 };
        let dirty_until = if planted("planted::dirty_until_ledger") { position } else { dirty_until };
        let state = self.check_state(found);
        if !planted("planted::refused_and_taken") {
            state?;
        }
        if found.low > position {
            return Err(Refusal::TopicStartsLater { low: found.low, position });
        }
        let reached = dirty_until.max(position);
        if found.high < reached {
            return Err(Refusal::TopicEndsEarlier { high: found.high, position: reached });
        }
        self.check_log(found)?;
        let entry = &self.entry;
        let tenancy = Tenancy { term: entry.term, owner: entry.owner, incarnation: entry.incarnation };
        let heights = heights(self.copied.is_none().then_some(&found.highest), position);
        let tenure = Tenure { tenancy, placement, until, sequence: 0, live: false, heights };
        Ok(Admission { tenure, position, dirty_until })
    }

    /// Whether a claim on a partition that the ledger does not know may be written: there must never have been state.
    /// A claim is a ledger row itself, so one that is written and refused afterwards lets the next start pass.
    ///
    /// `entities` are to be counted before the ledger is read once more ([`Claim::must_start_over`]): whoever writes
    /// entities has written a claim before.
    ///
    /// # Errors
    /// [`Refusal::NoLedger`], [`Refusal::StateLost`].
    pub fn may_be_first(&self, entities: u64, committed: Option<u64>) -> Result<(), Refusal> {
        match committed {
            _ if self.found_ledger || self.copied.is_some() => Ok(()),
            _ if entities > 0 => Err(Refusal::NoLedger { entities }),
            Some(committed) if committed > 0 => Err(Refusal::StateLost { committed }),
            _ => Ok(()),
        }
    }

    /// Whether the log is the one that the ledger speaks of. DESIGN 2.6 asks for the topic's id, which the client library
    /// does not tell; the log itself tells as much.
    pub(super) fn check_log(&self, found: &Surroundings) -> Result<(), Refusal> {
        let Entry { position, last_record, .. } = *self.base();
        if last_record != 0 && found.record_before.is_some_and(|before| before != last_record) {
            return Err(Refusal::OtherLog { position });
        }
        Ok(())
    }

    /// Whether the tables hold what the ledger says.
    pub(super) fn check_state(&self, found: &Surroundings) -> Result<(), Refusal> {
        if !self.found_ledger && self.copied.is_none() {
            return self.may_be_first(found.entities, found.committed);
        }
        let base = self.base();
        let (expected, entities) = (base.entities, found.entities_at_base);
        match entities.cmp(&expected) {
            Ordering::Less => return Err(Refusal::EntitiesLost { expected, found: entities }),
            Ordering::Greater => return Err(Refusal::EntitiesAdded { expected, found: entities }),
            Ordering::Equal => {}
        }
        for TableHeight { table, highest: acknowledged, .. } in &base.tables {
            let found = found.highest.get(table).copied().unwrap_or(0);
            if found < *acknowledged {
                let (table, acknowledged) = (table.clone(), *acknowledged);
                return Err(Refusal::Behind { table, found, acknowledged });
            }
        }
        Ok(())
    }
}

impl Entry {
    /// What the ledger says of a partition of a new generation whose cells were written and of which nothing was read yet:
    /// the entities are those that earlier generations left (DESIGN 2, Topic generations).
    pub fn of_new_generation(
        placement: Placement,
        tenancy: &Tenancy,
        entities: u64,
        highest: &BTreeMap<String, u64>,
    ) -> Self {
        Self {
            generation: placement.generation,
            partition: placement.partition,
            term: tenancy.term,
            owner: tenancy.owner,
            sequence: 0,
            incarnation: tenancy.incarnation,
            live: true,
            position: 0,
            last_record: 0,
            entities,
            tables: heights(Some(highest), 0),
        }
    }
}

/// Every table of entities and of customers, at what was found in it; where rows are copied, nothing is there yet.
pub(super) fn heights(found: Option<&BTreeMap<String, u64>>, position: u64) -> Vec<TableHeight> {
    let height = |table: &TableSpec| TableHeight {
        table: table.name.to_owned(),
        position,
        highest: found.and_then(|highest| highest.get(table.name)).copied().unwrap_or(0),
    };
    rows::versioned().map(height).collect()
}

//! Who may write a partition's rows, from where, and whom views believe: terms, as decisions without IO (DESIGN 2.5, 2.6).
//!
//! The aggregator reads and writes; here it is decided what. The order of a life:
//!
//! 1. read the ledger, [`Claim::on`] it: a row that is not yet live, under a number nobody has used and a random owner;
//!    where the ledger knows nothing, [`Claim::may_be_first`] is asked before that row is written;
//! 2. read the entity rows; [`Claim::admit`] refuses what does not add up, else says where to resume;
//! 3. apply, and write nothing until [`Tenure::may_write`]: before F the state mixes offsets;
//! 4. write all cells, then look at the ledger again: [`Tenure::may_go_live`];
//! 5. before each flush, and when idle, [`Tenure::standing`]: a higher term ends this one.
//!
//! A store that was restored from a backup is adopted: [`Restored::adopt`].

mod admit;
mod adopt;
mod ledger;

pub use admit::{Admission, Refusal, Surroundings};
pub use adopt::{Adoption, Restored, Trust};
pub use ledger::{Entry, TableHeight};

use std::collections::BTreeMap;

use crate::planted::planted;
use crate::shard::{Placement, Tenancy};

/// A term that was claimed and not yet admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The ledger row to write: not live, sequence 0, with the numbers of what it builds on.
    pub entry: Entry,
    /// Whether the ledger knew the partition before.
    pub found_ledger: bool,
    /// What the ledger of another epoch says of the partition, where its entities are to be copied from.
    pub copied: Option<Entry>,
}

/// A term that may apply records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    tenancy: Tenancy,
    placement: Placement,
    /// F: the highest version in any row that was read.
    until: u64,
    sequence: u64,
    live: bool,
    heights: Vec<TableHeight>,
}

/// What a batch that was just built has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Offsets applied: the next one to read.
    pub position: u64,
    /// Fingerprint of the record before the position; 0 for none.
    pub last_record: u64,
    /// Entities held.
    pub entities: u64,
    /// Tables of entities and of customers that have new rows, with the highest version of these.
    pub written: &'a BTreeMap<&'static str, u64>,
}

/// A term that views show: every lower one of its partition is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveTerm {
    /// The partition.
    pub partition: u16,
    /// Its number.
    pub term: u32,
    /// Its owner.
    pub owner: u64,
}

/// Where an owner stands among the terms of its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody came after it.
    Holds,
    /// A higher term was claimed: stop, or take a new one if the partition is still ours.
    Overtaken,
    /// The store was replaced by another incarnation of itself: take the partition again.
    OtherIncarnation,
    /// The ledger lacks what this owner wrote: the store was set back to an earlier state. Take the partition again, and
    /// record nothing on top of it: rows between the two are gone.
    SetBack,
}

impl Claim {
    /// Claims a partition on what the ledger says of it. Rows of another incarnation count for nobody.
    pub fn on(ledger: &[Entry], placement: Placement, owner: u64, incarnation: u64) -> Self {
        let mine =
            || ledger.iter().filter(|e| e.partition == placement.partition && e.incarnation == incarnation);
        let highest = mine().max_by_key(|e| e.rank());
        let live = mine().filter(|e| e.live).max_by_key(|e| e.rank());
        let base = live.or(highest);
        let term = mine().map(|e| e.term).max().unwrap_or(0);
        let term = term + u32::from(!planted("planted::term_number_again"));
        let owner = if planted("planted::owner_id_left_out") { 0 } else { owner };
        let position = base.map_or(0, |b| b.position);
        let entry = Entry {
            generation: placement.generation,
            partition: placement.partition,
            term,
            owner,
            sequence: if planted("planted::ledger_versioned_by_offset") { position } else { 0 },
            incarnation,
            live: false,
            position,
            last_record: base.map_or(0, |b| b.last_record),
            entities: base.map_or(0, |b| b.entities),
            tables: base.map(|b| b.tables.clone()).unwrap_or_default(),
        };
        Self { entry, found_ledger: base.is_some(), copied: None }
    }

    /// Claims a partition for a candidate, an epoch that is built beside the live one: as [`Claim::on`] its own ledger
    /// once that says anything of rows; until then on the live epoch's, whose entities are copied.
    ///
    /// The claim itself does not speak of what is copied, so that whoever comes after a copy that was broken off finds
    /// nothing and copies anew.
    pub fn beside(
        ledger: &[Entry],
        live: &[Entry],
        placement: Placement,
        owner: u64,
        incarnation: u64,
    ) -> Self {
        let mut claim = Self::on(ledger, placement, owner, incarnation);
        if claim.entry.tables.is_empty() {
            let copied = Self::on(live, placement, owner, incarnation);
            claim.copied = copied.found();
        }
        claim
    }

    /// The ledger row that it goes on from, as a claim; nothing where the ledger does not know the partition.
    pub fn found(self) -> Option<Entry> {
        self.found_ledger.then_some(self.entry)
    }

    /// What the rows that are read must agree with, and from where to go on.
    pub fn base(&self) -> &Entry {
        self.copied.as_ref().unwrap_or(&self.entry)
    }

    /// Whether something that is not this claim appeared in a ledger that was empty: then all starts over.
    pub fn must_start_over(&self, ledger_now: &[Entry]) -> bool {
        let other = |e: &Entry| e.partition == self.entry.partition && e.rank() != self.entry.rank();
        if planted("planted::no_second_look") {
            return false;
        }
        !self.found_ledger && ledger_now.iter().any(|e| e.incarnation == self.entry.incarnation && other(e))
    }
}

impl Tenure {
    /// Under which term its cells stand.
    pub fn tenancy(&self) -> &Tenancy {
        &self.tenancy
    }

    /// Whether views show its cells.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// F: below this version nothing may be written.
    pub fn until(&self) -> u64 {
        self.until
    }

    /// Whether the state is that of one offset: only then rows may be written.
    pub fn may_write(&self, version: u64) -> bool {
        version >= self.until || planted("planted::no_wait_for_f")
    }

    /// Whether the term may be shown: no live term has seen more.
    pub fn may_go_live(&self, position: u64, ledger: &[Entry]) -> bool {
        let rivals = ledger.iter().filter(|e| e.partition == self.placement.partition && e.live);
        if planted("planted::live_whoever_has_seen_more") {
            return true;
        }
        let same = rivals.filter(|e| e.incarnation == self.tenancy.incarnation);
        same.map(|e| e.position).max().is_none_or(|shown| position >= shown)
    }

    /// Where the owner stands, while no row of its own is under way: its last one was acknowledged.
    pub fn standing(&self, ledger: &[Entry], incarnation: u64) -> Standing {
        if planted("planted::never_overtaken") {
            return Standing::Holds;
        }
        if incarnation != self.tenancy.incarnation {
            return Standing::OtherIncarnation;
        }
        let of_partition = || {
            ledger.iter().filter(|e| e.partition == self.placement.partition && e.incarnation == incarnation)
        };
        let own = (self.tenancy.term, self.tenancy.owner);
        let recorded = of_partition().find(|e| e.rank() == own).map(|e| e.sequence);
        if recorded.is_none_or(|sequence| sequence < self.sequence) && !planted("planted::never_set_back") {
            return Standing::SetBack;
        }
        match of_partition().map(Entry::rank).max() {
            Some(highest) if highest > own => Standing::Overtaken,
            _ => Standing::Holds,
        }
    }

    /// The ledger row of the batch that was just built. It is to be written after all of the batch's rows were
    /// acknowledged.
    pub fn next_entry(&mut self, progress: &Progress<'_>, live: bool) -> Entry {
        self.sequence = if planted("planted::ledger_versioned_by_offset") {
            progress.position
        } else {
            self.sequence + 1
        };
        self.live |= live;
        for height in &mut self.heights {
            height.position = progress.position + u64::from(planted("planted::position_off_by_one"));
            if let Some(version) = progress.written.get(height.table.as_str()) {
                height.highest = height.highest.max(*version);
            }
        }
        Entry {
            generation: self.placement.generation,
            partition: self.placement.partition,
            term: self.tenancy.term,
            owner: self.tenancy.owner,
            sequence: self.sequence,
            incarnation: self.tenancy.incarnation,
            live: self.live,
            position: progress.position + u64::from(planted("planted::position_off_by_one")),
            last_record: progress.last_record,
            entities: progress.entities,
            tables: self.heights.clone(),
        }
    }
}

#[cfg(test)]
mod tests;

//! Adopting a store that was restored from a backup: what its ledger is to say from now on (DESIGN 2.6).
//!
//! A backup is a state of each table at a moment, and the moments may differ. The topic goes on where it was. From which
//! position may an owner read again so that nothing is lost?
//!
//! - **Reading again too much is harmless.** A row says what its key was as of a version, whoever wrote it and whenever;
//!   records merge idempotently; and nothing is written before F, the highest row that was read. So position 0 is always
//!   right where the topic still begins at 0, whatever the tables hold or lack. Every later position needs a reason.
//! - **The ledger's position is right when no table is older than the ledger.** When the row was written, every table
//!   had all that follows from the records before its position (DESIGN 2.4: the ledger comes last), and rows are never
//!   taken away. A table that was backed up later has that and more: rows above the position, which raise F. Hence *the
//!   ledger is backed up first*.
//! - **An older table shows itself.** If a table was backed up before the ledger, rows were acknowledged in between that
//!   it lacks. Either one of them has the highest version that the ledger knows of that table, and the table ends below
//!   it; or they made new entities, and the count differs. Then the ledger's position is no reason any more. The versions
//!   of entities would give a later position than 0, but details have none, and what they lack nobody can tell. So the
//!   partition is read from the start.
//! - **Owners that live on** do not know that the store was set back. What they write of entities says what it is a
//!   value of, as every row; cells stand under their own terms, of an incarnation that no view shows; and their ledger
//!   rows are of that incarnation. Between the restore and the adoption an owner sees that its own ledger row is gone or
//!   older than it wrote ([`Standing::SetBack`](super::Standing::SetBack)), and records nothing on top of it.
//!
//! A doubt that these checks do not see (a backup whose order is not known, rows set back by hand) is answered by
//! [`Trust::Nothing`]. Nothing answers a row that says what no record said: it is as new as the record that it claims to
//! follow, and stays. Then only new databases help.
//!
//! The terms of the backup are numbers that may be used again by owners whose rows were lost with the restore. Owners
//! have random ids, and so has an incarnation: neither numbers can meet.

use super::admit::{Refusal, Surroundings, heights};
use super::{Claim, Entry};
use crate::shard::Placement;

/// What of a restored store is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The ledger, where the tables bear it out.
    Ledger,
    /// Nothing: every partition is read from the start of its topic.
    Nothing,
}

/// One partition of a restored store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// The ledger row to write: not live, of the new incarnation.
    pub entry: Entry,
    /// F as a position: until then owners write nothing.
    pub dirty_until: u64,
    /// Why the ledger is not believed, when it is not and was asked.
    pub doubt: Option<Refusal>,
}

impl Adoption {
    /// The first offset that is read again.
    pub fn resume_at(&self) -> u64 {
        self.entry.resume_at()
    }
}

/// What there is to go by.
#[derive(Debug, Clone)]
pub struct Restored<'a> {
    /// The ledger as it was restored, of all incarnations.
    pub ledger: &'a [Entry],
    /// The incarnation that was restored.
    pub incarnation: u64,
    /// Where the partition stands.
    pub placement: Placement,
    /// Whether there was an earlier topic: what came before this generation is not in the one that would be read again.
    pub has_earlier: bool,
}

impl Restored<'_> {
    /// The row that the partition would go on from, if the ledger knows it. Entities are to be counted up to its position,
    /// and the record before that is to be looked at; without it both stand at 0.
    pub fn base(&self) -> Option<Entry> {
        self.claim().found()
    }

    /// The ledger row of the partition in the new `incarnation`.
    ///
    /// # Errors
    /// A [`Refusal`] where what must be read again is not in the topic, or where reading it again does not help.
    pub fn adopt(&self, found: &Surroundings, trust: Trust, incarnation: u64) -> Result<Adoption, Refusal> {
        let claim = self.claim();
        let mut believed = claim.clone();
        let mut doubt = None;
        if trust == Trust::Ledger
            && let Err(refusal) = claim.check_state(found)
        {
            if !refusal.heals_by_reading_again() {
                return Err(refusal);
            }
            doubt = Some(refusal);
        }
        let again = trust == Trust::Nothing || doubt.is_some() || !claim.found_ledger;
        if again {
            claim.check_log(found)?;
            believed.entry.position = 0;
            believed.entry.last_record = 0;
            believed.entry.entities = 0;
            believed.entry.tables = heights(Some(&found.highest), 0);
        }
        let admission = Claim { found_ledger: true, ..believed.clone() }.admit(
            &Surroundings { entities_at_base: believed.entry.entities, ..found.clone() },
            self.placement,
        )?;
        if again && self.has_earlier {
            return Err(Refusal::EarlierTopic { generation: self.placement.generation });
        }
        let highest_term = self.of_partition().map(|entry| entry.term).max().unwrap_or(0);
        let entry = Entry { incarnation, term: highest_term + 1, ..believed.entry };
        Ok(Adoption { entry, dirty_until: admission.dirty_until, doubt })
    }

    /// As the next owner would claim it. No owner has the id 0, so that no two rows are of one term.
    fn claim(&self) -> Claim {
        Claim::on(self.ledger, self.placement, 0, self.incarnation)
    }

    fn of_partition(&self) -> impl Iterator<Item = &Entry> {
        self.ledger.iter().filter(|entry| entry.partition == self.placement.partition)
    }
}

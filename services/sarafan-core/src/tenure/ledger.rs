//! What the ledger says of a partition.

use crate::planted::planted;

/// A row of the ledger: one term of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Generation of the canonical topic.
    pub generation: u16,
    /// Partition of the canonical topic.
    pub partition: u16,
    /// Number of the term.
    pub term: u32,
    /// Random id of its owner.
    pub owner: u64,
    /// Version of the row within its term: 0 for the claim, then one more per batch built.
    pub sequence: u64,
    /// Incarnation of the store.
    pub incarnation: u64,
    /// Whether views show the term.
    pub live: bool,
    /// Offsets applied: the next one to read.
    pub position: u64,
    /// Fingerprint of the record before the position; 0 for none. Another topic of the same name has another.
    pub last_record: u64,
    /// Entities whose first record lies before the position.
    pub entities: u64,
    /// What is known of each table of entities and of customers.
    pub tables: Vec<TableHeight>,
}

/// How far a table is for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableHeight {
    /// The table.
    pub table: String,
    /// Complete up to this position.
    pub position: u64,
    /// The highest version that was acknowledged; 0 for none.
    pub highest: u64,
}

impl Entry {
    /// What orders terms: the number, then the owner.
    pub fn rank(&self) -> (u32, u64) {
        (self.term, self.owner)
    }

    /// Whether the ledger holds the row before this one, of the same term, or this one already. If not, the store was set
    /// back since: this row would claim what is no longer in the tables, and must not be written.
    pub fn may_follow(&self, ledger: &[Self]) -> bool {
        let same = |e: &&Self| {
            e.partition == self.partition && e.incarnation == self.incarnation && e.rank() == self.rank()
        };
        let recorded = ledger.iter().filter(same).map(|e| e.sequence).max();
        self.sequence == 0
            || planted("planted::never_set_back")
            || recorded.is_some_and(|sequence| sequence + 1 >= self.sequence)
    }

    /// From where to read on: the lowest position of its tables.
    pub fn resume_at(&self) -> u64 {
        self.tables.iter().map(|t| t.position).min().map_or(self.position, |lowest| lowest.min(self.position))
    }
}

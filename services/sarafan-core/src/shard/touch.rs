//! Customers that changed since the last flush: what they were before, so that what they added can be taken away and
//! only rows that differ are written.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Shard;
use crate::metrics::{Basis, contribute};
use crate::planted::planted;
use crate::state::holder::Holder;
use crate::state::settled::Settled;

/// A customer that changed since the last flush.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// What followed from it before; nothing if it is new.
    pub(super) before: Option<Before>,
    /// Entities whose own content changed: place of the subject, id.
    pub(super) changed: BTreeSet<(usize, Arc<str>)>,
    /// Records that changed it.
    pub(super) changes: u32,
    /// A record of it was replayed before the state was whole (DESIGN 2.5).
    pub(super) replayed: bool,
}

impl Touched {
    /// Whether every row is to be written, those that are as before too.
    ///
    /// After one change a row that is as before may stay: whatever an earlier owner writes late says the same. After
    /// several it may have been something else in between, and an earlier owner may yet write that: only a row of a
    /// later version wins over it.
    pub(super) fn everything(&self) -> bool {
        (self.replayed || self.changes > 1) && !planted("planted::only_rows_that_differ")
    }
}

/// What followed from a customer, and the ids that its derived rows belong to.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) settled: Settled,
    pub(super) ids: [Vec<Arc<str>>; 4],
}

impl Before {
    fn of(holder: &Holder, settled: Settled) -> Self {
        let ids = [0, 1, 2, 3].map(|place| holder.of(place).iter().map(|e| Arc::clone(&e.id)).collect());
        Self { settled, ids }
    }
}

impl Shard {
    /// The customer's entry among the touched; at the first touch its contribution is taken out of the cells.
    pub(super) fn touch(&mut self, key: &Arc<str>) -> &mut Touched {
        if !self.touched.contains_key(key) {
            let before = self.settle(key, -1);
            let touched = Touched { before, ..Touched::default() };
            self.touched.insert(Arc::clone(key), touched);
        }
        self.touched.entry(Arc::clone(key)).or_default()
    }

    /// Settles a customer and adds (or takes away, at sign -1) what it contributes.
    pub(super) fn settle(&mut self, key: &Arc<str>, sign: i8) -> Option<Before> {
        let definitions = Arc::clone(&self.definitions);
        let (holders, pending, mut settling) = self.settling();
        let holder = holders.get(key)?;
        let settled = Settled::of(holder, &mut settling);
        let basis = Basis { definitions: &definitions, words: settling.words };
        let cells = if sign < 0 { pending.subtracting() } else { pending.adding() };
        contribute(&settled, &basis, cells);
        Some(Before::of(holder, settled))
    }
}

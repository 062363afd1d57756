//! What a shard shows of itself between flushes: today's figures, and the memory it takes.

use std::sync::Arc;

use super::Shard;
use crate::metrics::{CellKey, Values};
use crate::standing::{Overview, Standing};
use crate::state::holder::Holder;

/// How many customers the estimate of memory looks at.
const SAMPLE: usize = 64;

impl Shard {
    /// Adds the figures of the cells, as the last flush left them, to those of other partitions. The first time and when
    /// the day went back they are counted from all cells, else they have followed.
    pub fn add_figures(&mut self, overview: &mut Overview) {
        let (outlook, today) = (overview.outlook, overview.day());
        let follows = self.standing.as_ref().is_some_and(|standing| standing.can_reach(outlook, today));
        if !follows {
            let mut standing = Standing::new(&self.definitions, &mut self.symbols, outlook, today);
            self.cells.iter().for_each(|(key, values)| standing.add(key, values));
            self.standing = Some(standing);
        }
        if let Some(standing) = &mut self.standing {
            standing.move_to(today);
            standing.add_to(overview, &self.cuts, &self.symbols);
        }
    }

    /// An estimate of the bytes of memory that the state takes: what some of the customers take, for all of them, and
    /// the cells.
    pub fn state_bytes(&self) -> u64 {
        let sampled = self.holders.values().take(SAMPLE);
        let (seen, bytes) = sampled.fold((0, 0), |(n, sum), holder| (n + 1, sum + holder.heap_bytes()));
        let customers = (bytes * self.holders.len()).checked_div(seen).unwrap_or(0);
        let slots = self.holders.capacity() * size_of::<(Arc<str>, Holder)>();
        let cells = self.cells.capacity() * size_of::<(CellKey, Values)>();
        (customers + slots + cells) as u64
    }
}

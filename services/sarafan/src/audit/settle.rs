//! When a difference is one: a flush writes table after table, so beside a live system a recount may see the facts of one
//! offset and the figures of another.
//!
//! A difference is believed at once when nothing was written meanwhile: the ledger is the same before and after the look,
//! and no row is above it. Else it must hold still: the same values and the same version in three looks, after the flush
//! that may have been under way at the first of them is in the ledger. A value that goes on changing is not believed; it
//! is counted as moving, and seen to by the next audit.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use sarafan_store::{Compared, Difference, EXAMPLES, Scope};

use super::{Audit, Finding, Live};

/// Between two looks: longer than the usual flush.
const PAUSE: Duration = Duration::from_millis(500);
/// How often a difference must be seen without a change.
const LOOKS: u32 = 3;

/// Differences that were seen before, and how often in a row.
#[derive(Default)]
struct Seen {
    looks: BTreeMap<Difference, u32>,
}

impl Seen {
    /// Takes what a look found; what it did not find again is forgotten.
    fn look(&mut self, found: &[Difference]) {
        let before = std::mem::take(&mut self.looks);
        self.looks = found.iter().map(|d| (d.clone(), before.get(d).copied().unwrap_or(0) + 1)).collect();
    }

    fn still(&self) -> Vec<Difference> {
        self.looks.iter().filter(|(_, looks)| **looks >= LOOKS).map(|(d, _)| d.clone()).collect()
    }
}

impl Audit<'_> {
    /// Looks until what differs is none, or holds still, or patience ends.
    pub(super) async fn settled(
        &self,
        check: &str,
        scope: &Scope,
        look: impl AsyncFn(&Live) -> anyhow::Result<Compared>,
    ) -> anyhow::Result<Finding> {
        let deadline = Instant::now() + self.extent.patience;
        let mut seen = Seen::default();
        let mut first_heights: Option<BTreeMap<u16, u64>> = None;
        loop {
            let before = self.live().await?;
            let found = look(&before).await?;
            if found.differing == 0 {
                return Ok(Finding::from((check, found)));
            }
            let heights = self.heights(scope).await?;
            let after = self.live().await?;
            if before == after && is_flushed(&after, &heights) {
                return Ok(Finding::from((check, found)));
            }
            seen.look(&found.examples);
            let flushed = is_flushed(&after, first_heights.get_or_insert(heights));
            let still = if flushed { seen.still() } else { Vec::new() };
            let moving = found.differing.saturating_sub(still.len() as u64);
            if moving == 0 || Instant::now() >= deadline {
                return Ok(held(check, &found, still));
            }
            // So many that they are not all told apart: they do not come from a flush under way.
            if still.len() == EXAMPLES {
                return Ok(Finding::from((check, found)));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Whether the ledger has reached these rows.
fn is_flushed(live: &Live, heights: &BTreeMap<u16, u64>) -> bool {
    heights.iter().all(|(partition, highest)| *highest <= live.version(*partition))
}

fn held(check: &str, found: &Compared, still: Vec<Difference>) -> Finding {
    let differing = still.len() as u64;
    let places: BTreeSet<&str> = still.iter().map(|d| d.place.as_str()).collect();
    let others = found.examples.iter().filter(|d| !places.contains(d.place.as_str())).count() as u64;
    Finding {
        check: check.to_owned(),
        compared: found.compared,
        differing,
        moving: others.max(found.differing.saturating_sub(differing)),
        differences: still,
        left_out: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(place: &str, version: u64) -> Difference {
        Difference { place: place.to_owned(), held: "1".to_owned(), recounted: "2".to_owned(), version }
    }

    #[test]
    fn only_what_holds_still_in_three_looks_is_believed() {
        let mut seen = Seen::default();
        for version in [7, 8, 9] {
            seen.look(&[difference("still", 1), difference("moving", version)]);
        }
        assert_eq!(seen.still(), [difference("still", 1)]);
        seen.look(&[difference("moving", 9)]);
        assert!(seen.still().is_empty(), "what was not found again is forgotten");
    }
}

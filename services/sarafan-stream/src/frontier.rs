//! Which offset of a partition may be committed when its records finish out of order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::planted::planted;

/// What a source record still waits for: the acknowledgements of the records that were produced from it.
///
/// One is made per source record and cloned into every produced one. There is no way to take an acknowledgement
/// back and none to skip one: a record that is never acknowledged holds the frontier for ever.
#[derive(Clone, Debug, Default)]
pub struct Receipt(Arc<AtomicU32>);

impl Receipt {
    /// One more produced record has to be acknowledged.
    pub fn expect(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    /// One of them was.
    pub fn acknowledge(&self) {
        // Saturating: an acknowledgement too many must not turn into four thousand million missing ones.
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| open.checked_sub(1));
    }

    /// True when nothing is outstanding.
    pub fn is_settled(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }

    pub(crate) fn into_shared(self) -> Arc<AtomicU32> {
        self.0
    }

    pub(crate) fn from_shared(shared: Arc<AtomicU32>) -> Self {
        Self(shared)
    }
}

/// The contiguous frontier of one partition: the offset below which every source record is settled. Committing the
/// highest settled offset instead would lose the unsettled ones below it after a crash.
#[derive(Debug)]
pub struct Frontier {
    position: i64,
    open: VecDeque<(i64, Receipt)>,
}

/// A record was tracked out of order: the partition was started again without a new frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "offset {offset} was tracked after offset {after}; a partition that starts anew needs a new frontier"
)]
pub struct OutOfOrder {
    /// The offset.
    pub offset: i64,
    /// The lowest offset that could have been tracked.
    pub after: i64,
}

impl Frontier {
    /// A frontier at the position where reading starts.
    pub fn new(start: i64) -> Self {
        Self { position: start, open: VecDeque::new() }
    }

    /// Tracks the record at `offset` until `receipt` is settled. Offsets must rise; holes (compaction, transaction
    /// markers) are fine.
    ///
    /// # Errors
    ///
    /// [`OutOfOrder`] if `offset` is not above everything tracked so far.
    pub fn track(&mut self, offset: i64, receipt: Receipt) -> Result<(), OutOfOrder> {
        let next = self.open.back().map_or(self.position, |(last, _)| last + 1);
        if offset < next {
            return Err(OutOfOrder { offset, after: next });
        }
        self.open.push_back((offset, receipt));
        Ok(())
    }

    /// The position that may be committed now: the next offset to read if the process died.
    pub fn advance(&mut self) -> i64 {
        while let Some((offset, receipt)) = self.open.front() {
            let skipped = planted("planted::frontier_skips_a_gap")
                && self.open.iter().any(|(_, receipt)| receipt.is_settled());
            if !receipt.is_settled() && !skipped {
                break;
            }
            self.position = offset + 1;
            self.open.pop_front();
        }
        self.position
    }

    /// How many records are tracked and not yet known to be settled.
    pub fn open(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_frontier_stops_at_the_first_unsettled_record() {
        let mut frontier = Frontier::new(10);
        let receipts: Vec<Receipt> = (0..3).map(|_| Receipt::default()).collect();
        for (offset, receipt) in (10..).zip(&receipts) {
            receipt.expect();
            frontier.track(offset, receipt.clone()).unwrap();
        }
        receipts[2].acknowledge();
        assert_eq!(frontier.advance(), 10);
        receipts[0].acknowledge();
        assert_eq!(frontier.advance(), 11);
        receipts[1].acknowledge();
        assert_eq!(frontier.advance(), 13);
    }

    #[test]
    fn a_record_that_produced_nothing_is_settled_at_once() {
        let mut frontier = Frontier::new(0);
        frontier.track(0, Receipt::default()).unwrap();
        assert_eq!(frontier.advance(), 1);
    }

    #[test]
    fn a_record_waits_for_all_that_it_produced() {
        let mut frontier = Frontier::new(0);
        let receipt = Receipt::default();
        receipt.expect();
        receipt.expect();
        frontier.track(0, receipt.clone()).unwrap();
        receipt.acknowledge();
        assert_eq!(frontier.advance(), 0);
        receipt.acknowledge();
        assert_eq!(frontier.advance(), 1);
    }

    #[test]
    fn an_offset_that_does_not_rise_is_refused() {
        let mut frontier = Frontier::new(5);
        assert_eq!(frontier.track(4, Receipt::default()), Err(OutOfOrder { offset: 4, after: 5 }));
        frontier.track(7, Receipt::default()).unwrap();
        assert_eq!(frontier.track(7, Receipt::default()), Err(OutOfOrder { offset: 7, after: 8 }));
    }

    proptest! {
        /// Whatever the order of acknowledgements, the frontier is the offset after the longest settled prefix.
        #[test]
        fn the_frontier_is_the_longest_settled_prefix(
            gaps in prop::collection::vec((1i64..4, 0u32..3), 1..60),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..200),
        ) {
            let mut frontier = Frontier::new(0);
            let mut tracked = Vec::new();
            let mut offset = -1;
            for (gap, produced) in gaps {
                offset += gap;
                let receipt = Receipt::default();
                (0..produced).for_each(|_| receipt.expect());
                frontier.track(offset, receipt.clone()).unwrap();
                tracked.push((offset, receipt, produced));
            }
            let mut before = 0;
            for pick in order {
                let at = pick.index(tracked.len());
                let (_, receipt, open) = &mut tracked[at];
                if *open > 0 {
                    *open -= 1;
                    receipt.acknowledge();
                }
                let expected = tracked.iter().take_while(|(_, _, open)| *open == 0).last().map_or(0, |(o, _, _)| o + 1);
                let position = frontier.advance();
                prop_assert_eq!(position, expected);
                prop_assert!(position >= before);
                before = position;
            }
        }
    }
}

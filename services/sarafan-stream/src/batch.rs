//! When a flush is due. Pure: it is handed the time.

use std::time::Duration;

use crate::config::BatchBounds;
use crate::handler::FlushReason;

/// How full the batch is that the handler has applied since its last flush.
///
/// All times are measured from one arbitrary start, the same for every call.
#[derive(Clone, Debug)]
pub struct Filling {
    bounds: BatchBounds,
    idle: Duration,
    records: u64,
    bytes: u64,
    first: Option<Duration>,
    last_flush: Duration,
}

impl Filling {
    /// An empty batch at time `now`; `idle` is how often a flush is due although nothing arrives.
    pub fn new(bounds: BatchBounds, idle: Duration, now: Duration) -> Self {
        Self { bounds, idle, records: 0, bytes: 0, first: None, last_flush: now }
    }

    /// One more record of `bytes` was applied.
    pub fn add(&mut self, bytes: u64, now: Duration) {
        self.records += 1;
        self.bytes += bytes;
        self.first.get_or_insert(now);
    }

    /// True once the bound on records or bytes is reached, whatever the time.
    pub fn is_full(&self) -> bool {
        self.records >= self.bounds.max_records || self.bytes >= self.bounds.max_bytes
    }

    /// The flush that is due at `now`, if one is.
    pub fn due(&self, now: Duration) -> Option<FlushReason> {
        if self.is_full() {
            return Some(FlushReason::Full);
        }
        (now >= self.due_at()).then_some(if self.first.is_some() {
            FlushReason::Age
        } else {
            FlushReason::Idle
        })
    }

    /// When a flush becomes due if nothing more arrives.
    pub fn due_at(&self) -> Duration {
        match self.first {
            Some(first) => first + Duration::from_millis(self.bounds.max_age_ms),
            None => self.last_flush + self.idle,
        }
    }

    /// A flush ended at `now`: the batch is empty again.
    pub fn flushed(&mut self, now: Duration) {
        self.records = 0;
        self.bytes = 0;
        self.first = None;
        self.last_flush = now;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: BatchBounds = BatchBounds { max_records: 3, max_bytes: 100, max_age_ms: 500 };

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn a_flush_is_due_at_whichever_bound_comes_first() {
        let mut by_count = Filling::new(BOUNDS, ms(2_000), ms(0));
        by_count.add(1, ms(1));
        by_count.add(1, ms(1));
        assert_eq!(by_count.due(ms(2)), None);
        by_count.add(1, ms(1));
        assert_eq!(by_count.due(ms(2)), Some(FlushReason::Full));

        let mut by_bytes = Filling::new(BOUNDS, ms(2_000), ms(0));
        by_bytes.add(100, ms(1));
        assert_eq!(by_bytes.due(ms(1)), Some(FlushReason::Full));

        let mut by_age = Filling::new(BOUNDS, ms(2_000), ms(0));
        by_age.add(1, ms(700));
        assert_eq!(by_age.due(ms(1_199)), None);
        assert_eq!(by_age.due(ms(1_200)), Some(FlushReason::Age));
    }

    #[test]
    fn an_idle_handler_is_flushed_at_its_own_pace() {
        let mut filling = Filling::new(BOUNDS, ms(2_000), ms(0));
        assert_eq!(filling.due(ms(1_999)), None);
        assert_eq!(filling.due(ms(2_000)), Some(FlushReason::Idle));
        filling.flushed(ms(2_100));
        assert_eq!(filling.due(ms(4_099)), None);
        assert_eq!(filling.due(ms(4_100)), Some(FlushReason::Idle));
    }

    proptest! {
        /// No record waits longer than the age bound, and no batch grows beyond the other two by more than a record,
        /// if the owner looks after every record and at `due_at`.
        #[test]
        fn no_record_waits_longer_than_the_age_bound(arrivals in prop::collection::vec((0u64..400, 0u64..60), 1..80)) {
            let mut filling = Filling::new(BOUNDS, ms(2_000), ms(0));
            let mut now = ms(0);
            let mut waiting: Vec<(Duration, u64)> = Vec::new();
            for (gap, bytes) in arrivals {
                let arrival = now + ms(gap);
                while filling.due_at() <= arrival {
                    now = filling.due_at();
                    prop_assert!(filling.due(now).is_some());
                    for (applied, _) in waiting.drain(..) {
                        prop_assert!(now - applied <= ms(BOUNDS.max_age_ms));
                    }
                    filling.flushed(now);
                }
                now = arrival;
                filling.add(bytes, now);
                waiting.push((now, bytes));
                if filling.due(now).is_some() {
                    prop_assert!(waiting.len() as u64 <= BOUNDS.max_records);
                    let before: u64 = waiting[..waiting.len() - 1].iter().map(|(_, bytes)| bytes).sum();
                    prop_assert!(before < BOUNDS.max_bytes);
                    waiting.clear();
                    filling.flushed(now);
                }
            }
        }
    }
}

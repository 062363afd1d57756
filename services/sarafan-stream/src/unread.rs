//! What of the owned partitions has not been read yet, and since when the oldest of it waits.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::partition::TopicPartition;

/// The records of one partition that were not handed to the handler yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many: an upper bound, exact where the topic is neither compacted nor transactional, and 0 wherever it was read
    /// to its end.
    pub records: i64,
    /// The oldest of them arrived no earlier than this, in milliseconds since the Unix epoch.
    pub since_ms: i64,
}

impl Waiting {
    /// How long the oldest record has waited at most, in milliseconds; 0 when none waits.
    pub fn age_ms(&self, now_ms: i64) -> i64 {
        if self.records == 0 { 0 } else { now_ms.saturating_sub(self.since_ms).max(0) }
    }
}

/// Unread records by partition, as of the last look at the ends (every `lag_interval_ms`); readable at any time and from
/// anywhere at the cost of a lock. Only partitions that are being fed are in it.
#[derive(Clone, Debug, Default)]
pub struct Unread(Arc<RwLock<HashMap<TopicPartition, Waiting>>>);

impl Unread {
    /// Each partition with what waits in it.
    pub fn partitions(&self) -> Vec<(TopicPartition, Waiting)> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(partition, waiting)| (partition.clone(), *waiting)).collect()
    }

    pub(crate) fn set(&self, partition: &TopicPartition, waiting: Waiting) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(partition.clone(), waiting);
    }

    pub(crate) fn forget(&self, partition: &TopicPartition) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(partition);
    }
}

/// How far a partition was read, and what is known of the moment at which its next record arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// The next offset to apply.
    pub(crate) position: i64,
    /// Reading began: stands in until anything is known.
    began_ms: i64,
    /// The timestamp of the last record applied: the next one arrived after it.
    applied_ms: Option<i64>,
    /// The partition was last known to end at or before the position: the next record arrived after that too.
    caught_up_ms: Option<i64>,
}

impl Reading {
    /// Reading begins now.
    pub(crate) fn begin(position: i64, now_ms: i64) -> Self {
        Self { position, began_ms: now_ms, applied_ms: None, caught_up_ms: None }
    }

    /// Records up to before `position` were applied; the last one has this timestamp.
    pub(crate) fn applied(&mut self, position: i64, timestamp_ms: Option<i64>) {
        self.position = position;
        self.applied_ms = timestamp_ms;
    }

    /// There is nothing for the handler before `position`, whatever offsets lie there.
    pub(crate) fn passed(&mut self, position: i64) {
        self.position = self.position.max(position);
    }

    /// What waits in a partition that ended at `high` when it was asked, at `asked_ms`.
    pub(crate) fn waiting(&mut self, high: i64, asked_ms: i64) -> Waiting {
        let records = (high - self.position).max(0);
        if records == 0 {
            self.caught_up_ms = self.caught_up_ms.max(Some(asked_ms));
        }
        Waiting { records, since_ms: self.applied_ms.max(self.caught_up_ms).unwrap_or(self.began_ms) }
    }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_waits_in_a_partition_that_was_read_to_its_end() {
        let mut reading = Reading::begin(5, 1_000);
        let waiting = reading.waiting(5, 2_000);
        assert_eq!((waiting.records, waiting.age_ms(9_000)), (0, 0));
    }

    #[test]
    fn a_record_after_a_quiet_time_has_waited_since_the_last_look_and_not_since_the_record_before_it() {
        let mut reading = Reading::begin(0, 0);
        reading.applied(5, Some(1_000));
        assert_eq!(reading.waiting(5, 3_600_000).records, 0);
        let waiting = reading.waiting(6, 3_605_000);
        assert_eq!((waiting.records, waiting.age_ms(3_606_000)), (1, 6_000));
    }

    #[test]
    fn a_backlog_is_as_old_as_the_record_that_was_read_last() {
        let mut reading = Reading::begin(0, 100_000);
        assert_eq!(
            reading.waiting(9, 100_000).age_ms(101_000),
            1_000,
            "nothing is known before the first record"
        );
        reading.applied(3, Some(40_000));
        assert_eq!(reading.waiting(9, 105_000).age_ms(110_000), 70_000);
        reading.applied(6, Some(70_000));
        assert_eq!(reading.waiting(9, 110_000).age_ms(110_000), 40_000);
    }

    #[test]
    fn a_marker_after_the_last_record_is_not_waited_for() {
        let mut reading = Reading::begin(0, 0);
        reading.applied(3, Some(1_000));
        assert_eq!(reading.waiting(4, 2_000).records, 1);
        reading.passed(4);
        assert_eq!(reading.waiting(4, 3_000).age_ms(9_000), 0);
        reading.passed(2);
        assert_eq!(reading.position, 4, "nothing is read backwards");
    }

    #[test]
    fn a_clock_ahead_of_ours_makes_no_negative_age() {
        let mut reading = Reading::begin(0, 0);
        reading.applied(1, Some(50_000));
        assert_eq!(reading.waiting(2, 1_000).age_ms(2_000), 0);
    }
}

//! Where a user without state of its own starts to read. Pure.

use serde::Deserialize;

use crate::error::StreamError;
use crate::partition::{AssignedPartition, Position};

/// What to do with a partition for which the group has never committed an offset.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FirstStart {
    /// Read everything that the topic still holds.
    #[default]
    Earliest,
    /// Read only what arrives from now on.
    Latest,
    /// Refuse: the group is known to have committed before, so its offsets were lost.
    Refuse,
}

/// The committed position, or what `first` says if there is none. There is no silent reset: a committed position
/// that the topic does not hold is an error, because jumping would skip records or repeat all of them unseen.
///
/// # Errors
///
/// [`StreamError::OffsetOutOfRange`] and, with [`FirstStart::Refuse`], [`StreamError::NoCommittedOffset`].
pub fn start_position(part: &AssignedPartition, first: FirstStart) -> Result<Position, StreamError> {
    let AssignedPartition { partition, low, high, committed } = part;
    let offset = match (committed, first) {
        (Some(wanted), _) if wanted < low || wanted > high => {
            return Err(StreamError::OffsetOutOfRange {
                partition: partition.clone(),
                wanted: *wanted,
                low: *low,
                high: *high,
            });
        }
        (Some(wanted), _) => *wanted,
        (None, FirstStart::Earliest) => *low,
        (None, FirstStart::Latest) => *high,
        (None, FirstStart::Refuse) => {
            return Err(StreamError::NoCommittedOffset { partition: partition.clone() });
        }
    };
    Ok(Position::new(partition.clone(), offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::TopicPartition;

    fn part(committed: Option<i64>) -> AssignedPartition {
        AssignedPartition { partition: TopicPartition::new("t", 0), low: 10, high: 20, committed }
    }

    #[test]
    fn a_committed_position_wins_over_the_policy() {
        for first in [FirstStart::Earliest, FirstStart::Latest, FirstStart::Refuse] {
            assert_eq!(start_position(&part(Some(15)), first).unwrap().offset, 15);
        }
    }

    #[test]
    fn the_first_start_follows_the_policy() {
        assert_eq!(start_position(&part(None), FirstStart::Earliest).unwrap().offset, 10);
        assert_eq!(start_position(&part(None), FirstStart::Latest).unwrap().offset, 20);
        assert_eq!(
            start_position(&part(None), FirstStart::Refuse).unwrap_err().kind(),
            "no_committed_offset"
        );
    }

    #[test]
    fn a_position_that_the_topic_does_not_hold_is_refused() {
        for wanted in [9, 21] {
            let error = start_position(&part(Some(wanted)), FirstStart::Earliest).unwrap_err();
            assert_eq!(error.kind(), "offset_out_of_range");
        }
        assert_eq!(start_position(&part(Some(10)), FirstStart::Earliest).unwrap().offset, 10);
        assert_eq!(start_position(&part(Some(20)), FirstStart::Earliest).unwrap().offset, 20);
    }
}

//! Which positions still have to be committed. Pure.

use std::collections::BTreeMap;

use crate::partition::{Position, TopicPartition};

/// Collects positions and hands them out one commit at a time, so that the brokers hear of a partition's positions
/// in order, and a commit that failed is made up for by the next one.
#[derive(Debug, Default)]
pub struct Commits {
    wanted: BTreeMap<TopicPartition, i64>,
    under_way: Option<BTreeMap<TopicPartition, i64>>,
    confirmed: BTreeMap<TopicPartition, i64>,
}

impl Commits {
    /// These positions may be committed; later ones replace earlier ones of their partition.
    pub fn offer(&mut self, positions: impl IntoIterator<Item = Position>) {
        for Position { partition, offset } in positions {
            self.wanted.insert(partition, offset);
        }
    }

    /// The next commit to make, if there is news and none is under way. [`finished`](Self::finished) must follow.
    pub fn next_commit(&mut self) -> Option<Vec<Position>> {
        if self.under_way.is_some() {
            return None;
        }
        let confirmed = &self.confirmed;
        self.wanted.retain(|partition, offset| confirmed.get(partition) != Some(offset));
        if self.wanted.is_empty() {
            return None;
        }
        let commit = std::mem::take(&mut self.wanted);
        let positions =
            commit.iter().map(|(partition, offset)| Position::new(partition.clone(), *offset)).collect();
        self.under_way = Some(commit);
        Some(positions)
    }

    /// The commit that was under way ended.
    pub fn finished(&mut self, outcome: CommitOutcome) {
        for (partition, offset) in self.under_way.take().into_iter().flatten() {
            match outcome {
                CommitOutcome::Confirmed => {
                    self.confirmed.insert(partition, offset);
                }
                // Whatever was offered meanwhile is newer.
                CommitOutcome::Failed => {
                    self.wanted.entry(partition).or_insert(offset);
                }
            }
        }
    }

    /// Partitions went away or start anew: nothing of before is committed any more.
    pub fn forget<'a>(&mut self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        for partition in partitions {
            self.wanted.remove(partition);
            self.confirmed.remove(partition);
            if let Some(under_way) = &mut self.under_way {
                under_way.remove(partition);
            }
        }
    }
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// The broker has it.
    Confirmed,
    /// It may have arrived or not; it is to be made again.
    Failed,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn position(partition: i32, offset: i64) -> Position {
        Position::new(TopicPartition::new("t", partition), offset)
    }

    #[test]
    fn nothing_is_committed_twice() {
        let mut commits = Commits::default();
        commits.offer([position(0, 5), position(1, 7)]);
        assert_eq!(commits.next_commit(), Some(vec![position(0, 5), position(1, 7)]));
        commits.offer([position(0, 5), position(1, 8)]);
        assert_eq!(commits.next_commit(), None, "one at a time");
        commits.finished(CommitOutcome::Confirmed);
        assert_eq!(commits.next_commit(), Some(vec![position(1, 8)]));
        commits.finished(CommitOutcome::Confirmed);
        assert_eq!(commits.next_commit(), None);
    }

    #[test]
    fn a_commit_that_failed_is_made_up_for_by_the_next() {
        let mut commits = Commits::default();
        commits.offer([position(0, 5), position(1, 7)]);
        commits.next_commit();
        commits.offer([position(0, 6)]);
        commits.finished(CommitOutcome::Failed);
        assert_eq!(commits.next_commit(), Some(vec![position(0, 6), position(1, 7)]));
    }

    #[test]
    fn a_partition_that_went_away_is_not_committed_when_its_commit_fails() {
        let mut commits = Commits::default();
        commits.offer([position(0, 5)]);
        commits.next_commit();
        commits.forget([&TopicPartition::new("t", 0)]);
        commits.finished(CommitOutcome::Failed);
        assert_eq!(commits.next_commit(), None);
    }

    proptest! {
        /// However commits fail, what the broker has last per partition is what was offered last, once one succeeds
        /// after the last offer; and the broker never hears an older position after a newer one.
        #[test]
        fn the_last_offer_arrives_and_none_goes_backwards(steps in prop::collection::vec((0u8..4, 0i32..3), 1..100)) {
            let mut commits = Commits::default();
            let mut offered: BTreeMap<i32, i64> = BTreeMap::new();
            let mut broker: BTreeMap<i32, i64> = BTreeMap::new();
            let mut clock = 0;
            for (step, partition) in steps {
                match step {
                    0 | 1 => {
                        clock += 1;
                        offered.insert(partition, clock);
                        commits.offer([position(partition, clock)]);
                    }
                    outcome => if let Some(commit) = commits.next_commit() {
                        // A failed commit may have reached the broker all the same.
                        let arrives = outcome == 2 || partition == 0;
                        for Position { partition, offset } in commit.into_iter().filter(|_| arrives) {
                            let before = broker.insert(partition.partition, offset);
                            prop_assert!(before.is_none_or(|before| before <= offset));
                        }
                        commits.finished(if outcome == 2 { CommitOutcome::Confirmed } else { CommitOutcome::Failed });
                    }
                }
            }
            if let Some(commit) = commits.next_commit() {
                broker.extend(commit.into_iter().map(|p| (p.partition.partition, p.offset)));
            }
            prop_assert_eq!(broker, offered);
        }
    }
}

//! Which partitions this member owns and which of their records may pass. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use crate::partition::{Generation, TopicPartition};

/// What the polling thread knows of the partitions that the group gave it.
///
/// A partition is *held* from its assignment until it is started at an offset, and again whenever its owner holds it;
/// while held, none of its records passes.
#[derive(Debug, Default)]
pub struct Ownership {
    topics: HashMap<Arc<str>, HashMap<i32, Owned>>,
    last_generation: u64,
}

#[derive(Debug)]
struct Owned {
    generation: Generation,
    /// The lowest offset that may pass next; none while held.
    next: Option<i64>,
}

impl Ownership {
    /// Takes a partition, held, in a generation of its own. A partition that is owned already begins anew.
    pub fn assign(&mut self, partition: &TopicPartition) -> Generation {
        let generation = self.next_generation();
        self.topics
            .entry(Arc::clone(&partition.topic))
            .or_default()
            .insert(partition.partition, Owned { generation, next: None });
        generation
    }

    /// Gives a partition up. False if it was not owned.
    pub fn revoke(&mut self, partition: &TopicPartition) -> bool {
        let Some(of_topic) = self.topics.get_mut(&partition.topic) else { return false };
        of_topic.remove(&partition.partition).is_some()
    }

    /// Lets records from `offset` on pass. False if `known` is not the current generation: the partition went away
    /// (and perhaps came back) since the owner decided. To be called only when nothing that was read before the seek
    /// can still arrive, else a higher offset might pass first and shut the lower ones out.
    pub fn start(&mut self, partition: &TopicPartition, known: Generation, offset: i64) -> bool {
        match self.owned(partition).filter(|owned| owned.generation == known) {
            Some(owned) => {
                owned.next = Some(offset);
                true
            }
            None => false,
        }
    }

    /// Lets no record of the partition pass until it is started again. None if `known` is not the current generation.
    pub fn hold(&mut self, partition: &TopicPartition, known: Generation) -> Option<Generation> {
        let generation = self.next_generation();
        let owned = self.owned(partition).filter(|owned| owned.generation == known)?;
        *owned = Owned { generation, next: None };
        Some(generation)
    }

    /// The generation in which the record at `offset` passes, if it may. Records below the start offset, repeated
    /// ones and those of held or foreign partitions do not.
    pub fn admit(&mut self, topic: &str, partition: i32, offset: i64) -> Option<(Generation, Arc<str>)> {
        let (name, _) = self.topics.get_key_value(topic)?;
        let name = Arc::clone(name);
        let owned = self.topics.get_mut(topic)?.get_mut(&partition)?;
        if offset < owned.next? {
            return None;
        }
        owned.next = Some(offset + 1);
        Some((owned.generation, name))
    }

    /// The generation in which a partition was read up to before `offset` although its records end earlier: what lies
    /// between is of no use to a reader, such as the marker that ends a transaction. None if that is no news, or the
    /// partition is held or foreign.
    pub fn pass(&mut self, topic: &str, partition: i32, offset: i64) -> Option<(Generation, Arc<str>)> {
        self.admit(topic, partition, offset.checked_sub(1)?)
    }

    /// True if `known` is the current generation of the partition.
    pub fn is_current(&self, partition: &TopicPartition, known: Generation) -> bool {
        self.topics
            .get(&partition.topic)
            .and_then(|of_topic| of_topic.get(&partition.partition))
            .is_some_and(|owned| owned.generation == known)
    }

    /// True if the partition is owned, held or not.
    pub fn owns(&self, partition: &TopicPartition) -> bool {
        self.topics.get(&partition.topic).is_some_and(|of_topic| of_topic.contains_key(&partition.partition))
    }

    /// The partitions whose records may pass.
    pub fn started(&self) -> Vec<TopicPartition> {
        let mut started: Vec<TopicPartition> = self
            .topics
            .iter()
            .flat_map(|(topic, of_topic)| {
                of_topic
                    .iter()
                    .filter(|(_, owned)| owned.next.is_some())
                    .map(|(partition, _)| TopicPartition::new(Arc::clone(topic), *partition))
            })
            .collect();
        started.sort();
        started
    }

    /// The offset from which records of the partition may pass; none if it is held or foreign.
    pub fn next(&self, partition: &TopicPartition) -> Option<i64> {
        self.topics.get(&partition.topic)?.get(&partition.partition)?.next
    }

    /// The partitions whose records may pass, with their generation and the offset from which they may.
    pub fn reading(&self) -> Vec<(TopicPartition, Generation, i64)> {
        let reading = |partition: TopicPartition| {
            let owned = self.topics.get(&partition.topic)?.get(&partition.partition)?;
            Some((partition, owned.generation, owned.next?))
        };
        self.started().into_iter().filter_map(reading).collect()
    }

    /// True if records of some partition may not pass: it waits for its owner to say where to start.
    pub fn holds_any(&self) -> bool {
        self.topics.values().flat_map(HashMap::values).any(|owned| owned.next.is_none())
    }

    fn owned(&mut self, partition: &TopicPartition) -> Option<&mut Owned> {
        self.topics.get_mut(&partition.topic)?.get_mut(&partition.partition)
    }

    fn next_generation(&mut self) -> Generation {
        self.last_generation += 1;
        Generation(self.last_generation)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn partition(number: i32) -> TopicPartition {
        TopicPartition::new("t", number)
    }

    #[test]
    fn nothing_passes_before_the_owner_said_where_to_start() {
        let mut ownership = Ownership::default();
        let assigned = ownership.assign(&partition(0));
        assert!(ownership.admit("t", 0, 7).is_none());
        assert!(ownership.start(&partition(0), assigned, 7));
        assert!(ownership.admit("t", 0, 6).is_none(), "below the start");
        assert_eq!(ownership.admit("t", 0, 7).unwrap().0, assigned);
        assert!(ownership.admit("t", 0, 7).is_none(), "repeated");
        assert!(ownership.admit("t", 0, 9).is_some(), "holes are fine");
    }

    #[test]
    fn what_no_record_stands_for_is_passed_once_and_no_record_below_it_comes_after() {
        let mut ownership = Ownership::default();
        let assigned = ownership.assign(&partition(0));
        assert!(ownership.pass("t", 0, 8).is_none(), "held");
        ownership.start(&partition(0), assigned, 7);
        assert!(ownership.pass("t", 0, 7).is_none(), "no news");
        assert_eq!(ownership.pass("t", 0, 8).unwrap().0, assigned);
        assert!(ownership.pass("t", 0, 8).is_none(), "no news any more");
        assert!(ownership.admit("t", 0, 7).is_none(), "below");
        assert!(ownership.admit("t", 0, 8).is_some());
    }

    #[test]
    fn what_is_read_and_whether_anything_is_held_is_known() {
        let mut ownership = Ownership::default();
        let (first, second) = (ownership.assign(&partition(0)), ownership.assign(&partition(1)));
        assert!(ownership.holds_any() && ownership.reading().is_empty());
        ownership.start(&partition(0), first, 5);
        ownership.admit("t", 0, 7).unwrap();
        assert_eq!(ownership.reading(), [(partition(0), first, 8)]);
        assert_eq!((ownership.next(&partition(0)), ownership.next(&partition(1))), (Some(8), None));
        assert!(ownership.holds_any());
        ownership.start(&partition(1), second, 0);
        assert!(!ownership.holds_any());
    }

    #[test]
    fn a_start_that_was_decided_before_a_revoke_does_nothing() {
        let mut ownership = Ownership::default();
        let first = ownership.assign(&partition(0));
        ownership.revoke(&partition(0));
        assert!(!ownership.start(&partition(0), first, 0));
        ownership.assign(&partition(0));
        assert!(!ownership.start(&partition(0), first, 0), "nor after it came back");
        assert!(ownership.admit("t", 0, 0).is_none());
    }

    #[test]
    fn a_held_partition_starts_again_lower_than_it_was() {
        let mut ownership = Ownership::default();
        let first = ownership.assign(&partition(0));
        ownership.start(&partition(0), first, 5);
        ownership.admit("t", 0, 5).unwrap();
        let held = ownership.hold(&partition(0), first).unwrap();
        assert!(ownership.admit("t", 0, 6).is_none());
        assert!(ownership.start(&partition(0), held, 2));
        assert_eq!(ownership.admit("t", 0, 2).unwrap().0, held);
        assert!(held > first, "records read before are told apart from those read after");
    }

    proptest! {
        /// In one generation a partition's offsets strictly rise, and no generation is ever used twice.
        #[test]
        fn offsets_rise_within_a_generation(steps in prop::collection::vec((0u8..5, 0i32..3, 0i64..20), 1..200)) {
            let mut ownership = Ownership::default();
            let mut current: HashMap<i32, Generation> = HashMap::new();
            let mut last: HashMap<Generation, (i32, i64)> = HashMap::new();
            for (step, number, offset) in steps {
                let tp = partition(number);
                match step {
                    0 => { current.insert(number, ownership.assign(&tp)); }
                    1 => { prop_assert_eq!(ownership.revoke(&tp), current.remove(&number).is_some()); }
                    2 | 3 => if let Some(known) = current.get(&number).copied() {
                        // As the engine does it: a partition is held before it starts anywhere else.
                        let held = ownership.hold(&tp, known).unwrap();
                        current.insert(number, held);
                        if step == 2 {
                            prop_assert!(ownership.start(&tp, held, offset));
                        }
                    },
                    _ => if let Some((generation, _)) = ownership.admit("t", number, offset) {
                        prop_assert_eq!(Some(&generation), current.get(&number));
                        if let Some((owner, before)) = last.insert(generation, (number, offset)) {
                            prop_assert_eq!(owner, number);
                            prop_assert!(offset > before);
                        }
                    },
                }
            }
        }
    }
}

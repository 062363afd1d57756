//! One round of a rebalance: everybody joins, then partitions are given out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::coordinator::{Protocol, Seat, Session};
use crate::partition::TopicPartition;

#[derive(Debug)]
pub(super) struct Round {
    pub(super) protocol: Protocol,
    pub(super) since: Instant,
    /// Who has joined, and what each says to own.
    pub(super) joined: BTreeMap<Session, BTreeSet<TopicPartition>>,
}

/// Gives the partitions of all topics out in turn. What somebody else still owns is given to nobody in this round: its
/// owner sees that it is not among its own any more, gives it up, and joins again.
pub(super) fn assign(
    seats: &mut BTreeMap<Session, Seat>,
    round: &Round,
    turn: usize,
    partitions_of: impl Fn(&str) -> i32,
) {
    let topics: BTreeSet<Arc<str>> =
        seats.values().flat_map(|seat| seat.application.topics.iter().cloned()).collect();
    seats.values_mut().for_each(|seat| seat.assigned.clear());
    // Whoever joined the round and left before its end owns nothing.
    let present = round.joined.iter().filter(|(session, _)| seats.contains_key(session));
    let owner: BTreeMap<TopicPartition, Session> =
        present.flat_map(|(session, owned)| owned.iter().map(|p| (p.clone(), *session))).collect();
    let all = topics.iter().flat_map(|topic| {
        (0..partitions_of(topic)).map(|number| TopicPartition::new(Arc::clone(topic), number))
    });
    for (place, partition) in all.enumerate() {
        let reads = |seat: &Seat| seat.application.topics.contains(&partition.topic);
        let mut readers: Vec<(&Session, &mut Seat)> =
            seats.iter_mut().filter(|(_, seat)| reads(seat)).collect();
        let count = readers.len();
        let Some((session, seat)) = readers.get_mut((place + turn) % count.max(1)) else { continue };
        if owner.get(&partition).is_none_or(|owner| owner == *session) {
            seat.assigned.insert(partition);
        }
    }
}

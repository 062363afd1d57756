//! The broker's side of a consumer group: who belongs to it, in which generation, and what it committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::rounds::{self, Round};
use crate::partition::{Position, TopicPartition};

/// How a group moves its partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// All members give up all partitions, then get new ones.
    Eager,
    /// Members give up only what moves, in a round of its own before others get it.
    #[default]
    Cooperative,
}

/// A membership: a new one whenever a process joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Session(u64);

/// What a member says of itself when it joins.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub(super) instance: Option<String>,
    pub(super) session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    pub(super) topics: Vec<Arc<str>>,
}

#[derive(Debug)]
pub(super) struct Seat {
    pub(super) application: Application,
    heard: Instant,
    /// What it was given in the current generation.
    pub(super) assigned: BTreeSet<TopicPartition>,
}

/// What a heartbeat is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heartbeat {
    /// All is well, in this generation.
    Stable(u64),
    /// The group waits for everybody to join again.
    JoinAgain(Protocol),
    /// It has joined; others have not yet.
    Joined,
    /// The group knows nobody of that name any more.
    Unknown,
    /// Another process has joined with the same instance id.
    Fenced,
}

#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) protocol: Protocol,
    /// Moves partitions around: the member that the first partition goes to.
    pub(super) turn: usize,
    generation: u64,
    last_session: u64,
    pub(super) committed: BTreeMap<TopicPartition, i64>,
    seats: BTreeMap<Session, Seat>,
    fenced: BTreeSet<Session>,
    round: Option<Round>,
}

impl Group {
    /// A newcomer; with an instance id that is known it takes the other's place, else everybody joins again.
    pub(super) fn join(&mut self, application: Application, now: Instant) -> Session {
        self.last_session += 1;
        let session = Session(self.last_session);
        let instance = &application.instance;
        let before = self
            .seats
            .iter()
            .find(|(_, seat)| instance.is_some() && seat.application.instance == *instance)
            .map(|(session, _)| *session);
        let mut assigned = BTreeSet::new();
        if let Some(replaced) = before.and_then(|before| self.seats.remove(&before)) {
            assigned = replaced.assigned;
            self.fenced.extend(before);
        } else {
            self.begin_round(self.protocol, now);
        }
        self.seats.insert(session, Seat { application, heard: now, assigned });
        session
    }

    /// Joins the round that is under way, with what it still owns.
    pub(super) fn join_again(&mut self, session: Session, owned: BTreeSet<TopicPartition>) {
        if let Some(round) = &mut self.round {
            round.joined.insert(session, owned);
        }
    }

    pub(super) fn leave(&mut self, session: Session, now: Instant) {
        if self.seats.remove(&session).is_some() {
            self.begin_round(self.protocol, now);
        }
    }

    /// Everybody is to join again, unless a round is under way already.
    pub(super) fn begin_round(&mut self, protocol: Protocol, now: Instant) {
        self.round.get_or_insert_with(|| Round { protocol, since: now, joined: BTreeMap::new() });
    }

    pub(super) fn heartbeat(&mut self, session: Session, now: Instant) -> Heartbeat {
        if self.fenced.contains(&session) {
            return Heartbeat::Fenced;
        }
        let Some(seat) = self.seats.get_mut(&session) else { return Heartbeat::Unknown };
        seat.heard = now;
        match &self.round {
            None => Heartbeat::Stable(self.generation),
            Some(round) if round.joined.contains_key(&session) => Heartbeat::Joined,
            Some(round) => Heartbeat::JoinAgain(round.protocol),
        }
    }

    /// What it was given in the current generation.
    pub(super) fn assigned(&self, session: Session) -> BTreeSet<TopicPartition> {
        self.seats.get(&session).map(|seat| seat.assigned.clone()).unwrap_or_default()
    }

    /// Takes positions from a member of the current generation. False from anybody else.
    pub(super) fn commit(&mut self, session: Session, generation: u64, positions: &[Position]) -> bool {
        let fenced = !self.seats.contains_key(&session) || generation != self.generation;
        if !fenced {
            self.store(positions);
        }
        !fenced
    }

    pub(super) fn store(&mut self, positions: &[Position]) {
        self.committed.extend(positions.iter().map(|at| (at.partition.clone(), at.offset)));
    }

    pub(super) fn belongs(&self, session: Session) -> bool {
        self.seats.contains_key(&session)
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Puts out whom nobody has heard of for too long, and ends the round once everybody has joined.
    pub(super) fn serve(&mut self, now: Instant, partitions_of: impl Fn(&str) -> i32) {
        let members = self.seats.len();
        self.seats.retain(|_, seat| now - seat.heard <= seat.application.session_timeout);
        if let Some(round) = &self.round {
            let late = |seat: &Seat| now - round.since > seat.application.rebalance_timeout;
            self.seats.retain(|session, seat| round.joined.contains_key(session) || !late(seat));
        }
        if self.seats.len() < members {
            self.begin_round(self.protocol, now);
        }
        let complete = |round: &Round| self.seats.keys().all(|session| round.joined.contains_key(session));
        if let Some(round) = self.round.take_if(|round| complete(round)) {
            self.generation += 1;
            rounds::assign(&mut self.seats, &round, self.turn, partitions_of);
        }
    }
}

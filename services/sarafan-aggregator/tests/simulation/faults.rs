//! What can go wrong, and how often it did.

use std::collections::BTreeMap;
use std::fmt;

use fastrand::Rng;

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A process dies.
    Kill,
    /// A process is told to stop.
    Stop,
    /// A process stands still for a while, as `SIGSTOP` does.
    Freeze,
    /// A process's client stands still for a while and the rest of it goes on: it does not hear that it has lost its
    /// partitions.
    Deafen,
    /// Partitions move.
    Rebalance,
    /// Seconds go by at once.
    Jump,
    /// A record is written again.
    Duplicate,
    /// The store does what it was asked for and the answer is lost.
    StoreAnswerLost,
    /// The store does not do what it was asked for.
    StoreRefused,
    /// Whoever asked hears of a failure; a write may land later.
    StoreLate,
    /// A write lands now and may land once more later.
    StoreTwice,
    /// A read is answered by a replica that is behind.
    StoreStale,
    /// The store does what it was asked for and says nothing yet.
    StoreUnanswered,
    /// A write lands that nobody waits for any more.
    StoreLanding,
    /// The brokers do what they were asked for and the answer is lost.
    KafkaAnswerLost,
    /// The brokers do not do what they were asked for.
    KafkaRefused,
    /// A commit arrives late, twice or in another generation; a question is answered with what was.
    KafkaLate,
}

impl Kind {
    pub(crate) const ALL: [Self; 17] = [
        Self::Kill,
        Self::Stop,
        Self::Freeze,
        Self::Deafen,
        Self::Rebalance,
        Self::Jump,
        Self::Duplicate,
        Self::StoreAnswerLost,
        Self::StoreRefused,
        Self::StoreLate,
        Self::StoreTwice,
        Self::StoreStale,
        Self::StoreUnanswered,
        Self::StoreLanding,
        Self::KafkaAnswerLost,
        Self::KafkaRefused,
        Self::KafkaLate,
    ];

    /// Any of them, by weight.
    pub(crate) fn any(random: &mut Rng) -> Self {
        let mut left = random.u32(0..Self::ALL.into_iter().map(Self::weight).sum());
        let chosen = Self::ALL.into_iter().find(|kind| match left.checked_sub(kind.weight()) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        chosen.unwrap_or(Self::Kill)
    }

    /// Those of store and brokers need something to answer, and often there is nothing: they are tried more often.
    fn weight(self) -> u32 {
        match self {
            Self::StoreTwice => 4,
            kind if kind >= Self::StoreAnswerLost => 2,
            _ => 1,
        }
    }
}

/// How often each fault happened, and each right after each other.
#[derive(Debug, Default, Clone)]
pub(crate) struct Coverage {
    pub(crate) seeds: u64,
    pub(crate) steps: u64,
    pub(crate) records: u64,
    kinds: BTreeMap<Kind, u64>,
    pairs: BTreeMap<(Kind, Kind), u64>,
    last: Option<Kind>,
}

impl Coverage {
    pub(crate) fn happened(&mut self, kind: Kind) {
        *self.kinds.entry(kind).or_default() += 1;
        if let Some(last) = self.last.replace(kind) {
            *self.pairs.entry((last, kind)).or_default() += 1;
        }
    }

    #[cfg(not(feature = "planted"))]
    pub(crate) fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.steps += other.steps;
        self.records += other.records;
        other.kinds.iter().for_each(|(kind, count)| *self.kinds.entry(*kind).or_default() += count);
        other.pairs.iter().for_each(|(pair, count)| *self.pairs.entry(*pair).or_default() += count);
    }

    /// The pair of neighbours that happened most seldom, and how often.
    pub(crate) fn rarest_pair(&self) -> ((Kind, Kind), u64) {
        let pairs = Kind::ALL.iter().flat_map(|a| Kind::ALL.map(|b| (*a, b)));
        let counted = pairs.map(|pair| (pair, self.pairs.get(&pair).copied().unwrap_or(0)));
        counted.min_by_key(|(_, count)| *count).unwrap()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, steps, records, .. } = self;
        writeln!(f, "{seeds} seeds, {steps} steps, {records} records")?;
        for kind in Kind::ALL {
            let after = Kind::ALL.map(|next| self.pairs.get(&(kind, next)).copied().unwrap_or(0));
            let count = self.kinds.get(&kind).copied().unwrap_or(0);
            let kind = format!("{kind:?}");
            writeln!(f, "{kind:16} {count:8}, followed by each {after:?}")?;
        }
        let ((first, second), count) = self.rarest_pair();
        write!(f, "rarest neighbours: {first:?}, {second:?}: {count}")
    }
}

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
    /// A process of ingest dies.
    IngestKill,
    /// A process of ingest is told to stop.
    IngestStop,
    /// A process of ingest stands still for a while.
    IngestFreeze,
    /// The client of a process of ingest stands still for a while.
    IngestDeafen,
    /// Partitions of sources move.
    IngestRebalance,
    /// A record has arrived and its producer is told that it has not.
    ProduceAnswerLost,
    /// A record does not arrive.
    ProduceRefused,
    /// A record's producer is told that it has not arrived; it may arrive later, behind others.
    ProduceLate,
    /// A record has arrived and its producer does not hear of it yet.
    ProduceUnanswered,
}

impl Kind {
    pub(crate) const ALL: [Self; 26] = [
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
        Self::IngestKill,
        Self::IngestStop,
        Self::IngestFreeze,
        Self::IngestDeafen,
        Self::IngestRebalance,
        Self::ProduceAnswerLost,
        Self::ProduceRefused,
        Self::ProduceLate,
        Self::ProduceUnanswered,
    ];

    /// Whether it befalls ingest.
    pub(crate) fn is_of_ingest(self) -> bool {
        self >= Self::IngestKill
    }

    /// Any of them by weight, those of ingest only where it runs.
    pub(crate) fn any(random: &mut Rng, with_ingest: bool) -> Self {
        let possible = || Self::ALL.into_iter().filter(|kind| with_ingest || !kind.is_of_ingest());
        let weight = |kind: Self| kind.weight(with_ingest);
        let mut left = random.u32(0..possible().map(weight).sum());
        let chosen = possible().find(|kind| match left.checked_sub(weight(*kind)) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        chosen.unwrap_or(Self::Kill)
    }

    /// Those of store and brokers need something to answer, and often there is nothing: they are tried more often.
    fn weight(self, with_ingest: bool) -> u32 {
        match self {
            Self::IngestStop => 7,
            Self::IngestKill => 5,
            kind if kind.is_of_ingest() => 4 + u32::from(kind >= Self::ProduceAnswerLost),
            Self::StoreTwice => 8 + u32::from(with_ingest),
            Self::KafkaAnswerLost | Self::KafkaRefused | Self::KafkaLate => 4 + u32::from(with_ingest),
            kind if kind >= Self::StoreAnswerLost => 4 + 2 * u32::from(with_ingest),
            _ => 2 + u32::from(with_ingest),
        }
    }
}

/// How often each fault happened, and each right after each other.
#[derive(Debug, Default, Clone)]
pub(crate) struct Coverage {
    pub(crate) seeds: u64,
    pub(crate) steps: u64,
    pub(crate) records: u64,
    /// Canonical records and dead letters that ingest wrote before everything healed, and after.
    pub(crate) arrived: [u64; 2],
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
        self.arrived.iter_mut().zip(other.arrived).for_each(|(mine, others)| *mine += others);
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
        let Self { seeds, steps, records, arrived: [before, after], .. } = self;
        writeln!(f, "{seeds} seeds, {steps} steps, {records} records")?;
        writeln!(f, "of ingest: {before} records, and {after} at the end")?;
        for kind in Kind::ALL {
            let after = Kind::ALL.map(|next| self.pairs.get(&(kind, next)).copied().unwrap_or(0));
            let count = self.kinds.get(&kind).copied().unwrap_or(0);
            let kind = format!("{kind:?}");
            writeln!(f, "{kind:17} {count:8}, followed by each {after:?}")?;
        }
        let ((first, second), count) = self.rarest_pair();
        write!(f, "rarest neighbours: {first:?}, {second:?}: {count}")
    }
}

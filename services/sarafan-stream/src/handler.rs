//! What the engine asks of its user.

use std::future::Future;

use crate::partition::{AssignedPartition, Position, TopicPartition};
use crate::record::Record;

/// The user of the engine: it is told of partitions, fed their records, and says when it is safe to commit.
///
/// One task owns the handler and calls one method at a time. A partition goes through
/// `assigned`, then any number of `apply` and `flush`, then `revoked`; if `flush` asks to retake it, `assigned` again.
/// Whatever a method returns as an error ends [`run`](crate::run): retry transient trouble inside, and look at
/// [`RevokePending`](crate::RevokePending) between the attempts.
pub trait Handler: Send {
    /// Why the handler cannot go on.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Loads what is needed for `parts` and says where to start reading each (exactly one position per partition;
    /// what the group committed is only a hint), or none if it [`declines`](Self::declines) the partition. May take
    /// minutes: polling goes on.
    ///
    /// The engine drops this future when a partition must be given up or the process stops. It then calls
    /// [`revoked`](Self::revoked) for the partitions that go, and this method again for the ones that stay, so a
    /// partition counts as loaded only once its position was returned, and a second call for it starts over.
    fn assigned(
        &mut self,
        parts: &[AssignedPartition],
    ) -> impl Future<Output = Result<Vec<Position>, Self::Error>> + Send;

    /// Whether a partition that got no position is meant to have none, for now. It stays with this member, is not fed, and
    /// [`assigned`](Self::assigned) is called for it again after `declined_retry_ms`, until it starts or goes away. Without
    /// this a missing position is a bug, and ends [`run`](crate::run).
    fn declines(&self, partition: &TopicPartition) -> bool {
        let _ = partition;
        false
    }

    /// Waits until another batch of records may be applied. For a handler whose output is bounded; the default never
    /// waits. The engine drops this future whenever something else comes up and calls it again later, so it must
    /// lose nothing when dropped.
    fn ready(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        async { Ok(()) }
    }

    /// Takes one record. Offsets of a partition only rise (they may have holes) and begin at or after the start
    /// position.
    fn apply(&mut self, record: &Record<'_>) -> Result<(), Self::Error>;

    /// Writes what was applied, over all partitions at once, and says what may be committed. Called when the batch is
    /// full or old, every so often when nothing arrives, before a revoke and at the end.
    ///
    /// When [`RevokePending`](crate::RevokePending) is set it must return soon, written or not: with
    /// [`FlushReason::Revoke`] and [`FlushReason::Shutdown`] the future is dropped at the deadline, after which the
    /// partitions that go are `revoked` as lost and all others are `assigned` anew.
    fn flush(
        &mut self,
        reason: FlushReason,
    ) -> impl Future<Output = Result<FlushOutcome, Self::Error>> + Send;

    /// Forgets these partitions. Nothing may be written for them after this.
    fn revoked(
        &mut self,
        parts: &[TopicPartition],
        how: Revoked,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Why a flush happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlushReason {
    /// The bound on records or bytes was reached.
    Full,
    /// The oldest record that was applied since the last flush has waited long enough.
    Age,
    /// Nothing was applied for a while.
    Idle,
    /// Partitions must be given up to another member.
    Revoke,
    /// The process stops.
    Shutdown,
}

impl FlushReason {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Full, Self::Age, Self::Idle, Self::Revoke, Self::Shutdown];

    /// The stable snake_case name, for metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Age => "age",
            Self::Idle => "idle",
            Self::Revoke => "revoke",
            Self::Shutdown => "shutdown",
        }
    }
}

/// What a flush achieved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlushOutcome {
    /// Positions that may be committed: everything below them is safe. Partitions without news may be left out.
    pub commit: Vec<Position>,
    /// Partitions whose state must be loaded anew, for example because a batch was given up: the engine stops feeding
    /// them, calls [`Handler::assigned`] for them and starts where it says.
    pub retake: Vec<TopicPartition>,
}

/// How partitions went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The last flush ended before others could own them.
    Orderly,
    /// Somebody else may own them already (or the last flush did not end in time): drop everything, write nothing.
    Lost,
}

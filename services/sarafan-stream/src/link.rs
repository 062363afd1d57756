//! The port between the engine's loop and the client: what the loop asks for beside being handed records.
//!
//! Records and changes of the assignment come the other way, through the queues of a `PollingEnd`, from whatever does the
//! polling.

mod kafka;

use rdkafka::error::KafkaResult;
use tokio::sync::{mpsc, oneshot};

use crate::commits::CommitOutcome;
use crate::error::StreamError;
use crate::group::{Control, SharedOwnership};
use crate::partition::{AssignedPartition, Generation, Position, TopicPartition};
use crate::record_batch::RecordBatch;
use crate::revoke_pending::RevokeSignal;

pub(crate) use kafka::open;

/// An answer that comes some time later, and never if whoever was asked has gone.
pub type Answer<T> = oneshot::Receiver<T>;

/// What the loop asks of the client. No call waits; requests to the brokers are answered later, and whoever stops
/// waiting for an answer takes nothing back that was sent.
///
/// There are two: over the client library, and simulated (feature `simulation`).
pub trait Link: Send + Sync {
    /// Reads partitions from these offsets on, those that are still in these generations.
    ///
    /// # Errors
    ///
    /// [`StreamError::ThreadEnded`] if nobody polls any more.
    fn start(&self, starts: Vec<(TopicPartition, Generation, i64)>) -> Result<(), StreamError>;

    /// Stops reading partitions, those that are still in these generations. None of their records passes by then.
    ///
    /// # Errors
    ///
    /// [`StreamError::ThreadEnded`] if nobody polls any more.
    fn hold(&self, partitions: Vec<(TopicPartition, Generation)>) -> Result<(), StreamError>;

    /// A batch was taken: whoever polls may be waiting for the room.
    fn took_records(&self);

    /// Commits positions, as far as their partitions are still owned when it is sent.
    fn commit(&self, positions: Vec<Position>) -> Answer<CommitOutcome>;

    /// Asks for what the brokers know of partitions, in their order. One attempt.
    fn describe(&self, partitions: &[TopicPartition]) -> Answer<KafkaResult<Vec<AssignedPartition>>>;

    /// Asks for the offsets after the last records of partitions, in their order. One attempt.
    fn ends(&self, partitions: &[TopicPartition]) -> Answer<KafkaResult<Vec<i64>>>;

    /// Commits positions, waits for it, and leaves the group. The answer comes when all is done.
    fn close(self: Box<Self>, positions: Vec<Position>) -> Answer<()>;
}

/// What the polling side of a consumer holds.
pub(crate) struct PollingEnd {
    pub(crate) ownership: SharedOwnership,
    pub(crate) control: mpsc::Sender<Control>,
    pub(crate) records: mpsc::Sender<RecordBatch>,
    pub(crate) signal: RevokeSignal,
}

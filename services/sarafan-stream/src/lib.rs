//! The Kafka engine of Sarafan. It knows no domain: bytes come in, bytes go out, and nothing is lost on the way.
//!
//! A [`Consumer`] is a member of a group with a polling thread of its own. [`run`] ties it to a [`Handler`], which is
//! told of partitions, fed their records in order, asked to flush in bounds, and says what may be committed.
//!
//! A user without state of its own brings a [`Transform`] instead, and [`Relay`] is its handler: every record becomes
//! records of other topics or a dead letter, acknowledged before anything is committed.
//!
//! Decisions are plain structs that are handed the time and can be driven by a simulation: [`Filling`] (when a flush
//! is due), [`Frontier`] and [`Commits`] (what may
//! be committed, and when), [`Backpressure`] (when to pause), [`Ownership`] (which records may
//! pass), [`start_position`] (where to begin).

mod admin;
mod backpressure;
mod batch;
mod client;
mod closing;
mod commits;
mod config;
mod consumer;
pub mod dead_letter;
mod engine;
mod error;
pub mod fail_point;
mod frontier;
mod group;
mod handler;
mod handover;
mod link;
pub mod metrics;
mod outlet;
mod ownership;
mod partition;
mod planted;
mod poller;
mod producer;
mod pulse;
mod read;
mod record;
mod record_batch;
mod relay;
mod revoke_pending;
#[cfg(any(test, feature = "simulation"))]
pub mod simulated;
mod start;
mod unread;
mod watermarks;
mod write;

pub use admin::{Admin, CreateTopic, Creation, PartitionEnds, TopicInfo};
pub use backpressure::{Advice, Backpressure};
pub use batch::Filling;
pub use commits::{CommitOutcome, Commits};
pub use config::{BatchBounds, ConsumerSettings, KafkaConfig, ProducerSettings, is_secret};
pub use consumer::Consumer;
pub use dead_letter::{DeadLetters, Rejection, Stage};
pub use engine::run;
pub use error::{EngineError, StreamError};
pub use frontier::{Frontier, OutOfOrder, Receipt};
pub use handler::{FlushOutcome, FlushReason, Handler, Revoked};
pub use link::{Answer, Link};
pub use metrics::StreamMetrics;
pub use outlet::Outlet;
pub use ownership::Ownership;
pub use partition::{AssignedPartition, Generation, Position, TopicPartition};
pub use producer::{Producer, ProducerRecord, Sent};
pub use pulse::Pulse;
pub use read::{ReadFrom, TopicReader};
pub use record::{Headers, OwnedHeader, OwnedRecord, Record};
pub use relay::{Outbox, Relay, RelayError, Transform};
pub use revoke_pending::RevokePending;
pub use start::{FirstStart, start_position};
pub use unread::{Unread, Waiting};
pub use write::BulkWriter;

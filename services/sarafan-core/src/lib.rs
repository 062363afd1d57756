//! The pure core: vocabulary, the join, every metric, the `Shard`.
//!
//! A function of the records it was handed: no IO, no clock, no randomness, no runtime, no float in state. It knows
//! nothing of Kafka or ClickHouse. Why the tables can only be right is argued in [`law`].

mod cuts;
pub mod definitions;
pub mod event;
#[doc = include_str!("law.md")]
pub mod law {}
mod metrics;
mod planted;
pub mod rollup;
pub mod rows;
pub mod shard;
pub mod standing;
mod state;
pub mod statistics;
pub mod table;
pub mod tenure;
pub mod vocabulary;
mod words;

pub use definitions::{Definitions, Epoch};
pub use event::{Event, Origin};
#[doc(hidden)]
pub use planted::{planted, soundly};
pub use shard::{Batch, Placement, Scope, Shard, ShardError, Tenancy, as_of, version};

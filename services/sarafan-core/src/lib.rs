//! The pure core: vocabulary, the join, every metric, the `Shard`.
//!
//! A function of the records it was handed: no IO, no clock, no randomness, no runtime, no float in state. It knows
//! nothing of Kafka or ClickHouse.

pub mod definitions;
pub mod event;
pub mod rollup;
pub mod rows;
pub mod table;
pub mod vocabulary;

pub use event::{Event, Origin};

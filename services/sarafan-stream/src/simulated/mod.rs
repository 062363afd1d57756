//! A Kafka cluster in memory, and the clients that talk to it: the other side of the engine's ports, for simulations.
//!
//! Nothing happens here by itself. No thread runs and no clock is read but tokio's (which a simulation pauses); whoever
//! drives it decides what happens next:
//!
//! - [`Cluster::step`] polls once for one member, beside its engine and apart from it: heartbeat, rebalance, commands,
//!   records. A member that is not stepped for longer than its session timeout loses its partitions, and learns of it when
//!   it is stepped again.
//! - [`Cluster::pending`] lists what was sent to the brokers, and [`Cluster::answer`] decides [`How`] each is answered.
//!   What was sent can land after the process that sent it has died.
//! - [`Cluster::kill`] ends a process as `SIGKILL` does: to be called before its future is dropped, for a consumer
//!   that is dropped alive leaves its group.
//!
//! - [`Polled`] polls a future by hand: one poll is one step of an engine, not to poll it for a while makes a zombie, to
//!   drop it is a crash.
//!
//! A [`Process`] is one number for all that dies together, its consumers and its producers; a process that is started again
//! may have the number again.
//!
//! The engine's own code runs above it: the loop, commits and their order, retries, generations of records, what the
//! producer counts.

mod cluster;
mod coordinator;
mod link;
mod log;
mod member;
mod polled;
mod producing;
mod requests;
mod rounds;

#[cfg(test)]
mod tests;

pub use cluster::{Cluster, MemberId, Process};
pub use coordinator::Protocol;
pub use log::Written;
pub use member::Stepped;
pub use polled::Polled;
pub use requests::{How, Pending, RequestId, What};

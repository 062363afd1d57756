//! The tables of ClickHouse in memory: the other side of [`Warehouse`](crate::Warehouse), for simulations.
//!
//! Nothing happens here by itself. What a process asks for waits in [`Tables::pending`], and whoever drives the simulation
//! decides by [`Tables::answer`] when and [`How`]: done, done and the answer lost, not done, later, twice, from an older
//! snapshot. What was sent can land after the process that sent it has died.
//!
//! Rows replace each other as in the real tables: by the sort key and the version that the migrations declare. A block lands
//! whole or not at all. A read sees one snapshot of one table; two tables are two reads.

mod client;
mod contents;
mod keys;
mod requests;
mod tables;
mod visible;

#[cfg(test)]
mod tests;

pub use client::Client;
pub use contents::{Key, Row, Ties};
pub use requests::{How, Pending, RequestId, What};
pub use tables::{Backup, Tables};
pub use visible::Shown;

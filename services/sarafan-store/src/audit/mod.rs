//! The audit: every table of figures recounted from the facts, by SQL that shares nothing with the fold but METRICS.
//!
//! The recounts are the files of `schemas/clickhouse/audit`: what counts (`facts.sql`), one per rollup, and one per table
//! with derived columns. Here they are filled in and run. Each compares in ClickHouse and brings home counts and examples,
//! so that an audit's memory is that of a group by over the partitions in its scope, spilled to disk when it is large.
//!
//! A flush is not atomic over tables, so on a live store a difference is one only when it holds still: the caller looks
//! again, and compares what it finds with what it found.

mod compare;
mod cuts;
mod recounts;
mod structure;

use sarafan_core::definitions::Definitions;
use sarafan_core::rollup::Rollup;
use sarafan_core::tenure::LiveTerm;

use crate::client::Store;
use crate::error::StoreError;
use crate::read::Scope;

pub use recounts::DERIVED;
pub use structure::{Conflict, Markers, UnknownTerm};

/// What is recounted.
#[derive(Debug, Clone)]
pub struct Recount<'a> {
    /// The epoch, and the partitions of one query: memory and time grow with their entities.
    pub scope: Scope,
    /// What the figures mean.
    pub definitions: &'a Definitions,
    /// The terms whose cells views have to show, as the ledger says.
    pub terms: &'a [LiveTerm],
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Rows or cells compared, on either side.
    pub compared: u64,
    /// Of these, those that differ.
    pub differing: u64,
    /// Some of those that differ, at most [`EXAMPLES`], in the order of their places.
    pub examples: Vec<Difference>,
}

/// A row or a cell that is not what the facts say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Which partition, cell or row: names and keys.
    pub place: String,
    /// What the table holds: its values, or that there is no row.
    pub held: String,
    /// What the facts say.
    pub recounted: String,
    /// Version of the row held; 0 for none.
    pub version: u64,
}

/// The most examples that one comparison brings home.
pub const EXAMPLES: usize = 1_000;

impl Store {
    /// Compares the cells of a rollup with the recount of its partitions.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn recount_cells(&self, rollup: Rollup, what: &Recount<'_>) -> Result<Compared, StoreError> {
        let comparison = recounts::of_cells(self, rollup, what);
        self.compare(&comparison).await
    }

    /// Compares the derived columns of a table, one of [`DERIVED`], with the recount of its partitions.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn recount_rows(&self, table: &str, what: &Recount<'_>) -> Result<Compared, StoreError> {
        match recounts::of_rows(self, table, what) {
            Some(comparison) => self.compare(&comparison).await,
            None => Ok(Compared::default()),
        }
    }
}

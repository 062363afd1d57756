//! The `Shard`: the state of one partition, the only mutable thing of the core.
//!
//! `apply` takes a record in, `flush` hands out the rows that changed, `restore` puts rows back. What a flush says of a
//! customer at version v is a function of the records up to v (DESIGN 2).

mod apply;
mod entity_rows;
mod flush;
mod restore;
mod stand;
mod touch;

use std::sync::Arc;

use rustc_hash::FxHashMap;
use thiserror::Error;

use crate::cuts::Cuts;
use crate::definitions::{Definitions, Epoch};
use crate::metrics::{CellKey, Cells, Values};
use crate::rows;
use crate::standing::Standing;
use crate::state::holder::{FOLDED, Holder};
use crate::state::layout::Layout;
use crate::state::settled::Settling;
use crate::table::Table;
use crate::vocabulary::{Instant, Symbols};
use crate::words::Words;

pub use restore::Restored;
use touch::Touched;

/// Bits of a version below the topic generation.
const POSITION_BITS: u32 = 48;

/// The version of what is as of a position of a generation of the canonical topic: the generation, then the position.
pub fn version(generation: u16, position: u64) -> u64 {
    u64::from(generation) << POSITION_BITS | position
}

/// The generation and the position of a version.
pub fn as_of(version: u64) -> (u16, u64) {
    // Sixteen bits are left.
    ((version >> POSITION_BITS) as u16, version & ((1 << POSITION_BITS) - 1))
}

/// Where a shard stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The definitions that its rows follow.
    pub epoch: Epoch,
    /// The generation of the canonical topic.
    pub generation: u16,
    /// The partition of the canonical topic.
    pub partition: u16,
    /// How many partitions that topic has; above zero.
    pub partitions: u32,
}

/// Under which term rollup cells are written (DESIGN 2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenancy {
    /// The number of the term.
    pub term: u32,
    /// The random id of its owner.
    pub owner: u64,
    /// The incarnation of the store.
    pub incarnation: u64,
}

/// Which cells a flush writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those that changed since the last flush, empty ones as zeros.
    Changes,
    /// All: the first flush of a term.
    EveryCell,
}

/// The rows of one flush: absolute values as of a position. They are to be written in the order of the fields.
#[derive(Debug)]
pub struct Batch {
    /// Offsets applied: the next one to read.
    pub position: u64,
    /// [`version`] of the position: that of every row of the batch but the details.
    pub version: u64,
    /// Entities held, erased ones included.
    pub entities_held: u64,
    /// `details`, `order_items`.
    pub details: Vec<Table>,
    /// One table per folded subject.
    pub entities: Vec<Table>,
    /// `customer_figures`, `customer_money`, `arrivals`.
    pub derived: Vec<Table>,
    /// One table per rollup.
    pub rollups: Vec<Table>,
}

/// Why a shard refuses. Each stops the partition: what it was handed is not what it may fold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShardError {
    /// A record on a partition that its key does not hash to.
    #[error(
        "key `{key}` hashes to partition {expected} and stands on {found}: something else than sarafan wrote to the \
         canonical topic, or with another partitioner; find it, then start a new topic generation"
    )]
    WrongPartition {
        /// The canonical key.
        key: String,
        /// Where it belongs.
        expected: u32,
        /// Where it was found.
        found: u32,
    },
    /// An offset at or below the position.
    #[error("offset {offset} was handed over after position {position}: the log went backwards")]
    Backwards {
        /// The offset.
        offset: u64,
        /// The position of the shard.
        position: u64,
    },
    /// A row of the store that is not one of ours.
    #[error("table {table}, row {row}: {problem}; the store was changed by something else than sarafan")]
    BadRow {
        /// The table.
        table: &'static str,
        /// The row of the block.
        row: usize,
        /// What is wrong.
        problem: String,
    },
}

impl ShardError {
    /// The label of the error in metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::WrongPartition { .. } => "wrong_partition",
            Self::Backwards { .. } => "log_went_backwards",
            Self::BadRow { .. } => "bad_row",
        }
    }
}

/// What arrived from one source.
#[derive(Debug, Clone, Copy, Default)]
struct Arrival {
    last_event: Option<Instant>,
    last_received: Option<Instant>,
    records: u64,
    changed: bool,
}

/// The state of one partition.
#[derive(Debug)]
pub struct Shard {
    definitions: Arc<Definitions>,
    placement: Placement,
    layouts: [Layout; 5],
    symbols: Symbols,
    words: Words,
    cuts: Cuts,
    holders: FxHashMap<Arc<str>, Holder>,
    cells: FxHashMap<CellKey, Values>,
    /// What was added and taken away since the last flush.
    pending: Cells,
    /// Sums of the cells near today, once somebody has asked.
    standing: Option<Standing>,
    touched: FxHashMap<Arc<str>, Touched>,
    arrivals: FxHashMap<Arc<str>, Arrival>,
    details: Table,
    items: Table,
    entities: u64,
    position: u64,
    highest: u64,
    dirty_until: u64,
}

impl Shard {
    /// An empty shard.
    pub fn new(definitions: Arc<Definitions>, placement: Placement) -> Self {
        let mut symbols = Symbols::default();
        let words = Words::new(&definitions, &mut symbols);
        Self {
            layouts: FOLDED.map(|subject| Layout::new(subject, &definitions)),
            cuts: Cuts::new(words.all),
            symbols,
            words,
            holders: FxHashMap::default(),
            cells: FxHashMap::default(),
            pending: Cells::default(),
            standing: None,
            touched: FxHashMap::default(),
            arrivals: FxHashMap::default(),
            details: Table::new(&rows::DETAILS),
            items: Table::new(&rows::ORDER_ITEMS),
            entities: 0,
            position: 0,
            highest: 0,
            dirty_until: 0,
            definitions,
            placement,
        }
    }

    /// Offsets applied: the next one to read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Where it stands.
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// Entities held, erased ones included.
    pub fn entities(&self) -> u64 {
        self.entities
    }

    /// Whether a flush would write nothing.
    pub fn is_clean(&self) -> bool {
        self.touched.is_empty()
            && self.details.is_empty()
            && self.items.is_empty()
            && !self.arrivals.values().any(|a| a.changed)
    }

    /// The version that a position makes.
    pub fn version_of(&self, position: u64) -> u64 {
        version(self.placement.generation, position)
    }

    fn settling(&mut self) -> (&FxHashMap<Arc<str>, Holder>, &mut Cells, Settling<'_>) {
        let settling = Settling {
            definitions: &self.definitions,
            layouts: &self.layouts,
            words: &self.words,
            symbols: &mut self.symbols,
            cuts: &mut self.cuts,
        };
        (&self.holders, &mut self.pending, settling)
    }
}

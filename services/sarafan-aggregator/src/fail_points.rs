//! Where a chaos run lets an aggregator die: between the steps of the law whose order matters (DESIGN 2.4, 2.5).

use sarafan_stream::{FlushReason, fail_point};

/// A block is in ClickHouse, and the process has not acted on that yet.
pub(crate) const BLOCK_INSERTED: &str = "flush.block_inserted";
/// The ledger is written, and nothing is committed to Kafka.
pub(crate) const LEDGER_WRITTEN: &str = "flush.ledger_written";
/// A term is claimed, and nothing was read under it.
pub(crate) const TERM_CLAIMED: &str = "take.term_claimed";
/// The last flush of a revoke has ended, and the group was not answered.
pub(crate) const REVOKE_RECORDED: &str = "revoke.recorded";

/// All tables of a batch are written, and the ledger does not know of them.
pub(crate) fn tables_written(reason: FlushReason) {
    match reason {
        FlushReason::Revoke => fail_point::pass("revoke.tables_written"),
        _ => fail_point::pass("flush.tables_written"),
    }
}

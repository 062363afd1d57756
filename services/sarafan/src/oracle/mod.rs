//! The views against a second, independent program: the recount, which computes every figure of METRICS from the
//! canonical records, slowly and obviously.

mod compare;
mod contracts;
mod dump;
mod recount;

pub use compare::{Comparison, compare};
pub use dump::{Dump, dump};
pub use recount::{Figures, recount};

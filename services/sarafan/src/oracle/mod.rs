//! The views against a second, independent program: the recount, which computes every figure of METRICS from the
//! canonical records, slowly and obviously.

mod compare;
mod contracts;
mod dump;
mod recount;
mod shop;
mod truths;

pub use compare::{Comparison, compare};
pub use dump::{Dump, dump};
pub use recount::{Figures, recount};
pub use shop::{compare_shop, shop_figures};
pub use truths::{Truth, shop_truths};

//! What was planted: the figures of any world that is large enough must show it.
//!
//! "Large enough" is the default number of customers over at least 430 days; the collapse of the store alone shows
//! in any world that has 30 answering customers a store in 30 days.

use jiff::ToSpan as _;
use jiff::civil::Date;

/// The store whose service collapses on [`collapse_day`]: from then on most of its deliveries are late, and the answers
/// about it lose several points. In the 30 complete days that end with the history its NPS (survey `after_delivery`,
/// population `customers`) has fallen significantly against the 30 days before; that of no other store has, when
/// the threshold is corrected for their number.
pub const COLLAPSED_STORE: &str = "S07";

/// How many days of the history the collapse has lasted, its first and the history's last day included.
pub const COLLAPSE_DAYS: i64 = 26;

/// The first day of the collapse.
pub fn collapse_day(until: Date) -> Date {
    until.saturating_sub((COLLAPSE_DAYS - 1).days())
}

/// The channel whose first-time buyers never buy again: in the segment of customers whose first order came through it,
/// nobody has a second purchase.
pub const ONE_TIME_CHANNEL: &str = "marketplace";

/// The campaign that buys bad customers: against customers of the same age won otherwise, those it won have brought
/// less margin, buy again less often, and send back a larger part of what they bought.
pub const BAD_CAMPAIGN: &str = "flash_sale";

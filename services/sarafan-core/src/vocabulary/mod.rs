//! The words of the field as types: money, days, scores, stamps, keys, subjects and their fields.

mod field;
mod key;
mod money;
mod score;
mod stamp;
mod subject;
mod symbol;
mod time;

pub use field::{Field, FieldValue, Item, Kind, Role};
pub use key::CanonicalKey;
pub(crate) use money::divide_half_even;
pub use money::{Money, MoneyError, Rate};
pub use score::{Group, Score};
pub use stamp::Stamp;
pub use subject::{COUNTED_STATUSES, Subject};
pub use symbol::{Symbol, Symbols};
pub use time::{Day, Instant, Month, ReportingZone, UnknownZone};

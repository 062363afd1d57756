//! The order of versions: which of two records of one entity is the later.

use super::Instant;

/// `(updated_at, mapping_revision, record_hash)` as one integer whose order is that of the tuple (METRICS 1).
///
/// 64 bits of microseconds (the sign bit flipped, so that instants before 1970 sort first), 16 bits of mapping
/// revision, 48 bits of hash. The same `UInt128` orders the details in ClickHouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(u128);

const HASH_BITS: u32 = 48;
const SIGN: u64 = 1 << 63;

impl Stamp {
    /// Bits of a record hash that take part in the order.
    pub const HASH_MASK: u64 = (1 << HASH_BITS) - 1;

    /// The stamp of a record; only the lower 48 bits of the hash are taken.
    pub fn new(updated_at: Instant, mapping_revision: u16, record_hash: u64) -> Self {
        let time = u128::from(updated_at.micros().cast_unsigned() ^ SIGN);
        let hash = u128::from(record_hash & Self::HASH_MASK);
        Self(time << 64 | u128::from(mapping_revision) << HASH_BITS | hash)
    }

    /// The integer, as tables store it.
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// A stamp from the integer that a table stores.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// When the record says it was made.
    pub fn updated_at(self) -> Instant {
        let time = (self.0 >> 64) as u64;
        Instant::from_micros((time ^ SIGN).cast_signed())
    }

    /// The revision of the mapping that read it.
    pub fn mapping_revision(self) -> u16 {
        ((self.0 >> HASH_BITS) & 0xffff) as u16
    }

    /// The hash of the mapped content.
    pub fn record_hash(self) -> u64 {
        self.0 as u64 & Self::HASH_MASK
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stamps_order_as_their_tuples(a: (i64, u16, u64), b: (i64, u16, u64)) {
            let (a, b) = ((a.0, a.1, a.2 & Stamp::HASH_MASK), (b.0, b.1, b.2 & Stamp::HASH_MASK));
            let stamp = |t: (i64, u16, u64)| Stamp::new(Instant::from_micros(t.0), t.1, t.2);
            prop_assert_eq!(stamp(a).cmp(&stamp(b)), a.cmp(&b));
            let s = stamp(a);
            prop_assert_eq!((s.updated_at().micros(), s.mapping_revision(), s.record_hash()), a);
        }
    }
}

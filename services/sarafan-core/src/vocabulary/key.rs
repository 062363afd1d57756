//! The canonical key: whose state a record belongs to, and which partition holds it.

use std::fmt;

use super::Subject;
use crate::planted::planted;

/// `c:<customer>`, else `o:<order>` for a guest's order and what names it, else `e:<own id>` (DESIGN 1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanonicalKey(String);

impl CanonicalKey {
    /// The key of a record; `order_id` is the order that a refund or an answer names.
    pub fn of(subject: Subject, id: &str, customer_id: Option<&str>, order_id: Option<&str>) -> Self {
        let order = if subject == Subject::Order { Some(id) } else { order_id };
        match (customer_id, order) {
            (Some(customer), _) => Self(format!("c:{customer}")),
            (None, Some(order)) => Self(format!("o:{order}")),
            (None, None) => Self(format!("e:{id}")),
        }
    }

    /// A key as it stands on the topic; `None` when it is of no known kind.
    pub fn parse(text: &str) -> Option<Self> {
        let known = ["c:", "o:", "e:"].iter().any(|kind| text.starts_with(kind) && text.len() > kind.len());
        known.then(|| Self(text.to_owned()))
    }

    /// The text, as it stands on the topic and in the tables.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The customer, unless it is a guest's key.
    pub fn customer_id(&self) -> Option<&str> {
        self.0.strip_prefix("c:")
    }

    /// `murmur2(key) & 0x7fffffff`, as Java's default partitioner computes it.
    pub fn hash(&self) -> u32 {
        let mask = if planted("planted::signed_key_hash") { u32::MAX } else { 0x7fff_ffff };
        murmur2::murmur2(self.0.as_bytes(), murmur2::KAFKA_SEED) & mask
    }

    /// The partition that holds it among `partitions`, which is above zero.
    pub fn partition(&self, partitions: u32) -> u32 {
        self.hash() % partitions
    }
}

impl fmt::Display for CanonicalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_without_customer_is_keyed_by_its_order_or_itself() {
        let key = |s, c, o| CanonicalKey::of(s, "x", c, o).to_string();
        assert_eq!(key(Subject::Order, Some("7"), None), "c:7");
        assert_eq!(key(Subject::Order, None, None), "o:x");
        assert_eq!(key(Subject::Refund, None, Some("9")), "o:9");
        assert_eq!(key(Subject::SurveyResponse, None, None), "e:x");
    }

    #[test]
    fn the_hash_is_that_of_java_clients() {
        // Reference values of Apache Kafka's own UtilsTest.testMurmur2.
        for (text, hash) in
            [("21", -973_932_308_i32), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536)]
        {
            assert_eq!(murmur2::murmur2(text.as_bytes(), murmur2::KAFKA_SEED).cast_signed(), hash);
        }
        let key = CanonicalKey::parse("c:17850").unwrap();
        assert!(key.hash() <= 0x7fff_ffff);
        assert_eq!(key.partition(6), key.hash() % 6);
    }
}

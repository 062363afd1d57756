//! A canonical event: one record of one entity, as it stands on `sarafan.events.v1`.

use crate::vocabulary::{CanonicalKey, FieldValue, Instant, Stamp, Subject};

/// One record of one entity. Fields that it does not speak of are not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What it speaks of.
    pub subject: Subject,
    /// The entity's own id (`order_id`, `refund_id`, ... of METRICS 1). Its identity is (key, id).
    pub id: String,
    /// The customer, unless a guest's.
    pub customer_id: Option<String>,
    /// The order that a guest's refund, answer or invitation names: it decides the key.
    pub order_id: Option<String>,
    /// Its place in the order of versions.
    pub stamp: Stamp,
    /// The entity's content is to be blanked for ever.
    pub erased: bool,
    /// The fields it speaks of, by their names in [`Subject::fields`]. A field of [`Kind::Named`] stands once per
    /// name, as `attributes.<name>`.
    ///
    /// [`Kind::Named`]: crate::vocabulary::Kind::Named
    pub fields: Vec<(String, FieldValue)>,
    /// Where it came from; no figure depends on it.
    pub origin: Origin,
}

/// Where a record came from (DESIGN 1). Speaks of arrival, so no figure but `freshness` depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The configured source.
    pub source: String,
    /// Its topic, partition and offset.
    pub topic: String,
    /// Partition of the source topic.
    pub partition: i32,
    /// Offset in the source topic.
    pub offset: i64,
    /// When the source's broker received it, if known: where the source topic has its producers' times, that is when it
    /// was appended to the canonical topic.
    pub received_at: Option<Instant>,
}

impl Event {
    /// The canonical key (DESIGN 1).
    pub fn key(&self) -> CanonicalKey {
        CanonicalKey::of(self.subject, &self.id, self.customer_id.as_deref(), self.order_id.as_deref())
    }

    /// The value of a field, if the record speaks of it.
    pub fn field(&self, name: &str) -> Option<&FieldValue> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// When it happened, if the record says so.
    pub fn event_time(&self) -> Option<Instant> {
        match self.field(self.subject.event_time()?)? {
            FieldValue::Instant(at) => Some(*at),
            _ => None,
        }
    }
}

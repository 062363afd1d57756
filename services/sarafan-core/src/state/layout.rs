//! Which slot of an entity holds which field: the metric fields of its subject, then the attributes that a dimension
//! reads.

use rustc_hash::FxHashMap;

use crate::definitions::Definitions;
use crate::vocabulary::{Field, Kind, Role, Subject};

/// Slots that an entity can have: one bit each.
pub(crate) const MOST_SLOTS: usize = 64;

/// The slots of one subject.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) slots: Vec<Slot>,
    /// How many of them are fields of the subject; the rest are attributes.
    pub(crate) fields: usize,
    by_name: FxHashMap<String, u8>,
}

/// A slot.
#[derive(Debug)]
pub(crate) struct Slot {
    /// `amount`, `attributes.tier`.
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

impl Layout {
    pub(crate) fn new(subject: Subject, definitions: &Definitions) -> Self {
        let fields = subject.fields().iter().filter(|f| f.role == Role::Metric);
        let mut slots: Vec<Slot> = fields.map(|f| Slot { name: f.name.to_owned(), kind: f.kind }).collect();
        let count = slots.len();
        let attributes = definitions.attributes_of(subject);
        slots.extend(attributes.iter().map(|a| Slot { name: format!("attributes.{a}"), kind: Kind::Text }));
        slots.truncate(MOST_SLOTS);
        let by_name = (0_u8..).zip(&slots).map(|(i, slot)| (slot.name.clone(), i)).collect();
        Self { slots, fields: count, by_name }
    }

    pub(crate) fn slot(&self, name: &str) -> Option<u8> {
        self.by_name.get(name).copied()
    }
}

/// The slot of a field that the fold speaks of by name; a name that is not there does not compile.
pub(crate) const fn slot_of(fields: &[Field], name: &str) -> u8 {
    let mut i = 0;
    while i < fields.len() {
        if same(fields[i].name.as_bytes(), name.as_bytes()) {
            return i as u8;
        }
        i += 1;
    }
    // Evaluated by the compiler only: every caller is a constant.
    [][i]
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

macro_rules! slots {
    ($module:ident, $subject:ident: $($name:ident = $field:literal),+ $(,)?) => {
        pub(crate) mod $module {
            use super::{Subject, slot_of};
            $(pub(crate) const $name: u8 = slot_of(Subject::$subject.fields(), $field);)+
        }
    };
}

slots!(order, Order: ORDERED_AT = "ordered_at", STATUS = "status", KIND = "kind", AMOUNT = "amount", MARGIN = "margin",
    CURRENCY = "currency", PURCHASE_ID = "purchase_id", REFERRED_BY = "referred_by",
    EXCLUDED_REASON = "excluded_reason", MOVED = "moved", DELETED = "deleted");
slots!(refund, Refund: REFUNDED_AT = "refunded_at", AMOUNT = "amount", MARGIN = "margin", CURRENCY = "currency",
    ORDER_ID = "order_id", MOVED = "moved", DELETED = "deleted");
slots!(response, SurveyResponse: SURVEY = "survey", ANSWERED_AT = "answered_at", SCORE = "score", ORDER_ID = "order_id",
    INVITATION_ID = "invitation_id", EXCLUDED_REASON = "excluded_reason", MOVED = "moved", DELETED = "deleted");
slots!(invitation, SurveyInvitation: SURVEY = "survey", INVITED_AT = "invited_at", STATUS = "status",
    ORDER_ID = "order_id", REMINDER_OF = "reminder_of", MOVED = "moved", DELETED = "deleted");
slots!(customer, Customer: EXCLUDED_REASON = "excluded_reason", DELETED = "deleted");

//! The subjects a record may speak of (METRICS 1) and the fields of each.

use super::field::{Field, Kind, Role};

/// Statuses in which an order counts (METRICS 1).
pub const COUNTED_STATUSES: [&str; 5] = ["placed", "paid", "shipped", "delivered", "completed"];

const ORDER_STATUSES: &[&str] =
    &["pending", "placed", "paid", "shipped", "delivered", "completed", "cancelled", "returned", "failed"];
const ORDER_KINDS: &[&str] = &["sale", "exchange", "replacement", "sample"];
const INVITATION_STATUSES: &[&str] = &["sent", "delivered", "bounced"];

/// What a record speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A purchase.
    Order,
    /// Money given back.
    Refund,
    /// An answer.
    SurveyResponse,
    /// A question asked.
    SurveyInvitation,
    /// A customer's attributes.
    Customer,
    /// A closed-loop case.
    FollowUp,
    /// Marketing money spent.
    Spend,
    /// A sale in progress.
    Deal,
}

const fn metric(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, role: Role::Metric }
}

const fn detail(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, role: Role::Detail }
}

const ORDER: &[Field] = &[
    metric("ordered_at", Kind::Instant),
    metric("status", Kind::Code(ORDER_STATUSES)),
    metric("kind", Kind::Code(ORDER_KINDS)),
    metric("amount", Kind::Money),
    metric("tax", Kind::Money),
    metric("shipping", Kind::Money),
    metric("discount", Kind::Money),
    metric("bonus_spent", Kind::Money),
    metric("margin", Kind::Money),
    metric("currency", Kind::Text),
    metric("purchase_id", Kind::Text),
    metric("channel", Kind::Text),
    metric("store", Kind::Text),
    metric("seller", Kind::Text),
    metric("manager", Kind::Text),
    metric("campaign", Kind::Text),
    metric("referred_by", Kind::Text),
    metric("excluded_reason", Kind::Text),
    metric("moved", Kind::Flag),
    metric("deleted", Kind::Flag),
    detail("items", Kind::Items),
    detail("attributes", Kind::Named),
];

const REFUND: &[Field] = &[
    metric("refunded_at", Kind::Instant),
    metric("amount", Kind::Money),
    metric("margin", Kind::Money),
    metric("currency", Kind::Text),
    metric("order_id", Kind::Text),
    metric("channel", Kind::Text),
    metric("store", Kind::Text),
    metric("reason", Kind::Text),
    metric("moved", Kind::Flag),
    metric("deleted", Kind::Flag),
    detail("attributes", Kind::Named),
];

const SURVEY_RESPONSE: &[Field] = &[
    metric("survey", Kind::Text),
    metric("answered_at", Kind::Instant),
    metric("score", Kind::Score),
    metric("reasons", Kind::Texts),
    metric("channel", Kind::Text),
    metric("touchpoint", Kind::Text),
    metric("wave", Kind::Text),
    metric("language", Kind::Text),
    metric("manager", Kind::Text),
    metric("store", Kind::Text),
    metric("order_id", Kind::Text),
    metric("invitation_id", Kind::Text),
    metric("respondent_id", Kind::Text),
    metric("excluded_reason", Kind::Text),
    metric("moved", Kind::Flag),
    metric("deleted", Kind::Flag),
    detail("comment", Kind::Text),
    detail("answers", Kind::Named),
    detail("attributes", Kind::Named),
];

const SURVEY_INVITATION: &[Field] = &[
    metric("survey", Kind::Text),
    metric("invited_at", Kind::Instant),
    metric("status", Kind::Code(INVITATION_STATUSES)),
    metric("channel", Kind::Text),
    metric("touchpoint", Kind::Text),
    metric("manager", Kind::Text),
    metric("store", Kind::Text),
    metric("order_id", Kind::Text),
    metric("reminder_of", Kind::Text),
    metric("moved", Kind::Flag),
    metric("deleted", Kind::Flag),
    detail("attributes", Kind::Named),
];

const CUSTOMER: &[Field] = &[
    metric("excluded_reason", Kind::Text),
    metric("deleted", Kind::Flag),
    detail("attributes", Kind::Named),
];

const FOLLOW_UP: &[Field] = &[
    detail("response_id", Kind::Text),
    detail("assignee", Kind::Text),
    detail("opened_at", Kind::Instant),
    detail("contacted_at", Kind::Instant),
    detail("resolved_at", Kind::Instant),
    detail("cause", Kind::Text),
    detail("outcome", Kind::Text),
    detail("deleted", Kind::Flag),
];

const SPEND: &[Field] = &[
    detail("campaign", Kind::Text),
    detail("spent_at", Kind::Instant),
    detail("dimension", Kind::Text),
    detail("segment", Kind::Text),
    detail("amount", Kind::Money),
    detail("currency", Kind::Text),
    detail("deleted", Kind::Flag),
];

const DEAL: &[Field] = &[
    // Stage -> when it was entered: a deal reached a stage if any record says so, in whatever order.
    detail("stages", Kind::Named),
    detail("manager", Kind::Text),
    detail("order_id", Kind::Text),
    detail("deleted", Kind::Flag),
];

impl Subject {
    /// All of them, in the order of METRICS 1.
    pub const ALL: [Self; 8] = [
        Self::Order,
        Self::Refund,
        Self::SurveyResponse,
        Self::SurveyInvitation,
        Self::Customer,
        Self::FollowUp,
        Self::Spend,
        Self::Deal,
    ];

    /// The name in schemas, mappings and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Refund => "refund",
            Self::SurveyResponse => "survey_response",
            Self::SurveyInvitation => "survey_invitation",
            Self::Customer => "customer",
            Self::FollowUp => "follow_up",
            Self::Spend => "spend",
            Self::Deal => "deal",
        }
    }

    /// The subject of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.name() == name)
    }

    /// Its fields. The order is fixed: new fields are appended before the details, and a test pins the names.
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Order => ORDER,
            Self::Refund => REFUND,
            Self::SurveyResponse => SURVEY_RESPONSE,
            Self::SurveyInvitation => SURVEY_INVITATION,
            Self::Customer => CUSTOMER,
            Self::FollowUp => FOLLOW_UP,
            Self::Spend => SPEND,
            Self::Deal => DEAL,
        }
    }

    /// The field of that name.
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// The field that says when it happened; none for a customer, and a deal has one per stage.
    pub const fn event_time(self) -> Option<&'static str> {
        match self {
            Self::Order => Some("ordered_at"),
            Self::Refund => Some("refunded_at"),
            Self::SurveyResponse => Some("answered_at"),
            Self::SurveyInvitation => Some("invited_at"),
            Self::FollowUp => Some("opened_at"),
            Self::Spend => Some("spent_at"),
            Self::Customer | Self::Deal => None,
        }
    }

    /// Whether the fold keeps an entity of it, or only its details are kept.
    pub fn is_folded(self) -> bool {
        self.fields().iter().any(|field| field.role == Role::Metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_names_are_unique_and_details_stand_last() {
        for subject in Subject::ALL {
            let fields = subject.fields();
            for (i, field) in fields.iter().enumerate() {
                assert!(
                    !fields[..i].iter().any(|f| f.name == field.name),
                    "{} {}",
                    subject.name(),
                    field.name
                );
                let after_detail = fields[..i].iter().any(|f| f.role == Role::Detail);
                assert!(field.role == Role::Detail || !after_detail, "{} {}", subject.name(), field.name);
            }
            assert_eq!(Subject::named(subject.name()), Some(subject));
        }
    }
}

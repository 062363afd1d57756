//! The columns of the tables that hold entities, what is derived for customers, and details.

use std::sync::{Arc, LazyLock};

use crate::table::{ColumnKind, ColumnSpec, TableSpec};
use crate::vocabulary::{Field, Kind, Role, Subject};

/// How the rows are encoded. Raised by a change after which rows of an earlier version would be read wrongly by this one, or
/// rows of this one by an earlier: a value that means something else, another hash. A column more raises nothing.
pub const STATE_VERSION: u64 = 1;

/// Columns before the fields of an entity, in every entity table.
const ENTITY_HEAD: [ColumnSpec; 11] = [
    ColumnSpec::new("epoch", ColumnKind::U64),
    ColumnSpec::new("key", ColumnKind::Text),
    ColumnSpec::new("id", ColumnKind::Text),
    ColumnSpec::new("key_hash", ColumnKind::U32),
    ColumnSpec::new("version", ColumnKind::U64),
    ColumnSpec::new("first_version", ColumnKind::U64),
    ColumnSpec::new("erased", ColumnKind::Flag),
    // The stamp of most fields, and the fields whose stamp is another.
    ColumnSpec::new("stamp", ColumnKind::U128),
    ColumnSpec::new("later_fields", ColumnKind::Texts),
    ColumnSpec::new("later_stamps", ColumnKind::Stamps),
    ColumnSpec::new("cleared", ColumnKind::Texts),
];

/// Columns after the fields: attributes that a dimension reads, and the source of the latest record.
const ENTITY_TAIL: [ColumnSpec; 5] = [
    ColumnSpec::new("attribute_names", ColumnKind::Texts),
    ColumnSpec::new("attribute_values", ColumnKind::Texts),
    ColumnSpec::new("source", ColumnKind::Category),
    ColumnSpec::new("latest_stamp", ColumnKind::U128),
    ColumnSpec::new("updated_at", ColumnKind::Instant),
];

const ORDER_DERIVED: &[ColumnSpec] = &[
    ColumnSpec::nullable("day", ColumnKind::Day),
    ColumnSpec::new("counted", ColumnKind::Flag),
    ColumnSpec::new("refunded", ColumnKind::Money),
    ColumnSpec::new("over_refunded", ColumnKind::Total),
    ColumnSpec::new("revenue", ColumnKind::Money),
    ColumnSpec::new("net_margin", ColumnKind::Total),
    ColumnSpec::nullable("nth", ColumnKind::U32),
    ColumnSpec::new("is_first", ColumnKind::Flag),
    ColumnSpec::nullable("days_since_previous", ColumnKind::U32),
];

const REFUND_DERIVED: &[ColumnSpec] = &[ColumnSpec::nullable("day", ColumnKind::Day)];

const RESPONSE_DERIVED: &[ColumnSpec] = &[
    ColumnSpec::nullable("day", ColumnKind::Day),
    ColumnSpec::new("counted", ColumnKind::Flag),
    ColumnSpec::nullable("superseded_on", ColumnKind::Day),
    ColumnSpec::new("dimensions", ColumnKind::Texts),
    ColumnSpec::new("segments", ColumnKind::Texts),
];

const INVITATION_DERIVED: &[ColumnSpec] = &[
    ColumnSpec::nullable("day", ColumnKind::Day),
    ColumnSpec::new("counted", ColumnKind::Flag),
    ColumnSpec::new("reminders", ColumnKind::U32),
    ColumnSpec::nullable("response_id", ColumnKind::Text),
];

/// Table and derived columns of each folded subject; a subject that is not here has details only.
const ENTITY_TABLES: [(Subject, &str, &[ColumnSpec]); 5] = [
    (Subject::Order, "orders", ORDER_DERIVED),
    (Subject::Refund, "refunds", REFUND_DERIVED),
    (Subject::SurveyResponse, "survey_responses", RESPONSE_DERIVED),
    (Subject::SurveyInvitation, "survey_invitations", INVITATION_DERIVED),
    (Subject::Customer, "customers", &[]),
];

static ENTITIES: LazyLock<Vec<Arc<TableSpec>>> = LazyLock::new(|| {
    ENTITY_TABLES.iter().map(|(s, name, derived)| Arc::new(entity(*s, name, derived))).collect()
});

/// Folded subjects, in the order in which a restore reads and a flush writes them.
pub fn folded() -> impl Iterator<Item = Subject> {
    ENTITY_TABLES.iter().map(|(subject, ..)| *subject)
}

/// The table of a folded subject: head, fields in the order of [`Subject::fields`], attributes, derived columns.
pub fn entity_table(subject: Subject) -> Option<&'static Arc<TableSpec>> {
    let index = ENTITY_TABLES.iter().position(|(s, ..)| *s == subject)?;
    ENTITIES.get(index)
}

/// The tables whose rows say a version and whose key is of a customer: of entities, then of customers.
pub fn versioned() -> impl Iterator<Item = &'static TableSpec> {
    ENTITIES.iter().map(Arc::as_ref).chain(of_customers())
}

/// The tables of what is told of a customer as a whole.
pub fn of_customers() -> impl Iterator<Item = &'static TableSpec> {
    [CUSTOMER_FIGURES.as_ref(), CUSTOMER_MONEY.as_ref()].into_iter()
}

/// How many columns an entity's own content takes: those that a restore reads.
pub fn own_columns(subject: Subject) -> usize {
    let fields = subject.fields().iter().filter(|f| f.role == Role::Metric).count();
    ENTITY_HEAD.len() + fields + ENTITY_TAIL.len()
}

fn entity(subject: Subject, name: &'static str, derived: &[ColumnSpec]) -> TableSpec {
    let mut columns = ENTITY_HEAD.to_vec();
    columns.extend(subject.fields().iter().filter(|f| f.role == Role::Metric).map(field_column));
    columns.extend(ENTITY_TAIL);
    columns.extend(derived);
    TableSpec { name, columns }
}

/// Ids of single things are texts; all else repeats and is stored by dictionary.
fn field_column(field: &Field) -> ColumnSpec {
    let single = field.name.ends_with("_id") || matches!(field.name, "referred_by" | "reminder_of");
    let kind = match field.kind {
        Kind::Instant => ColumnKind::Instant,
        Kind::Money => ColumnKind::Money,
        Kind::Score => ColumnKind::I8,
        Kind::Flag => ColumnKind::Flag,
        Kind::Texts => return ColumnSpec::new(field.name, ColumnKind::Texts),
        Kind::Text | Kind::Code(_) | Kind::Items | Kind::Named if single => ColumnKind::Text,
        Kind::Text | Kind::Code(_) | Kind::Items | Kind::Named => ColumnKind::Category,
    };
    ColumnSpec::nullable(field.name, kind)
}

/// What is derived for a customer from all its records: one row per customer key.
pub static CUSTOMER_FIGURES: LazyLock<Arc<TableSpec>> = LazyLock::new(|| {
    Arc::new(TableSpec {
        name: "customer_figures",
        columns: vec![
            ColumnSpec::new("epoch", ColumnKind::U64),
            ColumnSpec::new("key", ColumnKind::Text),
            ColumnSpec::new("key_hash", ColumnKind::U32),
            ColumnSpec::new("version", ColumnKind::U64),
            ColumnSpec::nullable("excluded_reason", ColumnKind::Category),
            ColumnSpec::nullable("first_order_at", ColumnKind::Instant),
            ColumnSpec::nullable("last_order_at", ColumnKind::Instant),
            ColumnSpec::nullable("first_day", ColumnKind::Day),
            ColumnSpec::nullable("last_day", ColumnKind::Day),
            ColumnSpec::new("orders", ColumnKind::U32),
            ColumnSpec::new("purchases", ColumnKind::U32),
            ColumnSpec::new("answers", ColumnKind::U32),
            ColumnSpec::new("years_bought", ColumnKind::U16),
            ColumnSpec::nullable("latest_score", ColumnKind::I8),
            ColumnSpec::nullable("latest_answered_at", ColumnKind::Instant),
            ColumnSpec::nullable("referred_by", ColumnKind::Text),
            ColumnSpec::new("dimensions", ColumnKind::Texts),
            ColumnSpec::new("segments", ColumnKind::Texts),
        ],
    })
});

/// A customer's money, one element per currency, sorted by currency.
///
/// One row per customer and not one per currency: a currency that a customer no longer has leaves with the next row,
/// also when the owner that writes it never saw it.
pub static CUSTOMER_MONEY: LazyLock<Arc<TableSpec>> = LazyLock::new(|| {
    Arc::new(TableSpec {
        name: "customer_money",
        columns: vec![
            ColumnSpec::new("epoch", ColumnKind::U64),
            ColumnSpec::new("key", ColumnKind::Text),
            ColumnSpec::new("key_hash", ColumnKind::U32),
            ColumnSpec::new("version", ColumnKind::U64),
            ColumnSpec::new("currency", ColumnKind::Texts),
            ColumnSpec::new("orders", ColumnKind::Counts),
            ColumnSpec::new("purchases", ColumnKind::Counts),
            ColumnSpec::new("months_487", ColumnKind::Counts),
            ColumnSpec::new("gross", ColumnKind::Totals),
            ColumnSpec::new("refunded", ColumnKind::Totals),
            ColumnSpec::new("revenue", ColumnKind::Totals),
            ColumnSpec::new("margin", ColumnKind::Totals),
        ],
    })
});

/// Detail fields: one row per entity and field (named fields: per name), the same join done by ClickHouse on `stamp`.
pub static DETAILS: LazyLock<Arc<TableSpec>> = LazyLock::new(|| {
    Arc::new(TableSpec {
        name: "details",
        columns: vec![
            ColumnSpec::new("subject", ColumnKind::Category),
            ColumnSpec::new("key", ColumnKind::Text),
            ColumnSpec::new("id", ColumnKind::Text),
            ColumnSpec::new("field", ColumnKind::Category),
            ColumnSpec::nullable("value", ColumnKind::Text),
            ColumnSpec::new("stamp", ColumnKind::U128),
            ColumnSpec::new("key_hash", ColumnKind::U32),
        ],
    })
});

/// Lines of an order: one row per order, one element per line.
pub static ORDER_ITEMS: LazyLock<Arc<TableSpec>> = LazyLock::new(|| {
    Arc::new(TableSpec {
        name: "order_items",
        columns: vec![
            ColumnSpec::new("key", ColumnKind::Text),
            ColumnSpec::new("id", ColumnKind::Text),
            ColumnSpec::new("sku", ColumnKind::Texts),
            ColumnSpec::new("category", ColumnKind::Texts),
            ColumnSpec::new("brand", ColumnKind::Texts),
            ColumnSpec::new("quantity", ColumnKind::Monies),
            ColumnSpec::new("price", ColumnKind::Monies),
            ColumnSpec::new("amount", ColumnKind::Monies),
            ColumnSpec::new("stamp", ColumnKind::U128),
            ColumnSpec::new("key_hash", ColumnKind::U32),
        ],
    })
});

/// What arrived from each source, per partition of the canonical topic (`freshness`; exempt from the law).
pub static ARRIVALS: LazyLock<Arc<TableSpec>> = LazyLock::new(|| {
    Arc::new(TableSpec {
        name: "arrivals",
        columns: vec![
            ColumnSpec::new("source", ColumnKind::Category),
            ColumnSpec::new("partition", ColumnKind::U16),
            ColumnSpec::nullable("last_event_at", ColumnKind::Instant),
            ColumnSpec::nullable("last_received_at", ColumnKind::Instant),
            ColumnSpec::new("records", ColumnKind::U64),
            ColumnSpec::new("version", ColumnKind::U64),
        ],
    })
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_each_column_once() {
        let mut tables: Vec<&TableSpec> = folded().filter_map(entity_table).map(Arc::as_ref).collect();
        let fixed: [&Arc<TableSpec>; 5] =
            [&CUSTOMER_FIGURES, &CUSTOMER_MONEY, &DETAILS, &ORDER_ITEMS, &ARRIVALS];
        tables.extend(fixed.map(Arc::as_ref));
        for table in tables {
            for (i, column) in table.columns.iter().enumerate() {
                let earlier = &table.columns[..i];
                assert!(!earlier.iter().any(|c| c.name == column.name), "{}.{}", table.name, column.name);
            }
        }
    }

    #[test]
    fn exactly_the_subjects_with_metric_fields_are_folded() {
        for subject in Subject::ALL {
            assert_eq!(subject.is_folded(), entity_table(subject).is_some(), "{}", subject.name());
        }
    }
}

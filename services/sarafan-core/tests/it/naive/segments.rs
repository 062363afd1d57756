//! Where a customer, an order or an answer stands: one segment per dimension, and always `all`.

use sarafan_core::definitions::{DimensionKind, Source};
use sarafan_core::vocabulary::Subject;

use super::facts::Facts;
use super::merge::Entity;

/// (dimension, segment).
pub(crate) type Cut = (String, String);

/// `all` and the customer's own segments.
pub(crate) fn of_customer(facts: &Facts<'_>, key: &str) -> Vec<Cut> {
    cuts(facts, key, &[DimensionKind::Customer], None, None)
}

/// `all`, the customer's segments and those of an order or a refund.
pub(crate) fn of_order(facts: &Facts<'_>, key: &str, record: &Entity) -> Vec<Cut> {
    cuts(facts, key, &[DimensionKind::Customer, DimensionKind::Order], Some(record), None)
}

/// `all`, the customer's segments and those of an answer or an invitation.
pub(crate) fn of_response(facts: &Facts<'_>, key: &str, record: &Entity) -> Vec<Cut> {
    let order = facts.order(key, record.text("order_id")).map(|o| o.entity);
    cuts(facts, key, &[DimensionKind::Customer, DimensionKind::Response], Some(record), order)
}

/// The response segments alone, whether or not the record counts.
pub(crate) fn own_of_response(facts: &Facts<'_>, key: &str, record: &Entity) -> Vec<Cut> {
    let order = facts.order(key, record.text("order_id")).map(|o| o.entity);
    cuts(facts, key, &[DimensionKind::Response], Some(record), order).split_off(1)
}

fn cuts(
    facts: &Facts<'_>,
    key: &str,
    kinds: &[DimensionKind],
    record: Option<&Entity>,
    order: Option<&Entity>,
) -> Vec<Cut> {
    let mut found = vec![("all".to_owned(), "all".to_owned())];
    for dimension in facts.world.definitions.dimensions.iter().filter(|d| kinds.contains(&d.kind)) {
        let part = |source: &Source| {
            let value = match source {
                Source::Own(field) => record.and_then(|r| r.text(field)).map(str::to_owned),
                Source::OfOrder(field) => order.and_then(|o| o.text(field)).map(str::to_owned),
                of_customer => customer_value(facts, key, of_customer),
            };
            value.filter(|v| !v.is_empty()).unwrap_or_else(|| "unknown".to_owned())
        };
        let parts: Vec<_> = dimension.sources.iter().map(part).collect();
        found.push((dimension.name.clone(), parts.join(" / ")));
    }
    found
}

fn customer_value(facts: &Facts<'_>, key: &str, source: &Source) -> Option<String> {
    let id = key.strip_prefix("c:")?;
    let mut orders = facts.orders.iter().filter(|o| o.key == key);
    match source {
        Source::Attribute(name) => {
            let customer = facts.world.find(Subject::Customer, key, id)?;
            customer.text(&format!("attributes.{name}")).map(str::to_owned)
        }
        Source::CohortMonth => {
            let (year, month) = year_and_month(orders.next()?.day);
            Some(format!("{year:04}-{month:02}"))
        }
        Source::FirstOrder(field) => orders.next()?.entity.text(field).map(str::to_owned),
        Source::LatestOrder(field) => orders.next_back()?.entity.text(field).map(str::to_owned),
        Source::Own(_) | Source::OfOrder(_) => None,
    }
}

/// The civil year and month (1..=12) of a day since 1970-01-01.
pub(crate) fn year_and_month(day: i32) -> (i32, i32) {
    let span = jiff::Span::new().days(day);
    let date = jiff::civil::date(1970, 1, 1).checked_add(span).expect("a day");
    (i32::from(date.year()), i32::from(date.month()))
}

/// The month of a day, counted from year 0.
pub(crate) fn month_index(day: i32) -> i32 {
    let (year, month) = year_and_month(day);
    year * 12 + month - 1
}

/// The first day of a month that is counted from year 0, as days since 1970-01-01.
pub(crate) fn first_of_month(index: i32) -> i32 {
    let year = i16::try_from(index.div_euclid(12)).expect("a year");
    let month = i8::try_from(index.rem_euclid(12) + 1).expect("a month");
    let date = jiff::civil::date(year, month, 1);
    jiff::civil::date(1970, 1, 1).until(date).expect("a span of days").get_days()
}

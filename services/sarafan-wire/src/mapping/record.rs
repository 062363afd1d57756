//! One entity of a source record: its rule, applied.

use sarafan_core::event::{Event, Origin};
use sarafan_core::vocabulary::{Field, FieldValue, Instant, Kind, Stamp, Subject};
use serde_json::Value;

use super::check::{check, declared_survey};
use super::condition::Condition;
use super::field::{convert, id};
use super::lines::{Currencies, Lines, OfList, Sum};
use super::path::scalar;
use super::time::Clock;
use super::value::{Given, ValueSpec};
use crate::content::{record_hash, sort_fields};
use crate::reason::{Fault, Reason, Rejection};

/// A `[[source.record]]`, compiled.
#[derive(Debug, Clone)]
pub(super) struct RecordRule {
    pub(super) subject: Subject,
    pub(super) when: Condition,
    pub(super) id: ValueSpec,
    pub(super) customer_id: Option<ValueSpec>,
    pub(super) previous_customer_id: Option<ValueSpec>,
    pub(super) key_order_id: Option<ValueSpec>,
    pub(super) updated_at: Version,
    pub(super) erased: Option<Condition>,
    pub(super) fields: Vec<FieldRule>,
}

/// The version that the source declares (METRICS 1).
#[derive(Debug, Clone)]
pub(super) enum Version {
    /// A value of the record.
    Value(Box<ValueSpec>),
    /// The timestamp of the Kafka record.
    RecordTimestamp,
}

/// One field, or one part of a named field.
#[derive(Debug, Clone)]
pub(super) struct FieldRule {
    /// Its full name: `attributes.country`.
    pub(super) name: String,
    pub(super) field: &'static Field,
    pub(super) source: FieldSource,
}

/// Where a field comes from.
#[derive(Debug, Clone)]
pub(super) enum FieldSource {
    Value(Box<ValueSpec>),
    Sum(Box<Sum>),
    Lines(Box<Lines>),
    /// Every entry of an object is a part of a named field.
    Entries(Box<ValueSpec>),
    /// Whether a condition holds.
    Holds(Condition),
}

/// What all rules of a source share while a record is mapped.
pub(super) struct Context<'a> {
    pub(super) root: &'a Value,
    pub(super) clock: Clock,
    pub(super) mapping_revision: u16,
    pub(super) origin: &'a Origin,
    pub(super) surveys: &'a [String],
}

impl RecordRule {
    /// The events of one entity: the record itself and, when it came from another customer, the move before it.
    pub(super) fn events(&self, context: &Context<'_>, out: &mut Vec<Event>) -> Result<(), Rejection> {
        let at = |name: &str| format!("{}.{name}", self.subject.name());
        let own_id = required_id(&self.id, context.root).map_err(|fault| fault.at(at("id")))?;
        let own = |spec: &Option<ValueSpec>, name: &str| {
            spec.as_ref()
                .map_or(Ok(None), |spec| optional_id(spec, context.root))
                .map_err(|fault| fault.at(at(name)))
        };
        let mut customer_id = own(&self.customer_id, "customer_id")?;
        if self.subject == Subject::Customer {
            customer_id = Some(own_id.clone());
        }
        let order_id = own(&self.key_order_id, "order_id")?;
        let updated_at = self.version(context).map_err(|fault| fault.at(at("updated_at")))?;
        let (fields, currencies) = self.fields(context)?;
        let mut event = Event {
            subject: self.subject,
            id: own_id,
            customer_id,
            order_id,
            stamp: Stamp::new(updated_at, context.mapping_revision, 0),
            erased: self.erased.as_ref().is_some_and(|erased| erased.holds(context.root)),
            fields,
            origin: context.origin.clone(),
        };
        check(&event, &currencies)?;
        declared_survey(&event, context.surveys)?;
        if event.erased {
            // What is to be blanked does not travel any further.
            event.fields.clear();
        }
        if let Some(previous) =
            self.previous(context, &event).map_err(|fault| fault.at(at("previous_customer_id")))?
        {
            out.push(sealed(moved(&event, previous), updated_at, context));
            // It may have moved here before: coming back takes the mark off again.
            event.fields.push(("moved".to_owned(), FieldValue::Cleared));
            sort_fields(&mut event);
        }
        out.push(sealed(event, updated_at, context));
        Ok(())
    }

    fn version(&self, context: &Context<'_>) -> Result<Instant, Fault> {
        let Version::Value(spec) = &self.updated_at else { return Ok(context.clock.record()) };
        let missing =
            || Fault::new(Reason::MissingVersion, "is the declared version, and the record has none");
        let Given::Value(value) = spec.read(context.root)? else { return Err(missing()) };
        let time = spec.time.as_ref().ok_or_else(missing)?;
        context.clock.version(time.read(&value)?)
    }

    fn fields(&self, context: &Context<'_>) -> Result<(Vec<(String, FieldValue)>, Currencies), Rejection> {
        let mut fields = Vec::with_capacity(self.fields.len() + 1);
        let mut currencies = Currencies::new();
        for rule in &self.fields {
            rule.read(context, &mut fields, &mut currencies)
                .map_err(|fault| fault.at(format!("{}.{}", self.subject.name(), rule.name)))?;
        }
        Ok((fields, currencies))
    }

    /// Whom the entity came from, if it is known to have come from somebody else: `Some(None)` is a guest.
    fn previous(&self, context: &Context<'_>, event: &Event) -> Result<Option<Option<String>>, Fault> {
        let Some(spec) = &self.previous_customer_id else { return Ok(None) };
        let previous = match spec.read(context.root)? {
            Given::Absent => return Ok(None),
            Given::Cleared => None,
            Given::Value(_) => optional_id(spec, context.root)?,
        };
        Ok((previous != event.customer_id).then_some(previous))
    }
}

/// The mark at the old key: everything else of it stays as it was, and counts no longer. What is erased is erased there
/// too: its content must not outlive it under a key that nobody looks at.
fn moved(event: &Event, previous: Option<String>) -> Event {
    let fields = vec![("moved".to_owned(), FieldValue::Flag(true))];
    Event { customer_id: previous, fields, ..event.clone() }
}

/// The event with its stamp.
fn sealed(mut event: Event, updated_at: Instant, context: &Context<'_>) -> Event {
    event.stamp = Stamp::new(updated_at, context.mapping_revision, record_hash(&event));
    event
}

impl FieldRule {
    fn read(
        &self,
        context: &Context<'_>,
        fields: &mut Vec<(String, FieldValue)>,
        currencies: &mut Currencies,
    ) -> Result<(), Fault> {
        let value = match &self.source {
            FieldSource::Value(spec) => match spec.read(context.root)? {
                Given::Absent => None,
                Given::Cleared => Some(FieldValue::Cleared),
                Given::Value(value) => Some(convert(self.field, spec, &value, context.clock)?),
            },
            FieldSource::Sum(sum) => made(sum.read(context.root, currencies)?, FieldValue::Money),
            FieldSource::Lines(lines) => made(lines.read(context.root, currencies)?, FieldValue::Items),
            FieldSource::Entries(spec) => return self.entries(spec, context, fields),
            FieldSource::Holds(condition) => Some(FieldValue::Flag(condition.holds(context.root))),
        };
        fields.extend(value.map(|value| (self.name.clone(), value)));
        Ok(())
    }

    fn entries(
        &self,
        spec: &ValueSpec,
        context: &Context<'_>,
        fields: &mut Vec<(String, FieldValue)>,
    ) -> Result<(), Fault> {
        let Given::Value(value) = spec.read(context.root)? else { return Ok(()) };
        let Value::Object(entries) = value.as_ref() else {
            return Err(Fault::new(Reason::WrongType, "is not an object"));
        };
        // The entries of a JSON object come sorted by key, which is the canonical order of parts.
        for (part, value) in entries {
            if part.is_empty() {
                return Err(Fault::new(Reason::BadText, "has an entry without a name"));
            }
            let name = format!("{}.{}", self.name, id(part.clone())?);
            match value {
                value if spec.is_blank(value) => {
                    if spec.blank_clears {
                        fields.push((name, FieldValue::Cleared));
                    }
                }
                value => fields.push((name, convert(self.field, spec, value, context.clock)?)),
            }
        }
        Ok(())
    }
}

fn made<T>(of_list: OfList<T>, value: impl FnOnce(T) -> FieldValue) -> Option<FieldValue> {
    match of_list {
        OfList::Absent => None,
        OfList::Cleared => Some(FieldValue::Cleared),
        OfList::Made(made) => Some(value(made)),
    }
}

fn required_id(spec: &ValueSpec, root: &Value) -> Result<String, Fault> {
    optional_id(spec, root)?.ok_or_else(|| Fault::new(Reason::MissingId, "is missing"))
}

/// An id; null, an empty text and a blank code are none.
fn optional_id(spec: &ValueSpec, root: &Value) -> Result<Option<String>, Fault> {
    let Given::Value(value) = spec.read(root)? else { return Ok(None) };
    if scalar(&value).is_none() || matches!(value.as_ref(), Value::Bool(_)) {
        return Err(Fault::new(Reason::WrongType, "is neither a text nor a number"));
    }
    spec.text(&value, Reason::UnknownValue).and_then(id).map(Some)
}

/// Whether a field may have parts.
pub(super) fn has_parts(field: &Field) -> bool {
    field.kind == Kind::Named
}

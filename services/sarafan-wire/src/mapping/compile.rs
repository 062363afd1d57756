//! `[[source]]` sections, compiled once.

use sarafan_core::vocabulary::{Field, Kind, Subject};
use toml::{Table, Value};

use super::check::{has_amounts, is_currency};
use super::compile_value::{Defaults, Use, condition, lines, sum, value};
use super::field::convert;
use super::record::{FieldRule, FieldSource, RecordRule, Version, has_parts};
use super::section::{Errors, Section, unknown};
use super::source::{SkipRule, Source};
use super::time::{Clock, TimeFormat};
use super::value::{ValueOrigin, ValueSpec};
use crate::json::Limits;

/// Kafka's default limit on a record.
const DEFAULT_MAX_BYTES: usize = 1 << 20;
/// A source may allow no more: what is made of a record, and a dead letter of it, must fit what a producer may send.
const MOST_BYTES: i64 = 4 << 20;
const DEFAULT_MAX_DEPTH: usize = 16;
/// The JSON parser's own limit is 128.
const MAX_DEPTH: i64 = 100;
/// About two centuries.
const MAX_SHIFT_DAYS: i64 = 80_000;

/// Whose records may pass from one customer, or from a guest, to another.
const MOVABLE: [Subject; 4] =
    [Subject::Order, Subject::Refund, Subject::SurveyResponse, Subject::SurveyInvitation];

/// One source, as far as it can be compiled; what is wrong is noted.
pub(super) fn source(path: String, table: &Table, surveys: &[String], errors: &Errors) -> Option<Source> {
    let section = Section::new(path, table, errors);
    let name = section.required_text("name");
    let topic = section.required_text("topic");
    match section.text("format") {
        None | Some("json") => {}
        Some(other) => section.wrong("format", format!("`{other}` is not read yet; write json")),
    }
    let defaults = Defaults {
        clear_on_null: section.flag("clear_on_null", true),
        timestamps: section.text("timestamps").map(str::to_owned),
        zone: section.text("zone").map(str::to_owned),
        surveys: surveys.to_vec(),
    };
    if let Some(format) = &defaults.timestamps
        && let Err(problem) = TimeFormat::parse(format, defaults.zone.as_deref())
    {
        section.wrong("timestamps", problem);
    }
    let declared = Declared {
        names_version: section.get("updated_at").is_some(),
        version: version(&section, &defaults),
    };
    let skips = section.tables("skip").iter().filter_map(skip).collect();
    let rules: Vec<_> =
        section.tables("record").iter().filter_map(|r| record(r, &defaults, &declared)).collect();
    if section.get("record").is_none() {
        section.wrong("record", "is missing: a source needs at least one [[source.record]]");
    }
    let mapping_revision = section.number("mapping_revision", 1, 0..=i64::from(u16::MAX));
    let shift_days = section.number("shift_days", 0, -MAX_SHIFT_DAYS..=MAX_SHIFT_DAYS);
    let limits = Limits {
        max_bytes: section.number("max_bytes", DEFAULT_MAX_BYTES, 1..=MOST_BYTES),
        max_depth: section.number("max_depth", DEFAULT_MAX_DEPTH, 1..=MAX_DEPTH),
    };
    section.finish();
    Some(Source {
        name: name?.to_owned(),
        topic: topic?.to_owned(),
        mapping_revision,
        shift_days,
        limits,
        skips,
        rules,
    })
}

/// The version that a source declares for all of its records.
struct Declared {
    /// Whether it says one at all, right or wrong.
    names_version: bool,
    version: Option<Version>,
}

fn version(section: &Section<'_, '_>, defaults: &Defaults) -> Option<Version> {
    if section.get("updated_at").and_then(Value::as_str) == Some("record_timestamp") {
        return Some(Version::RecordTimestamp);
    }
    value(section, "updated_at", Use::Instant, defaults).map(|spec| Version::Value(Box::new(spec)))
}

fn skip(section: &Section<'_, '_>) -> Option<SkipRule> {
    let rule = section.required_text("rule");
    let when = condition(section, "when");
    if section.get("when").is_none() {
        section.wrong("when", "is missing: say which records are skipped");
    }
    section.finish();
    Some(SkipRule { rule: rule?.into(), when: when? })
}

fn record(section: &Section<'_, '_>, defaults: &Defaults, of_source: &Declared) -> Option<RecordRule> {
    let subject = subject(section)?;
    let plain = |key| value(section, key, Use::Plain, defaults);
    let id = plain("id");
    if section.get("id").is_none() {
        section.wrong("id", "is missing: say where the entity's id stands");
    }
    let customer_id = plain("customer_id");
    if subject == Subject::Customer && customer_id.is_some() {
        section.wrong("customer_id", "is not needed: a customer's id is its `id`");
    }
    // The order that a record names decides a guest's key; where it is also a field, one line says both.
    let names_order = subject.field("order_id").is_some();
    let key_order_id = plain("key_order_id").or_else(|| names_order.then(|| plain("order_id")).flatten());
    if key_order_id.is_some() && matches!(subject, Subject::Order | Subject::Customer) {
        section.wrong("key_order_id", "does not decide the key of such a record");
    }
    let previous_customer_id = value(
        section,
        "previous_customer_id",
        Use::Plain,
        &Defaults { clear_on_null: true, ..defaults.clone() },
    );
    if previous_customer_id.is_some() && !MOVABLE.contains(&subject) {
        section
            .wrong("previous_customer_id", format!("a {} does not move between customers", subject.name()));
    }
    let updated_at = version(section, defaults).or_else(|| of_source.version.clone());
    if section.get("updated_at").is_none() && !of_source.names_version {
        section
            .wrong("updated_at", "is missing here and in the source: name a path, or \"record_timestamp\"");
    }
    let (when, erased) = (condition(section, "when").unwrap_or_default(), condition(section, "erased"));
    let fields = fields(section, subject, defaults);
    fields.iter().for_each(|rule| check_constants(section, rule, defaults));
    check_currency(section, subject, &fields);
    Some(RecordRule {
        subject,
        when,
        id: id?,
        customer_id,
        previous_customer_id,
        key_order_id,
        updated_at: updated_at?,
        erased,
        fields,
    })
}

fn subject(section: &Section<'_, '_>) -> Option<Subject> {
    let name = section.required_text("subject")?;
    let subject = Subject::named(name);
    if subject.is_none() {
        let known = Subject::ALL.iter().map(|subject| subject.name());
        section.wrong("subject", format!("`{name}` {}", unknown("subject", name, known)));
    }
    subject
}

/// The rules of the record's fields, in canonical order. Every key that is no field is an error.
fn fields(section: &Section<'_, '_>, subject: Subject, defaults: &Defaults) -> Vec<FieldRule> {
    // `order_id` was asked for as a key; as a field it is still to be read.
    let own_order =
        subject.field("order_id").and_then(|_| section.get("order_id")).map(|value| ("order_id", value));
    let mut rules = Vec::new();
    for (key, given) in section.rest().into_iter().chain(own_order) {
        let Some(field) = subject.field(key) else {
            let known = subject.fields().iter().map(|field| field.name);
            section.wrong(
                key,
                unknown(&format!("field of {}", subject.name()), key, known.chain(["id", "when"])),
            );
            continue;
        };
        match (field.name, given) {
            ("moved", _) => section.wrong(key, "is made from `previous_customer_id`"),
            (_, Value::Table(parts)) if has_parts(field) => {
                let parts_section = Section::new(section.at(key), parts, section.errors);
                let rule =
                    |(part, _)| field_rule(&parts_section, part, format!("{key}.{part}"), field, defaults);
                rules.extend(parts_section.rest().into_iter().filter_map(rule));
            }
            _ => rules.extend(field_rule(section, key, key.to_owned(), field, defaults)),
        }
    }
    let place = |rule: &FieldRule| subject.fields().iter().position(|field| field.name == rule.field.name);
    rules.sort_by(|a, b| (place(a), &a.name).cmp(&(place(b), &b.name)));
    rules
}

fn field_rule(
    section: &Section<'_, '_>,
    key: &str,
    name: String,
    field: &'static Field,
    defaults: &Defaults,
) -> Option<FieldRule> {
    let given = section.get(key)?;
    let table = given.as_table().map(|table| Section::new(section.at(key), table, section.errors));
    let has = |name| given.as_table().is_some_and(|table| table.contains_key(name));
    let source = match (field.kind, &table) {
        (Kind::Money, Some(table)) if has("sum") => {
            sum(table, defaults).map(|sum| FieldSource::Sum(Box::new(sum)))
        }
        (Kind::Items, Some(table)) if has("each") => {
            lines(table, defaults).map(|lines| FieldSource::Lines(Box::new(lines)))
        }
        (Kind::Items, _) => {
            section.wrong(key, "must be { each = ..., sku = ..., quantity = ..., price = ... }");
            None
        }
        (Kind::Flag, Some(table)) if has("when") => {
            let holds = condition(table, "when").map(FieldSource::Holds);
            table.finish();
            holds
        }
        (Kind::Named, None) if name == field.name => {
            value(section, key, usage(field), defaults).map(|spec| FieldSource::Entries(Box::new(spec)))
        }
        _ => value(section, key, usage(field), defaults).map(|spec| FieldSource::Value(Box::new(spec))),
    };
    source.map(|source| FieldRule { name, field, source })
}

fn usage(field: &Field) -> Use {
    match field.kind {
        Kind::Instant => Use::Instant,
        Kind::Money => Use::Amount,
        // A deal's stages are texts by type and instants by meaning.
        Kind::Named if field.name == "stages" => Use::Instant,
        _ => Use::Plain,
    }
}

/// An amount without a currency would be rejected record by record: better to say it once, here.
fn check_currency(section: &Section<'_, '_>, subject: Subject, fields: &[FieldRule]) {
    let amount = fields.iter().find(|rule| rule.field.kind == Kind::Money);
    let currency = fields.iter().any(|rule| rule.name == "currency");
    if let Some(amount) = amount
        && has_amounts(subject)
        && !currency
    {
        section.wrong(
            &amount.name,
            "has no `currency` beside it; write currency = { value = \"EUR\" } or a path",
        );
    }
}

/// Constants and value maps can be judged without a record.
fn check_constants(section: &Section<'_, '_>, rule: &FieldRule, defaults: &Defaults) {
    let FieldSource::Value(spec) = &rule.source else { return };
    // Far enough in the future for any constant time; without a shift.
    let clock = Clock::new(i64::MAX / 2, 0);
    let unmapped = ValueSpec { map: None, ..spec.as_ref().clone() };
    for text in constants(spec) {
        let wrong = |problem: String| section.wrong(&rule.name, problem);
        if text.is_empty() {
            wrong("has an empty constant; what means blank belongs into `null_values`".to_owned());
        } else if let Err(fault) =
            convert(rule.field, &unmapped, &serde_json::Value::String(text.clone()), clock)
        {
            wrong(fault.problem);
        } else if rule.name == "currency" && !is_currency(&text) {
            wrong(format!("`{text}` is not three upper-case letters"));
        } else if rule.name == "survey" && !defaults.surveys.contains(&text) {
            wrong(format!("`{text}` is not declared; add a [[survey]] with this id"));
        }
    }
}

/// Every value that a mapping can give whatever the record says.
fn constants(spec: &ValueSpec) -> Vec<String> {
    let constant = match &spec.origin {
        ValueOrigin::Constant(serde_json::Value::String(text)) if spec.map.is_none() => Some(text.clone()),
        _ => None,
    };
    let mapped = spec.map.iter().flat_map(|map| map.values().cloned());
    constant.into_iter().chain(mapped).chain(spec.map_default.clone()).chain(spec.default.clone()).collect()
}

//! The TOML of one value, condition or list, compiled.

use std::collections::BTreeMap;

use sarafan_core::vocabulary::Money;
use toml::{Table, Value};

use super::condition::{Condition, Expected, Test};
use super::lines::{Lines, Sum};
use super::path::Path;
use super::section::{Section, scalar};
use super::template::Template;
use super::time::TimeFormat;
use super::value::{ValueOrigin, ValueSpec};

/// What a source says once for all of its values.
#[derive(Debug, Clone)]
pub(super) struct Defaults {
    pub(super) clear_on_null: bool,
    pub(super) timestamps: Option<String>,
    pub(super) zone: Option<String>,
    /// Ids of the declared surveys.
    pub(super) surveys: Vec<String>,
}

/// What a value is for, as far as that decides how it is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Compared or kept as it is.
    Plain,
    /// An instant: has a format even if none is named.
    Instant,
    /// An amount: may have a factor.
    Amount,
}

/// A value: a path as a text, or a table with `path`, `value` or `template` and how to translate it.
pub(super) fn value(
    parent: &Section<'_, '_>,
    key: &str,
    usage: Use,
    defaults: &Defaults,
) -> Option<ValueSpec> {
    match parent.get(key)? {
        Value::String(path) => {
            let path = path_of(parent, key, path)?;
            finish_value(ValueOrigin::Path(path), None, parent, key, usage, defaults)
        }
        Value::Table(table) => {
            let section = Section::new(parent.at(key), table, parent.errors);
            let before = parent.errors.count();
            let origin = origin(&section);
            let spec = finish_value(origin?, Some(&section), parent, key, usage, defaults);
            section.finish();
            spec.filter(|_| parent.errors.count() == before)
        }
        _ => {
            parent.wrong(key, "must be a path, or a table with `path`, `value` or `template`");
            None
        }
    }
}

fn path_of(parent: &Section<'_, '_>, key: &str, text: &str) -> Option<Path> {
    let path = Path::parse(text);
    if path.is_none() {
        parent.wrong(
            key,
            format!("`{text}` is no path; write keys and list indexes between dots: lines.0.sku"),
        );
    }
    path
}

fn origin(section: &Section<'_, '_>) -> Option<ValueOrigin> {
    let (path, constant, template) = (section.text("path"), section.get("value"), section.text("template"));
    match (path, constant, template) {
        (Some(path), None, None) => path_of(section, "path", path).map(ValueOrigin::Path),
        (None, Some(constant), None) => {
            let json = constant_json(constant);
            if json.is_none() {
                section.wrong("value", "must be a text, number, flag or list of texts");
            }
            json.map(ValueOrigin::Constant)
        }
        (None, None, Some(template)) => {
            let template = Template::parse(template).map_err(|problem| section.wrong("template", problem));
            template.ok().map(ValueOrigin::Template)
        }
        _ => {
            section.errors.add(section.path.clone(), "needs exactly one of `path`, `value` and `template`");
            None
        }
    }
}

fn constant_json(value: &Value) -> Option<serde_json::Value> {
    let text = |value: &Value| scalar(value).map(serde_json::Value::String);
    match value {
        Value::Array(values) => values.iter().map(text).collect::<Option<_>>().map(serde_json::Value::Array),
        value => text(value),
    }
}

fn finish_value(
    origin: ValueOrigin,
    section: Option<&Section<'_, '_>>,
    parent: &Section<'_, '_>,
    key: &str,
    usage: Use,
    defaults: &Defaults,
) -> Option<ValueSpec> {
    let text = |key| section.and_then(|section| section.text(key));
    let format = text("format").or((usage == Use::Instant).then_some(()).and(defaults.timestamps.as_deref()));
    let format = format.or((usage == Use::Instant).then_some("rfc3339"));
    let zone = text("zone").or(defaults.zone.as_deref());
    let time = format.map(|format| TimeFormat::parse(format, zone)).transpose();
    let time = time.map_err(|problem| parent.wrong(key, problem)).ok()?;
    let blank_clears = match text("blank") {
        None => defaults.clear_on_null,
        Some("clear") => true,
        Some("absent") => false,
        Some(_) => {
            parent.wrong(key, "has a `blank` that is neither \"clear\" nor \"absent\"");
            return None;
        }
    };
    Some(ValueSpec {
        origin,
        blanks: section.and_then(|s| s.scalars("null_values")).unwrap_or_default(),
        blank_clears,
        map: section.and_then(value_map),
        map_default: text("map_default").map(str::to_owned),
        default: section.and_then(|s| s.get("default")).and_then(scalar),
        required: section.is_some_and(|s| s.flag("required", false)),
        times: section.filter(|_| usage == Use::Amount).and_then(factor),
        time,
        split: text("split").map(str::to_owned),
    })
}

fn value_map(section: &Section<'_, '_>) -> Option<BTreeMap<String, String>> {
    let entries = section.get("map")?.as_table().map(Table::iter);
    let map: Option<BTreeMap<_, _>> =
        entries.and_then(|mut entries| entries.try_fold(BTreeMap::new(), insert_entry));
    if map.is_none() {
        section.wrong("map", "must be a table of source word = our word");
    }
    map
}

fn insert_entry(
    mut map: BTreeMap<String, String>,
    (word, ours): (&String, &Value),
) -> Option<BTreeMap<String, String>> {
    map.insert(word.clone(), scalar(ours)?);
    Some(map)
}

fn factor(section: &Section<'_, '_>) -> Option<Money> {
    let text = section.scalars("times")?.pop().unwrap_or_default();
    let factor = text.parse::<Money>();
    factor
        .map_err(|error| {
            section.wrong("times", format!("`{text}` {error}; write such as \"-1\" or \"0.01\""))
        })
        .ok()
}

/// `when = { path = ..., equals | in | exists = ... }`, or a list of them that must all hold.
pub(super) fn condition(parent: &Section<'_, '_>, key: &str) -> Option<Condition> {
    let tables: Option<Vec<&Table>> = match parent.get(key)? {
        Value::Table(table) => Some(vec![table]),
        Value::Array(values) => values.iter().map(Value::as_table).collect(),
        _ => None,
    };
    let Some(tables) = tables else {
        parent
            .wrong(key, "must be a table such as { path = \"kind\", equals = \"sale\" }, or a list of them");
        return None;
    };
    let test = |table| {
        let section = Section::new(parent.at(key), table, parent.errors);
        let test = test(&section);
        section.finish();
        test
    };
    tables.into_iter().map(test).collect::<Option<_>>().map(Condition)
}

fn test(section: &Section<'_, '_>) -> Option<Test> {
    let path = path_of(section, "path", section.required_text("path")?);
    let expected = match (section.scalars("equals"), section.scalars("in"), section.get("exists")) {
        (Some(texts), None, None) | (None, Some(texts), None) => Some(Expected::OneOf(texts)),
        (None, None, Some(Value::Boolean(true))) => Some(Expected::Present),
        (None, None, Some(Value::Boolean(false))) => Some(Expected::Missing),
        _ => {
            section.errors.add(section.path.clone(), "needs exactly one of `equals`, `in` and `exists`");
            None
        }
    };
    Some(Test { path: path?, expected: expected? })
}

/// `{ sum = "lines", of = ["qty", "price"], times = "-1", currency = "cur" }`.
pub(super) fn sum(section: &Section<'_, '_>, defaults: &Defaults) -> Option<Sum> {
    let list = value(section, "sum", Use::Plain, defaults);
    let paths = section.scalars("of").unwrap_or_default();
    if paths.is_empty() || paths.len() > 3 {
        section.wrong("of", "must name one to three paths within a line, whose product is summed");
    }
    let of: Option<Vec<_>> =
        paths.iter().map(|text| path_of(section, "of", text).map(|path| plain(path, defaults))).collect();
    let currency = value(section, "currency", Use::Plain, defaults);
    let times = factor(section);
    section.finish();
    Some(Sum { list: list?, of: of?, currency, times })
}

fn plain(path: Path, defaults: &Defaults) -> ValueSpec {
    ValueSpec {
        origin: ValueOrigin::Path(path),
        blanks: Vec::new(),
        blank_clears: defaults.clear_on_null,
        map: None,
        map_default: None,
        default: None,
        required: false,
        times: None,
        time: None,
        split: None,
    }
}

/// `{ each = "lines", sku = "sku", quantity = "qty", price = "price" }`.
pub(super) fn lines(section: &Section<'_, '_>, defaults: &Defaults) -> Option<Lines> {
    let list = value(section, "each", Use::Plain, defaults);
    let needed = |key, usage| {
        let spec = value(section, key, usage, defaults);
        if section.get(key).is_none() {
            section.wrong(key, "is missing: a line has a sku, a quantity and a price");
        }
        spec
    };
    let (sku, quantity) = (needed("sku", Use::Plain), needed("quantity", Use::Amount));
    let price = needed("price", Use::Amount);
    let optional = |key, usage| value(section, key, usage, defaults);
    let (category, brand) = (optional("category", Use::Plain), optional("brand", Use::Plain));
    let (amount, currency) = (optional("amount", Use::Amount), optional("currency", Use::Plain));
    section.finish();
    Some(Lines {
        list: list?,
        sku: sku?,
        category,
        brand,
        quantity: quantity?,
        price: price?,
        amount,
        currency,
    })
}

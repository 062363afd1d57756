//! The recounts, filled in: which file, which columns of which table, and what its words stand for.

use sarafan_core::definitions::Scale;
use sarafan_core::rollup::{KeyKind, Rollup, ValueKind};
use sarafan_core::vocabulary::{Money, Subject};

use super::Recount;
use super::compare::{Column, Comparison};
use super::cuts::Cuts;
use crate::client::Store;
use crate::migrations::{RECOUNTS, ROW_RECOUNTS};
use crate::sql::literal;

/// Tables with derived columns, that [`Store::recount_rows`] knows.
pub const DERIVED: [&str; 6] =
    ["orders", "refunds", "survey_responses", "survey_invitations", "customer_figures", "customer_money"];

/// A derived column and how it is read from its table; the recount has a column of the same name.
struct Derived {
    name: &'static str,
    held: &'static str,
    kind: ValueKind,
}

const fn count(name: &'static str, held: &'static str) -> Derived {
    Derived { name, held, kind: ValueKind::Count }
}

const fn total(name: &'static str, held: &'static str) -> Derived {
    Derived { name, held, kind: ValueKind::Total }
}

const ORDERS: &[Derived] = &[
    count("day", "day"),
    count("counted", "toUInt8(counted)"),
    total("refunded", "{units:refunded}"),
    total("over_refunded", "{units:over_refunded}"),
    total("revenue", "{units:revenue}"),
    total("net_margin", "{units:net_margin}"),
    count("nth", "nth"),
    count("is_first", "toUInt8(is_first)"),
    count("days_since_previous", "days_since_previous"),
];
const REFUNDS: &[Derived] = &[count("day", "day")];
/// What does not count is cut by nothing.
const RESPONSES: &[Derived] = &[
    count("day", "day"),
    count("counted", "toUInt8(counted)"),
    count("superseded_on", "superseded_on"),
    count("segments", "if(counted, toString(arrayZip(dimensions, segments)), '[]')"),
];
const INVITATIONS: &[Derived] = &[
    count("day", "day"),
    count("counted", "toUInt8(counted)"),
    count("reminders", "if(counted, reminders, NULL)"),
    count("response_id", "if(counted, response_id, NULL)"),
];
const FIGURES: &[Derived] = &[
    count("excluded_reason", "excluded_reason"),
    count("first_order_at", "first_order_at"),
    count("last_order_at", "last_order_at"),
    count("first_day", "first_day"),
    count("last_day", "last_day"),
    count("orders", "orders"),
    count("purchases", "purchases"),
    count("answers", "answers"),
    count("years_bought", "years_bought"),
    count("latest_score", "latest_score"),
    count("latest_answered_at", "latest_answered_at"),
    count("referred_by", "referred_by"),
    count("segments", "arrayZip(dimensions, segments)"),
];
const MONEY: &[Derived] = &[
    count("currency", "currency"),
    count("orders", "orders"),
    count("purchases", "purchases"),
    count("months_487", "months_487"),
    count("gross", "arrayMap(x -> {units:x}, gross)"),
    count("refunded", "arrayMap(x -> {units:x}, refunded)"),
    count("revenue", "arrayMap(x -> {units:x}, revenue)"),
    count("margin", "arrayMap(x -> {units:x}, margin)"),
];

/// The cells of the live terms against what the facts add up to. Both sides are summed in one go: a cell is there once,
/// the facts give many parts of it. A cell of zeros is no cell.
pub(super) fn of_cells(store: &Store, rollup: Rollup, what: &Recount<'_>) -> Comparison {
    let spec = rollup.spec();
    let names = || ["dimension", "segment"].into_iter().chain(spec.keys.iter().map(|(name, _)| *name));
    let keys = spec.keys.iter().map(|(name, kind)| format!("{} AS {name}", key(name, *kind)));
    let keys = keys.collect::<Vec<_>>().join(", ");
    let held = spec.values.iter().map(|(name, kind)| match kind {
        ValueKind::Count => format!("toInt128({name}) AS v_{name}"),
        ValueKind::Total => format!("{{units:{name}}} AS v_{name}"),
    });
    let recounted = spec.values.iter().map(|(name, _)| format!("toInt128({name}) AS v_{name}"));
    let (held, recounted): (Vec<String>, Vec<String>) = (held.collect(), recounted.collect());
    let sides = format!(
        "SELECT toUInt16(partition) AS partition, CAST(dimension, 'String') AS dimension, CAST(segment, 'String') AS segment, \
         {keys}, {held}, version, true AS in_table FROM {table} FINAL WHERE epoch = {epoch} AND partition IN {partitions} \
         AND {terms} AND NOT marker UNION ALL \
         SELECT toUInt16(key_hash % {count}) AS partition, cut.1 AS dimension, cut.2 AS segment, {keys}, {recounted}, \
         toUInt64(0) AS version, false AS in_table FROM ({query})",
        held = held.join(", "),
        table = store.table(spec.name),
        epoch = what.scope.epoch.0,
        partitions = crate::sql::list(&what.scope.partitions),
        terms = in_terms(what),
        count = what.scope.partition_count,
        recounted = recounted.join(", "),
        query = text_of(RECOUNTS, spec.name),
    );
    let each = |make: &dyn Fn(&str) -> String, by: &str| {
        spec.values.iter().map(|(name, _)| make(name)).collect::<Vec<_>>().join(by)
    };
    let grouped = format!(
        "SELECT [toString(partition), {texts}] AS place, if(rows = 0, [], [{of_table}]) AS of_table, [{of_facts}] AS of_facts, \
         version, {differs} AS differs FROM (SELECT partition, {names}, {sums}, countIf(in_table) AS rows, \
         max(version) AS version FROM ({sides}) GROUP BY partition, {names} HAVING {any})",
        texts = names().map(|name| format!("toString({name})")).collect::<Vec<_>>().join(", "),
        of_table = each(&|v| format!("toString(h_{v})"), ", "),
        of_facts = each(&|v| format!("toString(r_{v})"), ", "),
        differs = each(&|v| format!("h_{v} != r_{v}"), " OR "),
        names = names().collect::<Vec<_>>().join(", "),
        sums =
            each(&|v| format!("sumIf(v_{v}, in_table) AS h_{v}, sumIf(v_{v}, NOT in_table) AS r_{v}"), ", "),
        any = each(&|v| format!("h_{v} != 0 OR r_{v} != 0"), " OR "),
    );
    Comparison {
        doing: format!("recount {}", spec.name),
        with: filled(store, text_of(RECOUNTS, "facts"), what),
        grouped: filled(store, &grouped, what),
        place: std::iter::once("partition").chain(names()).collect(),
        columns: spec.values.iter().map(|(name, kind)| Column { name, kind: *kind }).collect(),
    }
}

/// A key of a cell, in one type on both sides.
fn key(name: &str, kind: KeyKind) -> String {
    match kind {
        KeyKind::Symbol | KeyKind::Population => format!("CAST({name}, 'String')"),
        KeyKind::Day => format!("toDate({name})"),
        KeyKind::Score | KeyKind::Small | KeyKind::Number => format!("toInt64({name})"),
    }
}

fn in_terms(what: &Recount<'_>) -> String {
    let terms: Vec<String> =
        what.terms.iter().map(|t| format!("({}, {}, {})", t.partition, t.term, t.owner)).collect();
    if terms.is_empty() {
        "false".to_owned()
    } else {
        format!("(partition, term, owner) IN ({})", terms.join(", "))
    }
}

/// The derived columns of a table against what the facts say; nothing for a table that has none.
pub(super) fn of_rows(store: &Store, table: &str, what: &Recount<'_>) -> Option<Comparison> {
    let (name, place, columns) = match table {
        "orders" => ("orders", &["key", "id"][..], ORDERS),
        "refunds" => ("refunds", &["key", "id"][..], REFUNDS),
        "survey_responses" => ("survey_responses", &["key", "id"][..], RESPONSES),
        "survey_invitations" => ("survey_invitations", &["key", "id"][..], INVITATIONS),
        "customer_figures" => ("customer_figures", &["key"][..], FIGURES),
        "customer_money" => ("customer_money", &["key"][..], MONEY),
        _ => return None,
    };
    let shown = |text: &str| format!("ifNull(toString({text}), '')");
    let held: Vec<String> = columns.iter().map(|c| shown(c.held)).collect();
    let recounted: Vec<String> = columns.iter().map(|c| shown(c.name)).collect();
    let keys = place.join(", ");
    let grouped = format!(
        "SELECT place, maxIf(shown, in_table) AS of_table, maxIf(shown, NOT in_table) AS of_facts, max(version) AS version, \
         of_table != of_facts AS differs FROM \
         (SELECT [{keys}] AS place, [{held}] AS shown, version, true AS in_table FROM {table} FINAL PREWHERE {{scope}} UNION ALL \
         SELECT [{keys}] AS place, [{recounted}] AS shown, toUInt64(0) AS version, false AS in_table FROM ({query})) \
         GROUP BY place",
        held = held.join(", "),
        table = store.table(name),
        recounted = recounted.join(", "),
        query = text_of(ROW_RECOUNTS, name)
    );
    Some(Comparison {
        doing: format!("recount the rows of {name}"),
        with: filled(store, text_of(RECOUNTS, "facts"), what),
        grouped: filled(store, &grouped, what),
        place: place.to_vec(),
        columns: columns.iter().map(|c| Column { name: c.name, kind: c.kind }).collect(),
    })
}

fn text_of(files: &'static [(&'static str, &'static str)], name: &str) -> &'static str {
    files.iter().find(|(stem, _)| *stem == name).map_or("", |(_, text)| text)
}

/// The text with its words filled in: `{word}` or `{word:argument:...}`.
fn filled(store: &Store, text: &str, what: &Recount<'_>) -> String {
    let mut rest = text;
    let mut done = String::with_capacity(text.len() * 2);
    while let Some((before, after)) = rest.split_once('{') {
        done.push_str(before);
        let end = closing(after);
        // What a word stands for may hold words itself.
        let arguments = filled(store, &after[..end], what);
        let word = meaning(store, &arguments, what);
        done.push_str(&filled(store, &word, what));
        rest = after.get(end + 1..).unwrap_or_default();
    }
    done.push_str(rest);
    done
}

/// Where the word that was opened ends.
fn closing(text: &str) -> usize {
    let mut open = 0_i32;
    for (place, letter) in text.char_indices() {
        open += i32::from(letter == '{') - i32::from(letter == '}');
        if open < 0 {
            return place;
        }
    }
    text.len()
}

fn meaning(store: &Store, word: &str, what: &Recount<'_>) -> String {
    let metrics = &what.definitions.metrics;
    let cuts = Cuts::of(what.definitions);
    let mut parts = word.split(':');
    let name = parts.next().unwrap_or_default();
    let mut next = || parts.next().unwrap_or_default();
    match name {
        "store" => store.store_database().to_owned(),
        "scope" => what.scope.condition(),
        "zone" => literal(&metrics.timezone),
        "windows" => format!("{:?}", metrics.windows),
        "count_zero_amount" => metrics.count_zero_amount.to_string(),
        "merge_same_day" => metrics.merge_same_day.to_string(),
        "margin_rate" => metrics.margin_rate.parse::<Money>().map_or(0, Money::units).to_string(),
        "surveys" => texts(what.definitions.surveys.iter().map(|s| s.id.as_str())),
        "nps_surveys" => {
            let with_nps = what.definitions.surveys.iter().filter(|s| s.scale == Scale::ZeroToTen);
            texts(with_nps.map(|s| s.id.as_str()))
        }
        "headline" => literal(what.definitions.headline_survey().map_or("", |s| &s.id)),
        "order_texts" => cuts.order_texts(),
        "response_texts" => cuts.response_texts(),
        "invitation_texts" => cuts.invitation_texts(),
        "order_cuts" => cuts.of_record(Subject::Order),
        "refund_cuts" => cuts.of_record(Subject::Refund),
        "response_cuts" => cuts.of_response(next(), next()),
        "counted_texts" => cuts.counted_texts(),
        "customer_cuts" => cuts.customers(),
        "cuts_of_customer" => cuts.of_customer(next()),
        "every_customer" => every_customer(),
        "units" => format!("toInt128(toDecimal256({}, 4) * 10000)", next()),
        "shown_day" => {
            let at = next();
            format!("if({at} IS NULL, NULL, toString(toDate(assumeNotNull({at}), {{zone}})))")
        }
        "half_even" => half_even(next(), next(), next()),
        // Held off by a test: every word of every file has a meaning.
        _ => String::new(),
    }
}

/// A quotient rounded half to even; its parts stand beside it as columns. The divisor is positive.
fn half_even(name: &str, numerator: &str, divisor: &str) -> String {
    format!(
        "{numerator} AS {name}_above, {divisor} AS {name}_below, \
         intDiv({name}_above, {name}_below) - if({name}_above % {name}_below < 0, 1, 0) AS {name}_floor, \
         2 * ({name}_above - {name}_floor * {name}_below) AS {name}_twice, \
         {name}_floor + if({name}_twice > {name}_below OR ({name}_twice = {name}_below AND {name}_floor % 2 != 0), 1, 0) \
         AS {name}"
    )
}

/// Every customer that has a record of any kind.
fn every_customer() -> String {
    let keys = |table: &str| {
        format!("SELECT key FROM {{store}}.{table} PREWHERE {{scope}} WHERE startsWith(key, 'c:')")
    };
    let tables = ["orders", "refunds", "survey_responses", "survey_invitations", "customers"].map(keys);
    format!("SELECT key FROM ({}) GROUP BY key", tables.join(" UNION ALL "))
}

fn texts<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let literals: Vec<String> = texts.map(literal).collect();
    if literals.is_empty() { "(NULL)".to_owned() } else { format!("({})", literals.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rollup_and_every_table_with_derived_columns_has_its_recount() {
        for rollup in Rollup::ALL {
            assert!(text_of(RECOUNTS, rollup.spec().name).contains("SELECT"), "{}", rollup.spec().name);
        }
        assert!(text_of(RECOUNTS, "facts").contains("WITH"));
        for table in DERIVED {
            assert!(text_of(ROW_RECOUNTS, table).contains("SELECT"), "{table}");
        }
    }

    #[test]
    fn no_recount_reads_a_derived_column_of_an_entity_or_a_table_of_customers() {
        let facts = text_of(RECOUNTS, "facts");
        for derived in [
            "net_margin FROM",
            "customer_figures",
            "customer_money",
            " nth",
            "over_refunded,",
            "superseded_on",
        ] {
            assert!(!facts.contains(derived), "facts.sql reads `{derived}`");
        }
    }
}

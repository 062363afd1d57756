//! The recounts, filled in: which file, which columns of which table, and what its words stand for.

use sarafan_core::definitions::Scale;
use sarafan_core::rollup::{Rollup, ValueKind};
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

/// The cells of the live terms against what the facts add up to.
pub(super) fn of_cells(store: &Store, rollup: Rollup, what: &Recount<'_>) -> Comparison {
    let spec = rollup.spec();
    let count = what.scope.partition_count;
    let keys = |prefix: &str| {
        let keys = spec.keys.iter().map(|(name, _)| format!(", toString({prefix}{name})"));
        keys.collect::<String>()
    };
    let held_units = |(name, kind): &(&str, ValueKind)| match kind {
        ValueKind::Count => format!("toString(toInt128({name}))"),
        ValueKind::Total => format!("toString(toInt128(toDecimal256({name}, 4) * 10000))"),
    };
    let held: Vec<String> = spec.values.iter().map(held_units).collect();
    let not_zero = |sql: String| format!("SELECT * FROM ({sql}) WHERE arrayExists(v -> v != '0', shown)");
    let terms: Vec<String> =
        what.terms.iter().map(|t| format!("({}, {}, {})", t.partition, t.term, t.owner)).collect();
    let in_terms = match &terms[..] {
        [] => "false".to_owned(),
        terms => format!("(partition, term, owner) IN ({})", terms.join(", ")),
    };
    let held = not_zero(format!(
        "SELECT [toString(partition), toString(dimension), toString(segment){keys}] AS place, [{held}] AS shown, version \
         FROM {table} FINAL WHERE epoch = {epoch} AND partition IN {partitions} AND {in_terms} AND NOT marker",
        keys = keys(""),
        held = held.join(", "),
        table = store.table(spec.name),
        epoch = what.scope.epoch.0,
        partitions = crate::sql::list(&what.scope.partitions),
    ));
    let sums: Vec<String> =
        spec.values.iter().map(|(name, _)| format!("toString(toInt128(sum({name})))")).collect();
    let recounted = not_zero(format!(
        "SELECT [toString(key_hash % {count}), cut.1, cut.2{keys}] AS place, [{sums}] AS shown, toUInt64(0) AS version \
         FROM ({query}) GROUP BY place",
        keys = keys(""),
        sums = sums.join(", "),
        query = text_of(RECOUNTS, spec.name),
    ));
    let names = ["partition", "dimension", "segment"].into_iter().chain(spec.keys.iter().map(|(n, _)| *n));
    Comparison {
        doing: format!("recount {}", spec.name),
        with: filled(store, text_of(RECOUNTS, "facts"), what),
        held: filled(store, &held, what),
        recounted: filled(store, &recounted, what),
        place: names.collect(),
        columns: spec.values.iter().map(|(name, kind)| Column { name, kind: *kind }).collect(),
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
    let held = format!(
        "SELECT [{keys}] AS place, [{}] AS shown, version FROM {} FINAL PREWHERE {{scope}}",
        held.join(", "),
        store.table(name)
    );
    let recounted = format!(
        "SELECT [{keys}] AS place, [{}] AS shown, toUInt64(0) AS version FROM ({})",
        recounted.join(", "),
        text_of(ROW_RECOUNTS, name)
    );
    Some(Comparison {
        doing: format!("recount the rows of {name}"),
        with: filled(store, text_of(RECOUNTS, "facts"), what),
        held: filled(store, &held, what),
        recounted: filled(store, &recounted, what),
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

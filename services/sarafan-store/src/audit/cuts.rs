//! Dimensions as SQL: how a recount finds the segments of customers, orders and answers (DESIGN 4).
//!
//! An order carries the texts that some dimension reads of it in one array, an answer and an invitation those that a
//! response dimension reads; a customer has its cuts worked out once.

use sarafan_core::definitions::{Definitions, Dimension, DimensionKind, Source};
use sarafan_core::vocabulary::{Kind, Role, Subject};

use crate::sql::literal;

const ALL: &str = "[('all', 'all')]";
const NO_TEXTS: &str = "CAST([], 'Array(String)')";

/// The fragments of one set of definitions.
pub(super) struct Cuts<'a> {
    definitions: &'a Definitions,
}

impl<'a> Cuts<'a> {
    pub(super) fn of(definitions: &'a Definitions) -> Self {
        Self { definitions }
    }

    fn dimensions(&self, kind: DimensionKind) -> impl Iterator<Item = &'a Dimension> {
        self.definitions.dimensions.iter().filter(move |d| d.kind == kind)
    }

    /// Fields of orders that customers and answers are cut by.
    fn order_fields(&self) -> Vec<&'a str> {
        let sources = self.definitions.dimensions.iter().flat_map(|d| &d.sources);
        let mut fields: Vec<&str> = sources
            .filter_map(|source| match source {
                Source::FirstOrder(field) | Source::LatestOrder(field) | Source::OfOrder(field) => {
                    Some(field.as_str())
                }
                _ => None,
            })
            .collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// Fields of answers and invitations that response dimensions read.
    fn response_fields(&self) -> Vec<&'a str> {
        let sources = self.dimensions(DimensionKind::Response).flat_map(|d| &d.sources);
        let mut fields: Vec<&str> = sources
            .filter_map(|source| match source {
                Source::Own(field) => Some(field.as_str()),
                _ => None,
            })
            .collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    pub(super) fn order_texts(&self) -> String {
        texts(Subject::Order, &self.order_fields(), "")
    }

    pub(super) fn response_texts(&self) -> String {
        texts(Subject::SurveyResponse, &self.response_fields(), "a.")
    }

    pub(super) fn invitation_texts(&self) -> String {
        texts(Subject::SurveyInvitation, &self.response_fields(), "")
    }

    /// The order dimensions' cuts of an order or a refund, from its own columns.
    pub(super) fn of_record(&self, subject: Subject) -> String {
        let part = |source: &Source| match source {
            Source::Own(field) => column(subject, field, ""),
            _ => "''".to_owned(),
        };
        list(self.dimensions(DimensionKind::Order), part)
    }

    /// The response dimensions' cuts of the answer or invitation `record`, about the counted order `order`.
    pub(super) fn of_response(&self, record: &str, order: &str) -> String {
        let (own, of_order) = (self.response_fields(), self.order_fields());
        let part = |source: &Source| match source {
            Source::Own(field) => element(&format!("{record}.own_texts"), &own, field),
            Source::OfOrder(field) => element(&format!("{order}.texts"), &of_order, field),
            _ => "''".to_owned(),
        };
        list(self.dimensions(DimensionKind::Response), part)
    }

    /// The counted orders' texts, as answers need them.
    pub(super) fn counted_texts(&self) -> String {
        let mut sources = self.dimensions(DimensionKind::Response).flat_map(|d| &d.sources);
        if sources.any(|source| matches!(source, Source::OfOrder(_))) {
            "(SELECT key, id, texts FROM orders_refunded WHERE counts)".to_owned()
        } else {
            format!("(SELECT '' AS key, '' AS id, {NO_TEXTS} AS texts WHERE false)")
        }
    }

    /// A customer's cuts where it is joined as `alias`: `all`, and each customer dimension.
    pub(super) fn of_customer(&self, alias: &str) -> String {
        let unknown = list(self.dimensions(DimensionKind::Customer), |_| "''".to_owned());
        format!("if(empty({alias}.cuts), arrayConcat({ALL}, {unknown}), {alias}.cuts)")
    }

    /// The query of every customer that has a cut to tell.
    pub(super) fn customers(&self) -> String {
        let sources = || self.dimensions(DimensionKind::Customer).flat_map(|d| &d.sources);
        if sources().next().is_none() {
            return format!("SELECT '' AS key, {ALL} AS cuts WHERE false");
        }
        let fields = self.order_fields();
        let part = |source: &Source| match source {
            Source::Attribute(name) => attribute(name, "r."),
            Source::FirstOrder(field) => element("s.first", &fields, field),
            Source::LatestOrder(field) => element("s.latest", &fields, field),
            Source::CohortMonth => "if(s.key = '', '', formatDateTime(s.first_day, '%Y-%m'))".to_owned(),
            Source::Own(_) | Source::OfOrder(_) => "''".to_owned(),
        };
        let cuts = list(self.dimensions(DimensionKind::Customer), part);
        if sources().all(|source| matches!(source, Source::Attribute(_))) {
            return format!(
                "SELECT r.key AS key, arrayConcat({ALL}, {cuts}) AS cuts FROM customer_records AS r"
            );
        }
        format!(
            "SELECT if(s.key != '', s.key, r.key) AS key, arrayConcat({ALL}, {cuts}) AS cuts FROM (SELECT key, \
             argMin(texts, (at, id)) AS first, argMax(texts, (at, id)) AS latest, argMin(day, (at, id)) AS first_day \
             FROM orders_refunded WHERE counts AND startsWith(key, 'c:') GROUP BY key) AS s \
             FULL OUTER JOIN customer_records AS r ON s.key = r.key"
        )
    }
}

/// `[(dimension, segment), ...]`: parts joined by ` / `, each `unknown` when it is empty.
fn list<'d>(dimensions: impl Iterator<Item = &'d Dimension>, part: impl Fn(&Source) -> String) -> String {
    let cuts: Vec<String> = dimensions
        .map(|dimension| {
            let known = |source: &Source| {
                let part = part(source);
                format!("if({part} = '', 'unknown', {part})")
            };
            let parts: Vec<String> = dimension.sources.iter().map(known).collect();
            let segment = match &parts[..] {
                [only] => only.clone(),
                several => format!("concatWithSeparator(' / ', {})", several.join(", ")),
            };
            format!("({}, {segment})", literal(&dimension.name))
        })
        .collect();
    format!("CAST([{}], 'Array(Tuple(String, String))')", cuts.join(", "))
}

fn texts(subject: Subject, fields: &[&str], prefix: &str) -> String {
    let columns: Vec<String> = fields.iter().map(|field| column(subject, field, prefix)).collect();
    format!("CAST([{}], 'Array(String)')", columns.join(", "))
}

fn element(array: &str, fields: &[&str], field: &str) -> String {
    let place = fields.iter().position(|found| *found == field).map_or(0, |index| index + 1);
    format!("{array}[{place}]")
}

/// A text of a record; empty when it has none, or when its subject has no such field.
fn column(subject: Subject, field: &str, prefix: &str) -> String {
    if let Some(name) = field.strip_prefix("attributes.") {
        return attribute(name, prefix);
    }
    let textual = |kind| matches!(kind, Kind::Text | Kind::Code(_));
    match subject.field(field).filter(|f| f.role == Role::Metric && textual(f.kind)) {
        Some(_) => format!("CAST(ifNull({prefix}{field}, ''), 'String')"),
        None => "''".to_owned(),
    }
}

fn attribute(name: &str, prefix: &str) -> String {
    format!("{prefix}attribute_values[indexOf({prefix}attribute_names, {})]", literal(name))
}

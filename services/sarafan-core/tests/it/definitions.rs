//! The definitions under which the law is held: every kind of dimension, another time zone, every setting.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use sarafan_core::definitions::{
    Definitions, DimensionKind, DimensionSection, FieldNames, MetricsSection, Scale, SurveyKind,
    SurveySection,
};

/// Dimensions of every kind and source.
const DIMENSIONS: [Dimension; 11] = [
    ("tier", DimensionKind::Customer, &["attributes.tier"]),
    ("place", DimensionKind::Customer, &["attributes.region", "attributes.tier"]),
    ("first_store", DimensionKind::Customer, &["first_order.store"]),
    ("latest_channel", DimensionKind::Customer, &["latest_order.channel"]),
    ("cohort", DimensionKind::Customer, &["cohort_month"]),
    ("store", DimensionKind::Order, &["store"]),
    ("store_channel", DimensionKind::Order, &["store", "channel"]),
    ("order_region", DimensionKind::Order, &["attributes.region"]),
    ("touchpoint", DimensionKind::Response, &["touchpoint"]),
    ("order_store", DimensionKind::Response, &["order.store"]),
    ("route", DimensionKind::Response, &["channel", "order.attributes.tier", "attributes.region"]),
];

/// UTC, nothing merged, a third of the amount is margin.
pub(crate) static PLAIN: LazyLock<Arc<Definitions>> = LazyLock::new(|| resolve(plain()));

/// Another time zone, purchases of one day merged, orders of nothing count.
pub(crate) static MERGED: LazyLock<Arc<Definitions>> = LazyLock::new(|| {
    resolve(MetricsSection {
        timezone: "Asia/Vladivostok".to_owned(),
        windows: vec![1, 4],
        margin_rate: "0.5".to_owned(),
        count_zero_amount: true,
        merge_same_day: true,
        ..MetricsSection::default()
    })
});

/// As [`PLAIN`], but no dimension reads an attribute.
pub(crate) static BARE: LazyLock<Arc<Definitions>> = LazyLock::new(|| {
    let no_attribute = |fields: &[&str]| fields.iter().all(|field| !field.contains("attributes."));
    resolve_with(plain(), DIMENSIONS.iter().filter(|(_, _, fields)| no_attribute(fields)))
});

/// Either of the two, by a name that prints shortly.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Meaning {
    Plain,
    Merged,
}

impl Meaning {
    /// What it stands for.
    pub(crate) fn definitions(self) -> Arc<Definitions> {
        match self {
            Self::Plain => Arc::clone(&PLAIN),
            Self::Merged => Arc::clone(&MERGED),
        }
    }
}

/// Any of the definitions.
pub(crate) fn any_meaning() -> impl Strategy<Value = Meaning> {
    prop_oneof![3 => Just(Meaning::Plain), 2 => Just(Meaning::Merged)]
}

fn plain() -> MetricsSection {
    MetricsSection { windows: vec![7, 30], margin_rate: "0.3333".to_owned(), ..MetricsSection::default() }
}

/// A dimension's name, kind and fields.
type Dimension = (&'static str, DimensionKind, &'static [&'static str]);

fn resolve(metrics: MetricsSection) -> Arc<Definitions> {
    resolve_with(metrics, DIMENSIONS.iter())
}

fn resolve_with<'a>(
    metrics: MetricsSection,
    dimensions: impl Iterator<Item = &'a Dimension>,
) -> Arc<Definitions> {
    let survey = |id: &str, kind, scale, headline| SurveySection {
        id: id.to_owned(),
        kind,
        scale,
        headline,
        band: Default::default(),
    };
    let surveys = vec![
        survey("delivery", SurveyKind::Transactional, Scale::ZeroToTen, false),
        survey("relation", SurveyKind::Relational, Scale::ZeroToTen, true),
        survey("stars", SurveyKind::Other, Scale::Other, false),
    ];
    let dimension = |(name, kind, fields): &Dimension| DimensionSection {
        name: (*name).to_owned(),
        kind: *kind,
        field: match fields {
            [one] => FieldNames::One((*one).to_owned()),
            several => FieldNames::Several(several.iter().map(|f| (*f).to_owned()).collect()),
        },
    };
    let dimensions: Vec<_> = dimensions.map(dimension).collect();
    Arc::new(Definitions::resolve(metrics, surveys, &dimensions).expect("definitions without errors"))
}

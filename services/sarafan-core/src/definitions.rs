//! What the figures mean: the `[metrics]`, `[[survey]]` and `[[dimension]]` sections, resolved and hashed to an epoch.

mod band;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use band::Band;

use crate::vocabulary::{Kind, Rate, ReportingZone, Role, Subject};

/// Raised when the meaning of a figure changes in code: a part of the epoch.
pub const DEFINITIONS_VERSION: u32 = 1;

/// The `[metrics]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsSection {
    /// IANA name of the reporting time zone: whose calendar days the figures speak of.
    pub timezone: String,
    /// Rolling windows of NPS, in days.
    pub windows: Vec<u16>,
    /// Margin as a fraction of the amount, for orders whose record gives none: `"0.30"`.
    pub margin_rate: String,
    /// Whether an order of amount zero counts.
    pub count_zero_amount: bool,
    /// Whether two purchases of a customer on one day are one.
    pub merge_same_day: bool,
    /// Days after which an unanswered invitation is no longer pending.
    pub response_horizon_days: u16,
}

impl Default for MetricsSection {
    fn default() -> Self {
        Self {
            timezone: "UTC".to_owned(),
            windows: vec![7, 30, 90, 365],
            margin_rate: "0".to_owned(),
            count_zero_amount: false,
            merge_same_day: false,
            response_horizon_days: 14,
        }
    }
}

/// One `[[survey]]`: surveys are never pooled (METRICS 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurveySection {
    /// Its id, as answers name it.
    pub id: String,
    /// What it asks about.
    pub kind: SurveyKind,
    /// Its scale. Only `0-10` has an NPS.
    #[serde(default)]
    pub scale: Scale,
    /// Whether it is the survey that headlines and a customer's latest score speak of; one at most.
    #[serde(default)]
    pub headline: bool,
    /// By which preset its NPS is told to be good or bad: shown beside figures, so no part of the epoch.
    #[serde(default, skip_serializing)]
    pub band: Band,
}

/// What a survey asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurveyKind {
    /// The relation as a whole.
    Relational,
    /// One purchase, delivery or contact.
    Transactional,
    /// Anything else.
    Other,
}

impl SurveyKind {
    /// The name in views.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relational => "relational",
            Self::Transactional => "transactional",
            Self::Other => "other",
        }
    }
}

/// The scale of a survey's score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// 0..10, the scale of NPS.
    #[default]
    #[serde(rename = "0-10")]
    ZeroToTen,
    /// Any other scale: answers are kept and counted, and there is no NPS.
    #[serde(rename = "other")]
    Other,
}

/// One `[[dimension]]` (DESIGN 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DimensionSection {
    /// Its name in views, metrics and panels.
    pub name: String,
    /// What it cuts.
    pub kind: DimensionKind,
    /// The field it reads, or several for a tuple such as region / channel.
    pub field: FieldNames,
}

/// What a dimension cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DimensionKind {
    /// One value per customer, as it is today.
    Customer,
    /// Orders and money, as it was on the order.
    Order,
    /// Answers, as it was on the answer.
    Response,
}

/// One field name or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldNames {
    /// One field.
    One(String),
    /// A tuple: segments are joined by ` / `.
    Several(Vec<String>),
}

/// Where a dimension finds one part of its segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A customer's attribute: `attributes.<name>`.
    Attribute(String),
    /// A field of the customer's first counted order: `first_order.<field>`.
    FirstOrder(String),
    /// A field of the customer's latest counted order: `latest_order.<field>`.
    LatestOrder(String),
    /// The month of the customer's first purchase.
    CohortMonth,
    /// A field of the record itself.
    Own(String),
    /// Of an answer: a field of the counted order it is about: `order.<field>`.
    OfOrder(String),
}

/// A dimension, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// Its name.
    pub name: String,
    /// What it cuts.
    pub kind: DimensionKind,
    /// Where its parts come from.
    pub sources: Vec<Source>,
}

/// The identity of a set of definitions: figures of two epochs are never mixed (DESIGN 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// One thing wrong with the sections.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {problem}")]
pub struct DefinitionError {
    /// Which key: `metrics.timezone`, `dimension[2].field`.
    pub path: String,
    /// What is wrong and what to do.
    pub problem: String,
}

/// The definitions, checked and resolved.
#[derive(Debug, Clone)]
pub struct Definitions {
    /// The section they came from.
    pub metrics: MetricsSection,
    /// The declared surveys.
    pub surveys: Vec<SurveySection>,
    /// The declared dimensions.
    pub dimensions: Vec<Dimension>,
    /// The reporting time zone.
    pub zone: ReportingZone,
    /// The margin rate.
    pub margin_rate: Rate,
    /// What they hash to.
    pub epoch: Epoch,
}

impl Definitions {
    /// Checks and resolves the sections.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first.
    pub fn resolve(
        metrics: MetricsSection,
        surveys: Vec<SurveySection>,
        dimensions: &[DimensionSection],
    ) -> Result<Self, Vec<DefinitionError>> {
        let mut errors = Vec::new();
        let mut wrong = |path: String, problem: String| errors.push(DefinitionError { path, problem });
        let epoch = epoch_of(&metrics, &surveys, dimensions);
        let zone = ReportingZone::named(&metrics.timezone)
            .map_err(|e| wrong("metrics.timezone".to_owned(), e.to_string()))
            .unwrap_or(ReportingZone::UTC);
        let margin_rate = Rate::parse(&metrics.margin_rate)
            .map_err(|_| {
                let problem =
                    format!("`{}` is no fraction between 0 and 1; 30 % is \"0.30\"", metrics.margin_rate);
                wrong("metrics.margin_rate".to_owned(), problem);
            })
            .unwrap_or_default();
        check_windows(&metrics.windows, &mut wrong);
        check_surveys(&surveys, &mut wrong);
        let resolved = dimensions
            .iter()
            .enumerate()
            .filter_map(|(i, section)| resolve_dimension(i, section, dimensions, &mut wrong));
        let dimensions = resolved.collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self { metrics, surveys, dimensions, zone, margin_rate, epoch })
    }

    /// The survey that customer rows speak of: the one marked `headline`, else the first.
    pub fn headline_survey(&self) -> Option<&SurveySection> {
        self.surveys.iter().find(|s| s.headline).or_else(|| self.surveys.first())
    }

    /// The free attributes of a subject that a dimension reads: those the fold must keep.
    pub fn attributes_of(&self, subject: Subject) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for dimension in &self.dimensions {
            for source in &dimension.sources {
                if let Some(name) = attribute_of(subject, dimension.kind, source)
                    && !names.iter().any(|n| n == name)
                {
                    names.push(name.to_owned());
                }
            }
        }
        names.sort();
        names
    }

    /// What entities that were folded under `other` lack of what these definitions read: the fields of details, as
    /// `attributes.tier`, that are to be put back with them ([`Shard::restore_details`](crate::Shard::restore_details)).
    pub fn fields_beyond(&self, other: &Self) -> BTreeSet<String> {
        let lacking = |subject| {
            let held = other.attributes_of(subject);
            self.attributes_of(subject).into_iter().filter(move |name| !held.contains(name))
        };
        Subject::ALL.into_iter().flat_map(lacking).map(|name| format!("attributes.{name}")).collect()
    }
}

/// The attribute that `source` reads of `subject`, if it reads one.
fn attribute_of(subject: Subject, kind: DimensionKind, source: &Source) -> Option<&str> {
    let plain = |field: &'_ str| field.starts_with("attributes.");
    match (subject, kind, source) {
        (Subject::Customer, _, Source::Attribute(name)) => Some(name),
        (Subject::Order, _, Source::FirstOrder(f) | Source::LatestOrder(f) | Source::OfOrder(f))
        | (Subject::Order | Subject::Refund, DimensionKind::Order, Source::Own(f))
        | (Subject::SurveyResponse | Subject::SurveyInvitation, DimensionKind::Response, Source::Own(f))
            if plain(f) =>
        {
            f.strip_prefix("attributes.")
        }
        _ => None,
    }
}

/// The hash of the resolved sections and the definitions' version. A band changes no row, hence no epoch.
fn epoch_of(metrics: &MetricsSection, surveys: &[SurveySection], dimensions: &[DimensionSection]) -> Epoch {
    let surveys: Vec<Hashed<'_>> = surveys.iter().map(Hashed).collect();
    let text = format!("{DEFINITIONS_VERSION} {metrics:?} {surveys:?} {dimensions:?}");
    Epoch(xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

/// What of a survey the epoch is made of, written as it has been since the first epoch.
struct Hashed<'a>(&'a SurveySection);

impl fmt::Debug for Hashed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SurveySection { id, kind, scale, headline, band: _ } = self.0;
        f.debug_struct("SurveySection")
            .field("id", id)
            .field("kind", kind)
            .field("scale", scale)
            .field("headline", headline)
            .finish()
    }
}

fn check_windows(windows: &[u16], wrong: &mut impl FnMut(String, String)) {
    if windows.is_empty() || windows.contains(&0) {
        wrong("metrics.windows".to_owned(), "needs at least one window, each of at least one day".to_owned());
    }
    if (1..windows.len()).any(|i| windows[..i].contains(&windows[i])) {
        wrong("metrics.windows".to_owned(), "names a window twice".to_owned());
    }
}

fn check_surveys(surveys: &[SurveySection], wrong: &mut impl FnMut(String, String)) {
    for (i, survey) in surveys.iter().enumerate() {
        if survey.id.is_empty() {
            wrong(format!("survey[{i}].id"), "is empty".to_owned());
        }
        if surveys[..i].iter().any(|s| s.id == survey.id) {
            wrong(format!("survey[{i}].id"), format!("`{}` is declared twice", survey.id));
        }
    }
    if surveys.iter().filter(|s| s.headline).count() > 1 {
        wrong("survey".to_owned(), "more than one is the headline; mark one".to_owned());
    }
}

fn resolve_dimension(
    index: usize,
    section: &DimensionSection,
    all: &[DimensionSection],
    wrong: &mut impl FnMut(String, String),
) -> Option<Dimension> {
    let name = section.name.as_str();
    if name.is_empty() || name == "all" {
        wrong(
            format!("dimension[{index}].name"),
            format!("`{name}` cannot name a dimension; `all` always exists"),
        );
    }
    if all[..index].iter().any(|d| d.name == name) {
        wrong(format!("dimension[{index}].name"), format!("`{name}` is declared twice"));
    }
    let fields: Vec<&str> = match &section.field {
        FieldNames::One(field) => vec![field],
        FieldNames::Several(fields) => fields.iter().map(String::as_str).collect(),
    };
    let mut sources = Vec::new();
    for field in &fields {
        match source_of(section.kind, field) {
            Some(source) => sources.push(source),
            None => wrong(format!("dimension[{index}].field"), unknown_field(section.kind, field)),
        }
    }
    if fields.is_empty() {
        wrong(format!("dimension[{index}].field"), "names no field".to_owned());
    }
    (sources.len() == fields.len() && !fields.is_empty()).then(|| Dimension {
        name: name.to_owned(),
        kind: section.kind,
        sources,
    })
}

fn unknown_field(kind: DimensionKind, field: &str) -> String {
    let known = match kind {
        DimensionKind::Customer => {
            "attributes.<name>, first_order.<field>, latest_order.<field> or cohort_month"
        }
        DimensionKind::Order => "a text field of an order, or attributes.<name>",
        DimensionKind::Response => "a text field of an answer, attributes.<name>, or order.<field>",
    };
    format!("`{field}` is not one that this dimension can read; write {known}")
}

fn source_of(kind: DimensionKind, field: &str) -> Option<Source> {
    let owned = |f: &str| f.to_owned();
    match kind {
        DimensionKind::Customer => {
            if field == "cohort_month" {
                Some(Source::CohortMonth)
            } else if let Some(name) = field.strip_prefix("attributes.") {
                (!name.is_empty()).then(|| Source::Attribute(owned(name)))
            } else if let Some(f) = field.strip_prefix("first_order.") {
                readable(Subject::Order, f).then(|| Source::FirstOrder(owned(f)))
            } else {
                let f = field.strip_prefix("latest_order.")?;
                readable(Subject::Order, f).then(|| Source::LatestOrder(owned(f)))
            }
        }
        DimensionKind::Order => readable(Subject::Order, field).then(|| Source::Own(owned(field))),
        DimensionKind::Response => match field.strip_prefix("order.") {
            Some(f) => readable(Subject::Order, f).then(|| Source::OfOrder(owned(f))),
            None => readable(Subject::SurveyResponse, field).then(|| Source::Own(owned(field))),
        },
    }
}

/// Whether a dimension may cut by this field: a text that the fold keeps, or a free attribute.
fn readable(subject: Subject, name: &str) -> bool {
    if let Some(attribute) = name.strip_prefix("attributes.") {
        return !attribute.is_empty();
    }
    let textual = |kind| matches!(kind, Kind::Text | Kind::Code(_));
    subject.field(name).is_some_and(|field| field.role == Role::Metric && textual(field.kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dimension(name: &str, kind: DimensionKind, field: &str) -> DimensionSection {
        DimensionSection { name: name.to_owned(), kind, field: FieldNames::One(field.to_owned()) }
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let metrics = MetricsSection {
            timezone: "Nowhere".to_owned(),
            margin_rate: "30".to_owned(),
            windows: vec![7, 7],
            ..MetricsSection::default()
        };
        let dimensions = [dimension("all", DimensionKind::Customer, "tier")];
        let errors = Definitions::resolve(metrics, Vec::new(), &dimensions).unwrap_err();
        let paths: Vec<_> = errors.iter().map(|e| e.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "metrics.timezone",
                "metrics.margin_rate",
                "metrics.windows",
                "dimension[0].name",
                "dimension[0].field"
            ]
        );
    }

    #[test]
    fn the_epoch_changes_with_any_definition() {
        let epoch = |metrics: MetricsSection, dimensions: &[DimensionSection]| {
            Definitions::resolve(metrics, Vec::new(), dimensions).unwrap().epoch
        };
        let base = epoch(MetricsSection::default(), &[]);
        let merged = MetricsSection { merge_same_day: true, ..MetricsSection::default() };
        let cut = [dimension("tier", DimensionKind::Customer, "attributes.tier")];
        assert_ne!(base, epoch(merged, &[]));
        assert_ne!(base, epoch(MetricsSection::default(), &cut));
        assert_eq!(base, epoch(MetricsSection::default(), &[]));
    }

    #[test]
    fn the_epoch_of_known_definitions_is_what_it_was_and_a_band_is_no_part_of_it() {
        let epoch = |band| {
            let survey = SurveySection {
                id: "after_delivery".to_owned(),
                kind: SurveyKind::Transactional,
                scale: Scale::ZeroToTen,
                headline: false,
                band,
            };
            Definitions::resolve(MetricsSection::default(), vec![survey], &[]).unwrap().epoch.to_string()
        };
        // Of deploy/config/minimal.toml before there were bands.
        assert_eq!(epoch(Band::Bain), "87c4bec6a082ef64");
        assert_eq!(epoch(Band::Strict), "87c4bec6a082ef64");
    }

    #[test]
    fn only_attributes_that_a_dimension_reads_are_kept_in_memory() {
        let dimensions = [
            dimension("tier", DimensionKind::Customer, "attributes.tier"),
            dimension("first_store", DimensionKind::Customer, "first_order.attributes.zone"),
            dimension("app", DimensionKind::Response, "attributes.app_version"),
        ];
        let found = Definitions::resolve(MetricsSection::default(), Vec::new(), &dimensions).unwrap();
        assert_eq!(found.attributes_of(Subject::Customer), ["tier"]);
        assert_eq!(found.attributes_of(Subject::Order), ["zone"]);
        assert_eq!(found.attributes_of(Subject::SurveyResponse), ["app_version"]);
        assert!(found.attributes_of(Subject::Refund).is_empty());
    }

    #[test]
    fn entities_lack_what_they_were_not_folded_for() {
        let resolved = |dimensions: &[DimensionSection]| {
            Definitions::resolve(MetricsSection::default(), Vec::new(), dimensions).unwrap()
        };
        let tier = dimension("tier", DimensionKind::Customer, "attributes.tier");
        let store = dimension("store", DimensionKind::Order, "store");
        let (none, both) = (resolved(&[]), resolved(&[tier, store.clone()]));
        assert!(none.fields_beyond(&both).is_empty());
        assert_eq!(both.fields_beyond(&none), BTreeSet::from(["attributes.tier".to_owned()]));
        assert!(resolved(&[store]).fields_beyond(&none).is_empty(), "plain fields are held whatever is read");
    }
}

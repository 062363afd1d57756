//! Epochs: what the rows of each mean (DESIGN 2, epochs).

use clickhouse::Row;
use sarafan_core::definitions::{
    Definitions, DimensionKind, DimensionSection, Epoch, MetricsSection, Scale, Source, SurveySection,
};
use serde::Deserialize;

use crate::client::Store;
use crate::error::StoreError;
use crate::one_row::OneRow;

/// A registered epoch: what its rows mean.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct EpochRow {
    /// The hash of the definitions.
    pub epoch: u64,
    /// Version of this row.
    pub sequence: u64,
    /// The resolved sections, as JSON.
    pub definitions: String,
    /// IANA name of the reporting time zone.
    pub timezone: String,
    /// Rolling windows of NPS, in days.
    pub windows: Vec<u16>,
    /// Days after which an unanswered invitation is no longer pending.
    pub response_horizon_days: u16,
    /// Whether an order of amount zero counts.
    pub count_zero_amount: bool,
    /// Whether two purchases of a customer on one day are one.
    pub merge_same_day: bool,
    /// The survey that customer rows speak of; empty without surveys.
    pub headline_survey: String,
    /// Declared surveys.
    pub surveys: Vec<String>,
    /// Kind of each survey.
    pub survey_kinds: Vec<String>,
    /// Scale of each survey: `0-10` or `other`.
    pub survey_scales: Vec<String>,
    /// Declared dimensions.
    pub dimensions: Vec<String>,
    /// Kind of each dimension.
    pub dimension_kinds: Vec<String>,
}

const COLUMNS: &str = "epoch, sequence, definitions, timezone, windows, response_horizon_days, count_zero_amount, \
                       merge_same_day, headline_survey, surveys, survey_kinds, survey_scales, dimensions, \
                       dimension_kinds";

impl EpochRow {
    /// The row of resolved definitions, at `sequence`.
    pub fn of(definitions: &Definitions, sequence: u64) -> Self {
        let Definitions { metrics, surveys, dimensions, .. } = definitions;
        let headline = definitions.headline_survey().map(|survey| survey.id.clone()).unwrap_or_default();
        Self {
            epoch: definitions.epoch.0,
            sequence,
            definitions: as_json(definitions),
            timezone: metrics.timezone.clone(),
            windows: metrics.windows.clone(),
            response_horizon_days: metrics.response_horizon_days,
            count_zero_amount: metrics.count_zero_amount,
            merge_same_day: metrics.merge_same_day,
            headline_survey: headline,
            surveys: surveys.iter().map(|survey| survey.id.clone()).collect(),
            survey_kinds: surveys.iter().map(|survey| survey.kind.name().to_owned()).collect(),
            survey_scales: surveys.iter().map(|survey| scale(survey.scale).to_owned()).collect(),
            dimensions: dimensions.iter().map(|dimension| dimension.name.clone()).collect(),
            dimension_kinds: dimensions.iter().map(|dimension| kind(dimension.kind).to_owned()).collect(),
        }
    }
}

/// The sections as [`EpochRow::definitions`] holds them.
#[derive(Deserialize)]
struct Sections {
    metrics: MetricsSection,
    survey: Vec<SurveySection>,
    dimension: Vec<DimensionSection>,
}

impl EpochRow {
    /// What the rows of the epoch were folded by, as far as this version understands it: a version that is older than the one
    /// that registered it may not.
    pub fn resolved(&self) -> Option<Definitions> {
        let Sections { metrics, survey, dimension } = serde_json::from_str(&self.definitions).ok()?;
        Definitions::resolve(metrics, survey, &dimension).ok()
    }
}

impl Store {
    /// Registers an epoch: what its rows mean. Registering it again changes nothing that anyone sees.
    ///
    /// # Errors
    /// Why it was not acknowledged.
    pub async fn register_epoch(&self, definitions: &Definitions) -> Result<(), StoreError> {
        if self.epoch(definitions.epoch).await?.is_some() {
            return Ok(());
        }
        let row = EpochRow::of(definitions, 1);
        let mut block = OneRow::default();
        block
            .set("epoch", row.epoch)
            .set("sequence", row.sequence)
            .set("definitions", row.definitions)
            .set("timezone", row.timezone)
            .set("windows", row.windows)
            .set("response_horizon_days", row.response_horizon_days)
            .set("count_zero_amount", row.count_zero_amount)
            .set("merge_same_day", row.merge_same_day)
            .set("headline_survey", row.headline_survey)
            .set("surveys", row.surveys)
            .set("survey_kinds", row.survey_kinds)
            .set("survey_scales", row.survey_scales)
            .set("dimensions", row.dimensions)
            .set("dimension_kinds", row.dimension_kinds);
        self.send_row("epochs", COLUMNS, block).await
    }

    /// A registered epoch; `None` when it is not registered.
    ///
    /// # Errors
    /// Why it could not be read.
    pub async fn epoch(&self, epoch: Epoch) -> Result<Option<EpochRow>, StoreError> {
        let table = self.table("epochs");
        let sql = format!("SELECT {COLUMNS} FROM {table} FINAL WHERE epoch = {{epoch:UInt64}}");
        Ok(self.rows("read the epochs", &sql, &[("epoch", &epoch.0.to_string())]).await?.pop())
    }

    /// All registered epochs.
    ///
    /// # Errors
    /// Why they could not be read.
    pub async fn epochs(&self) -> Result<Vec<EpochRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM {} FINAL ORDER BY epoch", self.table("epochs"));
        self.rows("read the epochs", &sql, &[]).await
    }
}

fn as_json(definitions: &Definitions) -> String {
    let Definitions { metrics, surveys, dimensions, .. } = definitions;
    let dimensions: Vec<serde_json::Value> = dimensions
        .iter()
        .map(|dimension| {
            let fields: Vec<String> = dimension.sources.iter().map(field).collect();
            serde_json::json!({ "name": dimension.name, "kind": dimension.kind, "field": fields })
        })
        .collect();
    serde_json::json!({ "metrics": metrics, "survey": surveys, "dimension": dimensions }).to_string()
}

/// A source as the configuration writes it.
fn field(source: &Source) -> String {
    match source {
        Source::Attribute(name) => format!("attributes.{name}"),
        Source::FirstOrder(field) => format!("first_order.{field}"),
        Source::LatestOrder(field) => format!("latest_order.{field}"),
        Source::CohortMonth => "cohort_month".to_owned(),
        Source::Own(field) => field.clone(),
        Source::OfOrder(field) => format!("order.{field}"),
    }
}

const fn scale(scale: Scale) -> &'static str {
    match scale {
        Scale::ZeroToTen => "0-10",
        Scale::Other => "other",
    }
}

const fn kind(kind: DimensionKind) -> &'static str {
    match kind {
        DimensionKind::Customer => "customer",
        DimensionKind::Order => "order",
        DimensionKind::Response => "response",
    }
}

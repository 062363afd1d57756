//! Epochs, which of them is live, and the incarnation of the store.

use clickhouse::Row;
use clickhouse::native::Block;
use clickhouse::native::builder::BlockBuilder;
use clickhouse::native::encode::Encode;
use sarafan_core::definitions::{Definitions, DimensionKind, Epoch, Scale, Source};
use serde::Deserialize;

use crate::client::Store;
use crate::error::StoreError;

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

    /// The epoch that views show; `None` before the first.
    ///
    /// # Errors
    /// Why it could not be read.
    pub async fn live_epoch(&self) -> Result<Option<Epoch>, StoreError> {
        Ok(self.latest("live_epoch", "epoch").await?.map(|latest| Epoch(latest.value)))
    }

    /// Makes every view show `epoch` from now on.
    ///
    /// # Errors
    /// Why it was not acknowledged.
    pub async fn set_live_epoch(&self, epoch: Epoch) -> Result<(), StoreError> {
        self.advance("live_epoch", "epoch", epoch.0).await
    }

    /// The incarnation of the store: 0 until `sarafan adopt` gives it another.
    ///
    /// # Errors
    /// Why it could not be read.
    pub async fn incarnation(&self) -> Result<u64, StoreError> {
        Ok(self.latest("incarnations", "incarnation").await?.map_or(0, |latest| latest.value))
    }

    /// Gives the store a new incarnation: ledger rows of any other count for nobody.
    ///
    /// # Errors
    /// Why it was not acknowledged.
    pub async fn set_incarnation(&self, incarnation: u64) -> Result<(), StoreError> {
        self.advance("incarnations", "incarnation", incarnation).await
    }

    /// The row in force of a table of one slot.
    async fn latest(&self, table: &str, column: &str) -> Result<Option<Latest>, StoreError> {
        let sql = format!(
            "SELECT sequence, {column} AS value FROM {} ORDER BY sequence DESC LIMIT 1",
            self.table(table)
        );
        Ok(self.rows(&format!("read {table}"), &sql, &[]).await?.pop())
    }

    /// Writes the next row of a table of one slot. Its sequence is the moment, in microseconds, so that two writers
    /// at once do not write the same; it is above the one in force whatever the clock says.
    async fn advance(&self, table: &str, column: &str, value: u64) -> Result<(), StoreError> {
        let latest = self.latest(table, column).await?;
        if latest.as_ref().is_some_and(|latest| latest.value == value) {
            return Ok(());
        }
        let mut block = OneRow::default();
        block
            .set("slot", 0_u8)
            .set("sequence", latest.map_or(1, |latest| latest.sequence + 1))
            .set(column, value);
        self.send_row(table, &format!("slot, sequence, {column}"), block).await
    }

    pub(crate) async fn send_row(&self, table: &str, columns: &str, row: OneRow) -> Result<(), StoreError> {
        let block = row.build().map_err(|error| StoreError::Mismatch {
            doing: format!("encode a row of {table}"),
            detail: error.to_string(),
        })?;
        self.send(table, &format!("{} ({columns})", self.table(table)), &block).await
    }
}

#[derive(Row, Deserialize)]
struct Latest {
    sequence: u64,
    value: u64,
}

/// A block of one row, for the control tables.
#[derive(Default)]
pub(crate) struct OneRow {
    builder: BlockBuilder,
    failed: Option<Failure>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl OneRow {
    pub(crate) fn set<T: Encode>(&mut self, column: &str, value: T) -> &mut Self {
        let added = match self.builder.upsert_column::<T>(column) {
            Ok(mut column) => column.add(value).map(|_| ()),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = added {
            self.failed.get_or_insert(error);
        }
        self
    }

    pub(crate) fn build(mut self) -> Result<Block, Failure> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(self.builder.build()?),
        }
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

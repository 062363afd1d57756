//! What people are shown beside the figures: the deployment's name and notice, reference lines, bands.
//!
//! None of it changes a figure, so it is of no epoch: every migrate replaces all of it by one row.

mod check;
mod sections;

use std::collections::BTreeMap;

use jiff::civil::Date;
use sarafan_core::definitions::{Band, DefinitionError, Definitions};

pub use sections::{BenchmarkKind, BenchmarkMetric, BenchmarkSection, DeploymentSection};

use crate::block::DayBits;
use crate::client::Store;
use crate::error::StoreError;
use crate::one_row::OneRow;

/// `[deployment]`, `[[benchmark]]` and the band of each `[[survey]]`, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Presentation {
    deployment: DeploymentSection,
    benchmarks: Vec<Benchmark>,
    bands: BTreeMap<String, Band>,
}

/// A reference line, checked.
#[derive(Debug, Clone, PartialEq)]
struct Benchmark {
    section: BenchmarkSection,
    /// Inclusive.
    from: Date,
    /// Inclusive; `None`: until further notice.
    to: Option<Date>,
}

/// As the column `benchmarks` holds a reference line.
type Line<'a> =
    (&'a str, &'a str, &'a str, &'a str, &'a str, &'a str, f64, DayBits, Option<DayBits>, &'a str);

impl Presentation {
    /// Checks the sections against the definitions whose figures they stand beside.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first.
    pub fn resolve(
        deployment: DeploymentSection,
        benchmarks: Vec<BenchmarkSection>,
        definitions: &Definitions,
    ) -> Result<Self, Vec<DefinitionError>> {
        let mut errors = check::deployment(&deployment);
        let (benchmarks, wrong) = check::benchmarks(benchmarks, definitions);
        errors.extend(wrong);
        if !errors.is_empty() {
            return Err(errors);
        }
        let bands = definitions.surveys.iter().map(|survey| (survey.id.clone(), survey.band)).collect();
        Ok(Self { deployment, benchmarks, bands })
    }

    /// The section `[deployment]`.
    pub fn deployment(&self) -> &DeploymentSection {
        &self.deployment
    }

    /// The sections `[[benchmark]]`, in their order.
    pub fn benchmarks(&self) -> impl Iterator<Item = &BenchmarkSection> {
        self.benchmarks.iter().map(|benchmark| &benchmark.section)
    }
}

impl Benchmark {
    fn line(&self) -> Line<'_> {
        let BenchmarkSection { name, kind, metric, survey, dimension, segment, value, source, .. } =
            &self.section;
        let (from, to) = (DayBits::of(self.from), self.to.map(DayBits::of));
        (name, kind.name(), metric.name(), survey, dimension, segment, *value, from, to, source)
    }
}

impl DayBits {
    /// A day that [`check`] has let through: within what ClickHouse can hold.
    fn of(date: Date) -> Self {
        Self(u16::try_from(check::days_since_1970(date)).unwrap_or(u16::MAX))
    }
}

impl Store {
    /// Shows `presentation` from now on, in the place of all that was shown before.
    ///
    /// # Errors
    /// Why it was not acknowledged.
    pub async fn set_presentation(&self, presentation: &Presentation) -> Result<(), StoreError> {
        let Presentation { deployment, benchmarks, bands } = presentation;
        let bands: BTreeMap<&str, &str> =
            bands.iter().map(|(survey, band)| (survey.as_str(), band.name())).collect();
        let lines: Vec<Line<'_>> = benchmarks.iter().map(Benchmark::line).collect();
        let mut row = OneRow::default();
        row.set("slot", 0_u8)
            .set("sequence", self.following("deployment").await?)
            .set("name", deployment.name.as_str())
            .set("notice", deployment.notice.as_str())
            .set("bands", bands)
            .set("benchmarks", lines);
        self.send_row("deployment", "slot, sequence, name, notice, bands, benchmarks", row).await
    }
}

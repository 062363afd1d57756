//! The sections as they are written.

use serde::Deserialize;

/// The section `[deployment]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeploymentSection {
    /// What the deployment is called on panels and in reports.
    pub name: String,
    /// Put on every panel and report, such as `SYNTHETIC`; empty for none.
    pub notice: String,
}

impl Default for DeploymentSection {
    fn default() -> Self {
        Self { name: "Sarafan".to_owned(), notice: String::new() }
    }
}

/// One `[[benchmark]]`: a reference line beside a figure (METRICS 2).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkSection {
    /// Its name.
    pub name: String,
    /// Whose value it is.
    pub kind: BenchmarkKind,
    /// The survey that it is held against: surveys are never pooled.
    pub survey: String,
    /// The dimension; `all` is the whole.
    #[serde(default = "all")]
    pub dimension: String,
    /// The segment of the dimension.
    #[serde(default = "all")]
    pub segment: String,
    /// The figure that it is held against.
    #[serde(default)]
    pub metric: BenchmarkMetric,
    /// The value, in the unit of the metric: points.
    pub value: f64,
    /// First day on which it is valid: `2025-01-01`.
    pub from: String,
    /// Last day on which it is valid; until further notice without it.
    #[serde(default)]
    pub to: Option<String>,
    /// Where the value is from.
    #[serde(default)]
    pub source: String,
}

fn all() -> String {
    "all".to_owned()
}

/// Whose value a benchmark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenchmarkKind {
    /// What we want to reach; at most one for a segment on a day.
    Target,
    /// The average of the industry.
    Industry,
    /// A competitor's.
    Competitor,
}

impl BenchmarkKind {
    /// The name in the configuration and in views.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Industry => "industry",
            Self::Competitor => "competitor",
        }
    }
}

/// The figure that a benchmark is held against.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenchmarkMetric {
    /// Net Promoter Score, points.
    #[default]
    Nps,
}

impl BenchmarkMetric {
    /// The name in the configuration and in views.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nps => "nps",
        }
    }
}

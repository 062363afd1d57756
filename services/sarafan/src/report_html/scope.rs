//! What the page speaks of: what was asked for, completed by what the deployment headlines.

use anyhow::Context as _;
use jiff::civil::Date;
use sarafan_core::definitions::{Definitions, DimensionKind, Source, SurveyKind};
use sarafan_store::Store;
use serde::Deserialize;

use super::format;
use super::rows::{Day, rows};
use crate::figures::Choice;

/// The view `deployment`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Deployment {
    /// What it is called.
    pub(super) name: String,
    /// What every figure has to carry, such as SYNTHETIC; mostly nothing.
    pub(super) notice: String,
    headline_survey: String,
    headline_population: String,
    /// The window that headlines, in days.
    pub(super) window_days: u16,
    /// The rolling windows, in days.
    pub(super) windows: Vec<u16>,
    /// Today in the reporting time zone.
    pub(super) today: Day,
    /// The reporting time zone.
    pub(super) timezone: String,
    /// The currency with most revenue; empty before the first order.
    pub(super) currency: String,
    /// When the latest record that is in the tables reached the broker, in UTC; none before the first.
    pub(super) data_as_of: Option<String>,
}

/// By which segments answers are cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AnswersBy {
    /// Those of every dimension that cuts answers.
    Every,
    /// Those of one dimension.
    One(String),
    /// None; why.
    Nothing(String),
}

/// By which segments customers, their purchases and their value are cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CustomersBy {
    /// Those of one dimension.
    One(String),
    /// None; why.
    Nothing(String),
}

/// What the page speaks of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scope {
    /// The deployment.
    pub(super) deployment: Deployment,
    /// The survey.
    pub(super) survey: String,
    /// Whose answers: responses, customers or orders.
    pub(super) population: String,
    /// The last day that the figures speak of.
    pub(super) day: Date,
    /// By what answers are cut.
    pub(super) answers_by: AnswersBy,
    /// By what customers are cut.
    pub(super) customers_by: CustomersBy,
}

const DEPLOYMENT: &str = "SELECT name, notice, headline_survey, headline_population, window_days, windows, \
    toString(today) AS today, timezone, currency, formatDateTime(data_as_of, '%e %b %Y, %H:%i') AS data_as_of \
    FROM deployment";

impl Scope {
    /// Completes a choice, which names nothing that the configuration does not have.
    pub(super) async fn read(
        store: &Store,
        definitions: &Definitions,
        choice: &Choice,
    ) -> anyhow::Result<Self> {
        let deployment = rows::<Deployment>(store, DEPLOYMENT, &[]).await?.into_iter().next();
        let deployment = deployment.context("the view `deployment` has no row; run `sarafan migrate`")?;
        Ok(Self::of(deployment, definitions, choice))
    }

    pub(super) fn of(deployment: Deployment, definitions: &Definitions, choice: &Choice) -> Self {
        let asked = choice.survey.as_ref().and_then(|id| definitions.surveys.iter().find(|s| s.id == *id));
        let (survey, population) = match asked {
            Some(survey) => (survey.id.clone(), population_of(survey.kind).to_owned()),
            None => (deployment.headline_survey.clone(), deployment.headline_population.clone()),
        };
        let day = choice.as_of.unwrap_or(deployment.today.0);
        let (answers_by, customers_by) = match choice.dimension.as_deref() {
            None => (AnswersBy::Every, default_cut(definitions)),
            Some("all") => {
                let why = "Only the whole was asked for.".to_owned();
                (AnswersBy::Nothing(why.clone()), CustomersBy::Nothing(why))
            }
            Some(name) => cuts(definitions, name),
        };
        Self { deployment, survey, population, day, answers_by, customers_by }
    }

    /// Whether the figures are those of a day that has passed.
    pub(super) fn is_past(&self) -> bool {
        self.day != self.deployment.today.0
    }

    /// The query that stands for the view `nps` on the day, in every window.
    pub(super) fn nps(&self) -> String {
        if !self.is_past() {
            return "nps".to_owned();
        }
        let windows: Vec<String> =
            self.deployment.windows.iter().map(|window| self.nps_of(*window)).collect();
        format!("({})", windows.join(" UNION ALL "))
    }

    /// The same in one window.
    pub(super) fn nps_of(&self, window_days: u16) -> String {
        if self.is_past() {
            return format!("SELECT * FROM nps_at(as_of = '{}', window_days = {window_days})", self.day);
        }
        format!("SELECT * FROM nps WHERE window_days = {window_days}")
    }

    /// The query that stands for the view `repeat_funnel` on the day.
    pub(super) fn funnel(&self) -> String {
        if self.is_past() {
            return format!("repeat_funnel_at(as_of = '{}')", self.day);
        }
        "repeat_funnel".to_owned()
    }

    /// The dimension that cuts customers; the whole, which is always there, when none does.
    pub(super) fn customers_cut(&self) -> &str {
        match &self.customers_by {
            CustomersBy::One(name) => name,
            CustomersBy::Nothing(_) => "all",
        }
    }

    /// Whose answers, in words.
    pub(super) fn whose(&self) -> &'static str {
        whose(&self.population)
    }

    /// The days of a window, in words.
    pub(super) fn period(&self, window_days: u16) -> String {
        format!("{window_days} days to {}", format::day(self.day))
    }

    /// For a view that only knows today: says so when the page is about another day.
    pub(super) fn only_now(&self) -> String {
        if !self.is_past() {
            return String::new();
        }
        format!(
            "As of now ({}): this view does not speak of a day that has passed. ",
            format::day(self.deployment.today.0)
        )
    }
}

/// A population in words.
pub(super) fn whose(population: &str) -> &'static str {
    match population {
        "customers" => "each customer's latest answer",
        "orders" => "each order's latest answer",
        _ => "every answer",
    }
}

/// The population that headlines a survey (METRICS 2).
const fn population_of(kind: SurveyKind) -> &'static str {
    match kind {
        SurveyKind::Relational => "customers",
        SurveyKind::Transactional | SurveyKind::Other => "responses",
    }
}

fn default_cut(definitions: &Definitions) -> CustomersBy {
    let mut of_customers = definitions.dimensions.iter().filter(|d| d.kind == DimensionKind::Customer);
    of_customers.find(|d| d.sources != [Source::CohortMonth]).map_or_else(
        || CustomersBy::Nothing("No dimension of customers is configured.".to_owned()),
        |d| CustomersBy::One(d.name.clone()),
    )
}

fn cuts(definitions: &Definitions, name: &str) -> (AnswersBy, CustomersBy) {
    let kind = definitions.dimensions.iter().find(|d| d.name == name).map(|d| d.kind);
    let (answers, customers) = (AnswersBy::One(name.to_owned()), CustomersBy::One(name.to_owned()));
    let only = |cut: &str| format!("The dimension {name} cuts {cut}, so that this is of the whole.");
    match kind {
        Some(DimensionKind::Customer) => (answers, customers),
        Some(DimensionKind::Response) => (answers, CustomersBy::Nothing(only("answers, not customers"))),
        Some(DimensionKind::Order) | None => (
            AnswersBy::Nothing(only("orders, not answers")),
            CustomersBy::Nothing(only("orders, not customers")),
        ),
    }
}

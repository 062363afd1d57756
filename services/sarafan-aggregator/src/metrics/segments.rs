//! The figures of every segment as gauges.

use prometheus::proto::{Metric, MetricFamily};
use sarafan_core::standing::{
    AnswerSeries, FUNNEL_STEPS, Figures, Overview, Period, Population, SEGMENT_FUNNEL_STEPS,
};
use sarafan_core::vocabulary::Group;

use super::figures::{
    FUNNEL_CUSTOMERS_FAMILY, INVITATIONS_ANSWERED_FAMILY, INVITATIONS_DELIVERED_FAMILY, LTV_CUSTOMERS_FAMILY,
    LTV_LIFETIME_MONTHS_FAMILY, LTV_MARGIN_FAMILY, LTV_PURCHASES_FAMILY, LTV_REVENUE_FAMILY,
    NPS_ANSWERS_FAMILY,
};

/// Labels of the steps; the last one stands for all that follow.
const STEPS: [&str; FUNNEL_STEPS] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10+"];
/// Groups in the order of the counts.
const GROUPS: [Group; 3] = [Group::Detractor, Group::Passive, Group::Promoter];
/// Money is kept in 1/10 000.
const UNITS: f64 = 10_000.0;
/// Lifetimes are kept in 1/487 month.
const MONTH: f64 = 487.0;

/// Samples under construction, by family.
#[derive(Default)]
struct Samples {
    answers: Vec<Metric>,
    delivered: Vec<Metric>,
    answered: Vec<Metric>,
    funnel: Vec<Metric>,
    customers: Vec<Metric>,
    purchases: Vec<Metric>,
    revenue: Vec<Metric>,
    margin: Vec<Metric>,
    months: Vec<Metric>,
}

/// Labels that all samples of a segment share.
#[derive(Clone, Copy)]
struct Place<'o> {
    epoch: &'o str,
    dimension: &'o str,
    segment: &'o str,
    is_all: bool,
}

/// The families of an overview.
pub(super) fn segment_families(epoch: &str, overview: &Overview) -> [MetricFamily; 9] {
    let mut samples = Samples::default();
    let surveys: Vec<&str> = overview.definitions().surveys.iter().map(|s| s.id.as_str()).collect();
    for (place, (dimension, segment, figures)) in overview.segments().enumerate() {
        let place = Place { epoch, dimension, segment, is_all: place == 0 };
        samples.add_answers(place, &surveys, figures);
        samples.add_invited(place, &surveys, figures);
        samples.add_funnel(place, figures);
        samples.add_lifetime(place, figures);
    }
    [
        NPS_ANSWERS_FAMILY.filled(samples.answers),
        INVITATIONS_DELIVERED_FAMILY.filled(samples.delivered),
        INVITATIONS_ANSWERED_FAMILY.filled(samples.answered),
        FUNNEL_CUSTOMERS_FAMILY.filled(samples.funnel),
        LTV_CUSTOMERS_FAMILY.filled(samples.customers),
        LTV_PURCHASES_FAMILY.filled(samples.purchases),
        LTV_REVENUE_FAMILY.filled(samples.revenue),
        LTV_MARGIN_FAMILY.filled(samples.margin),
        LTV_LIFETIME_MONTHS_FAMILY.filled(samples.months),
    ]
}

/// Bytes of text that a segment takes, nearly: surveys and numbers are taken to be of a usual length.
pub(crate) fn text_bytes(dimension: &str, segment: &str, figures: &Figures) -> usize {
    const SURVEY: usize = 16;
    const EPOCH: usize = 8;
    let place = EPOCH + dimension.len() + segment.len();
    let values = place + SURVEY + "customers30completedetractor".len();
    let compared = figures.answers.iter().filter(|(series, periods)| is_compared(series, periods));
    let answers = compared.count() * 2 * GROUPS.len() * NPS_ANSWERS_FAMILY.line_bytes(values);
    let invitations = 2 * INVITATIONS_DELIVERED_FAMILY.line_bytes(place + SURVEY + "30".len());
    let funnel = usize::from(figures.funnel[0] != 0) * SEGMENT_FUNNEL_STEPS;
    answers
        + figures.invited.len() * invitations
        + funnel * FUNNEL_CUSTOMERS_FAMILY.line_bytes(place + "1".len())
        + figures.lifetime.len() * 5 * LTV_LIFETIME_MONTHS_FAMILY.line_bytes(place + "EUR".len())
}

/// Whether a segment has this series: the customers of complete windows, unless nobody answered in either.
fn is_compared(series: &AnswerSeries, periods: &[[i64; 3]; 3]) -> bool {
    series.population == Population::Customers && periods[1..] != [[0; 3]; 2]
}

impl Samples {
    /// All periods of `all`; of a segment the two that are compared, whole or not at all.
    fn add_answers(&mut self, at: Place<'_>, surveys: &[&str], figures: &Figures) {
        for (series, periods) in &figures.answers {
            if !at.is_all && !is_compared(series, periods) {
                continue;
            }
            let AnswerSeries { survey, population, window_days } = series;
            let first = if at.is_all { 0 } else { 1 };
            let survey = surveys.get(usize::from(*survey)).copied().unwrap_or_default();
            let window = window_days.to_string();
            for (period, counts) in Period::ALL.into_iter().zip(periods).skip(first) {
                for (group, count) in GROUPS.into_iter().zip(counts) {
                    let values = [
                        at.epoch,
                        at.dimension,
                        at.segment,
                        survey,
                        population.name(),
                        &window,
                        period.name(),
                        group.name(),
                    ];
                    self.answers.push(NPS_ANSWERS_FAMILY.sample(values, *count as f64));
                }
            }
        }
    }

    fn add_invited(&mut self, at: Place<'_>, surveys: &[&str], figures: &Figures) {
        for ((survey, window_days), invited) in &figures.invited {
            let survey = surveys.get(usize::from(*survey)).copied().unwrap_or_default();
            let values = [at.epoch, at.dimension, at.segment, survey, &window_days.to_string()];
            self.delivered.push(INVITATIONS_DELIVERED_FAMILY.sample(values, invited.delivered as f64));
            self.answered.push(INVITATIONS_ANSWERED_FAMILY.sample(values, invited.answered as f64));
        }
    }

    /// A segment without customers has no funnel: answers are cut by more dimensions than customers.
    fn add_funnel(&mut self, at: Place<'_>, figures: &Figures) {
        if !at.is_all && figures.funnel[0] == 0 {
            return;
        }
        let steps = if at.is_all { FUNNEL_STEPS } else { SEGMENT_FUNNEL_STEPS };
        for (step, customers) in STEPS.into_iter().zip(figures.funnel).take(steps) {
            let values = [at.epoch, at.dimension, at.segment, step];
            self.funnel.push(FUNNEL_CUSTOMERS_FAMILY.sample(values, customers as f64));
        }
    }

    fn add_lifetime(&mut self, at: Place<'_>, figures: &Figures) {
        for (currency, sums) in &figures.lifetime {
            let values = [at.epoch, at.dimension, at.segment, currency];
            let months = sums.months_487 as f64 / MONTH;
            self.customers.push(LTV_CUSTOMERS_FAMILY.sample(values, sums.customers as f64));
            self.purchases.push(LTV_PURCHASES_FAMILY.sample(values, sums.purchases as f64));
            self.revenue.push(LTV_REVENUE_FAMILY.sample(values, sums.revenue as f64 / UNITS));
            self.margin.push(LTV_MARGIN_FAMILY.sample(values, sums.margin as f64 / UNITS));
            self.months.push(LTV_LIFETIME_MONTHS_FAMILY.sample(values, months));
        }
    }
}

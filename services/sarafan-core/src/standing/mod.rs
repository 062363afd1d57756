//! Where the figures stand today: running sums that follow the cells of a shard, for gauges.
//!
//! They are sums of cells and of nothing else, so there is no second definition of a figure; they follow each cell as a
//! flush brings it up to date. The core has no clock: it is handed the day.

mod figures;
mod overview;
mod timeline;

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::cuts::{ALL, Cuts};
use crate::definitions::{Definitions, Scale};
use crate::metrics::{CellKey, Values};
use crate::rollup::Rollup;
use crate::vocabulary::{Day, Group, Score, Symbol, Symbols};

pub use figures::{
    AnswerSeries, FUNNEL_STEPS, Figures, Invited, Lifetime, Period, Population, SEGMENT_FUNNEL_STEPS,
};
pub use overview::{OTHER, Outlook, Overview};
use timeline::Timeline;

/// Detractors, passives and promoters on the last days of the three periods.
type Answers = Timeline<3, 3>;
/// Delivered and answered invitations today.
type Invitations = Timeline<1, 2>;

/// The sums of one shard on a day.
#[derive(Debug)]
pub(crate) struct Standing {
    today: i32,
    outlook: Outlook,
    windows: Vec<u16>,
    horizon_days: i32,
    /// The declared surveys, none where there is no NPS.
    surveys: Vec<Option<Symbol>>,
    cuts: FxHashMap<u32, Sums>,
}

/// The sums of one cut.
#[derive(Debug, Default)]
struct Sums {
    answers: BTreeMap<AnswerSeries, Answers>,
    invited: BTreeMap<(u16, u16), Invitations>,
    funnel: [i64; FUNNEL_STEPS],
    lifetime: BTreeMap<Symbol, Lifetime>,
}

impl Standing {
    /// Nothing has been added yet.
    pub(crate) fn new(
        definitions: &Definitions,
        symbols: &mut Symbols,
        outlook: Outlook,
        today: Day,
    ) -> Self {
        let surveys = definitions.surveys.iter();
        let surveys = surveys.map(|s| (s.scale == Scale::ZeroToTen).then(|| symbols.intern(&s.id)));
        Self {
            today: today.number(),
            outlook,
            windows: definitions.metrics.windows.clone(),
            horizon_days: i32::from(definitions.metrics.response_horizon_days),
            surveys: surveys.collect(),
            cuts: FxHashMap::default(),
        }
    }

    /// Whether it can be brought to a day and an outlook without counting anew.
    pub(crate) fn can_reach(&self, outlook: Outlook, today: Day) -> bool {
        self.outlook == outlook && self.today <= today.number()
    }

    /// Takes in what a cell has changed by.
    pub(crate) fn add(&mut self, key: &CellKey, delta: &Values) {
        let cut = key.cut;
        match key.rollup {
            Rollup::NpsScores if cut == ALL => self.add_score(key, delta),
            Rollup::NpsWindows => self.add_window(key, delta),
            Rollup::NpsInvitations => self.add_invitations(key, delta),
            Rollup::GapsClosed | Rollup::GapsOpen => {
                // Whoever bought k times has a gap, closed or open, after each of the k purchases.
                let steps = if cut == ALL { FUNNEL_STEPS } else { SEGMENT_FUNNEL_STEPS };
                let step = usize::try_from(key.keys[0]).ok().filter(|step| (1..=steps).contains(step));
                if let Some(step) = step {
                    self.cuts.entry(cut).or_default().funnel[step - 1] += count(delta[0]);
                }
            }
            Rollup::Ltv => {
                let currency = Symbol::from_number(key.keys[0].cast_unsigned());
                let more = Lifetime {
                    customers: count(delta[0]),
                    purchases: count(delta[2]),
                    months_487: count(delta[3]),
                    revenue: delta[6],
                    margin: delta[7],
                };
                self.cuts.entry(cut).or_default().lifetime.entry(currency).or_default().add(&more);
            }
            _ => {}
        }
    }

    /// An answer is in the population of responses from its day on, for as long as each window is.
    fn add_score(&mut self, key: &CellKey, delta: &Values) {
        let [survey, day, score, ..] = key.keys;
        let (Some(survey), Some(score)) = (self.survey(survey), Score::new(score.into())) else { return };
        let mut groups = [0; 3];
        groups[place_of(score.group())] = count(delta[0]);
        for window_days in self.windows.clone() {
            let series = AnswerSeries { survey, population: Population::Responses, window_days };
            let timeline = self.answers(key.cut, series);
            timeline.add(day, groups);
            timeline.add(day.saturating_add(window_days.into()), groups.map(|v| -v));
        }
    }

    /// The other populations are kept as differences already.
    fn add_window(&mut self, key: &CellKey, delta: &Values) {
        let [survey, population, window_days, day] = key.keys;
        let population = if population == 0 { Population::Customers } else { Population::Orders };
        let (Some(survey), Ok(window_days)) = (self.survey(survey), u16::try_from(window_days)) else {
            return;
        };
        let followed = key.cut == ALL
            || (population == Population::Customers && window_days == self.outlook.segment_window_days);
        if followed {
            let series = AnswerSeries { survey, population, window_days };
            self.answers(key.cut, series).add(day, [delta[0], delta[1], delta[2]].map(count));
        }
    }

    /// An invitation counts once it could have been answered, until it leaves the window.
    fn add_invitations(&mut self, key: &CellKey, delta: &Values) {
        let [survey, day, ..] = key.keys;
        let Some(survey) = self.survey(survey) else { return };
        let (horizon, marks) = (self.horizon_days, [self.today]);
        let values = [count(delta[1]), count(delta[2])];
        let only = [self.outlook.segment_window_days];
        let windows = if key.cut == ALL { self.windows.as_slice() } else { &only };
        let sums = self.cuts.entry(key.cut).or_default();
        for &window_days in windows.iter().filter(|days| i32::from(**days) > horizon) {
            let series = sums.invited.entry((survey, window_days)).or_insert_with(|| Timeline::new(marks));
            series.add(day.saturating_add(horizon), values);
            series.add(day.saturating_add(window_days.into()), values.map(|v| -v));
        }
    }

    /// Goes on to a day that is not before the one it stands on, and drops what holds nothing any more.
    pub(crate) fn move_to(&mut self, today: Day) {
        if today.number() == self.today {
            return;
        }
        self.today = today.number();
        for sums in self.cuts.values_mut() {
            for (series, timeline) in &mut sums.answers {
                timeline.move_to(marks(self.today, series.window_days));
            }
            for timeline in sums.invited.values_mut() {
                timeline.move_to([self.today]);
            }
            sums.answers.retain(|_, timeline| !timeline.is_empty());
            sums.invited.retain(|_, timeline| !timeline.is_empty());
            sums.lifetime.retain(|_, lifetime| *lifetime != Lifetime::default());
        }
        self.cuts.retain(|_, sums| !sums.is_empty());
    }

    /// Adds the sums to those of other partitions.
    pub(crate) fn add_to(&self, overview: &mut Overview, cuts: &Cuts, symbols: &Symbols) {
        for (cut, sums) in &self.cuts {
            let (dimension, segment) = cuts.pair(*cut);
            if let Some(figures) = overview.figures(dimension, symbols.text(segment)) {
                sums.add_to(figures, symbols);
            }
        }
    }

    fn survey(&self, symbol: i32) -> Option<u16> {
        let symbol = Some(Symbol::from_number(symbol.cast_unsigned()));
        self.surveys.iter().position(|survey| *survey == symbol).map(|place| place as u16)
    }

    fn answers(&mut self, cut: u32, series: AnswerSeries) -> &mut Answers {
        let marks = marks(self.today, series.window_days);
        let sums = self.cuts.entry(cut).or_default();
        sums.answers.entry(series).or_insert_with(|| Timeline::new(marks))
    }
}

impl Sums {
    fn is_empty(&self) -> bool {
        self.answers.is_empty()
            && self.invited.is_empty()
            && self.lifetime.is_empty()
            && self.funnel == [0; FUNNEL_STEPS]
    }

    fn add_to(&self, figures: &mut Figures, symbols: &Symbols) {
        for (series, timeline) in &self.answers {
            if *timeline.sums() != [[0; 3]; 3] {
                figures.add_answers(*series, timeline.sums());
            }
        }
        for (series, timeline) in &self.invited {
            let [[delivered, answered]] = *timeline.sums();
            if (delivered, answered) != (0, 0) {
                figures.add_invited(*series, Invited { delivered, answered });
            }
        }
        for (sum, more) in figures.funnel.iter_mut().zip(self.funnel) {
            *sum += more;
        }
        for (currency, lifetime) in &self.lifetime {
            if *lifetime != Lifetime::default() {
                figures.add_lifetime(symbols.text(*currency), lifetime);
            }
        }
    }
}

/// The last days of the three periods.
fn marks(today: i32, window_days: u16) -> [i32; 3] {
    Period::ALL.map(|period| period.last_day(today, window_days))
}

const fn place_of(group: Group) -> usize {
    match group {
        Group::Detractor => 0,
        Group::Passive => 1,
        Group::Promoter => 2,
    }
}

/// Counts of cells are far below 2^63.
fn count(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

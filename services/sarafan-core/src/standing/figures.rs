//! The figures of one segment as counts, as they are exported: never a ratio, so that sums over processes are right.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The most steps of the funnel that are told apart; the last one stands for "at least so many".
pub const FUNNEL_STEPS: usize = 10;
/// Steps of the funnel that are told apart in a segment.
pub const SEGMENT_FUNNEL_STEPS: usize = 3;

/// Whose answers are counted (METRICS 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Population {
    /// Every scored answer.
    Responses,
    /// Each customer's latest scored answer in the window.
    Customers,
    /// The latest scored answer about each order.
    Orders,
}

impl Population {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Responses, Self::Customers, Self::Orders];

    /// The name in views, metrics and panels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Responses => "responses",
            Self::Customers => "customers",
            Self::Orders => "orders",
        }
    }
}

/// Which of the windows of W days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// Ends today, as far as it has gone.
    Rolling,
    /// Ends yesterday: complete days only.
    Complete,
    /// The W days before [`Period::Complete`].
    Previous,
}

impl Period {
    /// All three, in the order of [`Figures::answers`].
    pub const ALL: [Self; 3] = [Self::Rolling, Self::Complete, Self::Previous];

    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rolling => "rolling",
            Self::Complete => "complete",
            Self::Previous => "previous",
        }
    }

    /// The last day of the window.
    pub(super) fn last_day(self, today: i32, window_days: u16) -> i32 {
        match self {
            Self::Rolling => today,
            Self::Complete => today.saturating_sub(1),
            Self::Previous => today.saturating_sub(1).saturating_sub(i32::from(window_days)),
        }
    }
}

/// Which answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnswerSeries {
    /// Place of the survey among the declared ones.
    pub survey: u16,
    /// Whose.
    pub population: Population,
    /// Length of the window.
    pub window_days: u16,
}

/// Invitations of a window that are old enough to have been answered (METRICS 2, response rate).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Invited {
    /// Delivered ones.
    pub delivered: i64,
    /// Of these, those with a scored answer.
    pub answered: i64,
}

/// The sums behind lifetime value, in one currency (METRICS 4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// Customers with a counted order.
    pub customers: i64,
    /// Their purchases.
    pub purchases: i64,
    /// Their lifetimes, in 1/487 month.
    pub months_487: i64,
    /// Their revenue, in 1/10 000 of the currency.
    pub revenue: i128,
    /// Their margin, in 1/10 000 of the currency.
    pub margin: i128,
}

impl Lifetime {
    pub(super) fn add(&mut self, other: &Self) {
        self.customers += other.customers;
        self.purchases += other.purchases;
        self.months_487 += other.months_487;
        self.revenue += other.revenue;
        self.margin += other.margin;
    }
}

/// The figures of one segment. What is zero need not be in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Detractors, passives and promoters, per period in the order of [`Period::ALL`].
    pub answers: BTreeMap<AnswerSeries, [[i64; 3]; 3]>,
    /// Invitations by survey and window (the window that ends today).
    pub invited: BTreeMap<(u16, u16), Invited>,
    /// Customers with at least 1, 2, 3, ... purchases.
    pub funnel: [i64; FUNNEL_STEPS],
    /// Lifetime value by currency.
    pub lifetime: BTreeMap<Arc<str>, Lifetime>,
}

impl Figures {
    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds those of the same segment elsewhere, or of another one.
    pub(super) fn add(&mut self, other: &Self) {
        for (series, periods) in &other.answers {
            self.add_answers(*series, periods);
        }
        for (series, invited) in &other.invited {
            self.add_invited(*series, *invited);
        }
        for (sum, more) in self.funnel.iter_mut().zip(other.funnel) {
            *sum += more;
        }
        for (currency, lifetime) in &other.lifetime {
            self.add_lifetime(currency, lifetime);
        }
    }

    pub(super) fn add_answers(&mut self, series: AnswerSeries, periods: &[[i64; 3]; 3]) {
        let held = self.answers.entry(series).or_default();
        for (sum, more) in held.as_flattened_mut().iter_mut().zip(periods.as_flattened()) {
            *sum += more;
        }
    }

    pub(super) fn add_invited(&mut self, series: (u16, u16), invited: Invited) {
        let held = self.invited.entry(series).or_default();
        held.delivered += invited.delivered;
        held.answered += invited.answered;
    }

    pub(super) fn add_lifetime(&mut self, currency: &Arc<str>, lifetime: &Lifetime) {
        self.lifetime.entry(Arc::clone(currency)).or_default().add(lifetime);
    }

    /// How large the segment is: customers who bought, then answers of the complete windows.
    pub(super) fn size(&self) -> (i64, i64) {
        let complete = self.answers.values().map(|periods| periods[1].iter().sum::<i64>());
        (self.funnel[0], complete.sum())
    }
}

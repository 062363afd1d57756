//! Campaigns: when each runs, and whom it wins.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use crate::calendar::day_of;
use crate::chance::Chance;
use crate::truths;

/// A campaign.
#[derive(Debug, Clone, Copy)]
pub(super) struct Campaign {
    pub(super) name: &'static str,
    /// First and last day, before the end of the history; below zero is after it.
    days: (i64, i64),
    /// Part of the newcomers of its days whom it wins.
    wins: f64,
    /// Clicks a day in a region.
    pub(super) clicks: i64,
    /// Cents a click.
    pub(super) click_price: i64,
}

const CAMPAIGNS: [Campaign; 5] = [
    Campaign { name: "autumn_letter", days: (760, 690), wins: 0.30, clicks: 40, click_price: 22 },
    Campaign { name: truths::BAD_CAMPAIGN, days: (430, 360), wins: 0.55, clicks: 160, click_price: 41 },
    Campaign { name: "spring_fair", days: (330, 240), wins: 0.30, clicks: 50, click_price: 25 },
    Campaign { name: "garden_week", days: (190, 150), wins: 0.30, clicks: 45, click_price: 19 },
    Campaign { name: "newsletter", days: (60, -3_650), wins: 0.25, clicks: 30, click_price: 12 },
];

/// The campaigns of a world.
#[derive(Debug, Clone, Copy)]
pub(super) struct Campaigns {
    until: Date,
}

impl Campaigns {
    /// Those of a history that ends with this day.
    pub(super) const fn until(until: Date) -> Self {
        Self { until }
    }

    /// Those that run on a day.
    pub(super) fn on(self, day: Date) -> impl Iterator<Item = &'static Campaign> {
        let before = move |days: i64| self.until.saturating_sub(days.days());
        CAMPAIGNS.iter().filter(move |campaign| {
            let (first, last) = campaign.days;
            (before(first)..=before(last)).contains(&day)
        })
    }

    /// The campaign that wins somebody who comes now, if one does.
    pub(super) fn winning(self, at: Timestamp, chance: &mut Chance) -> Option<&'static str> {
        let mut running = self.on(day_of(at));
        running.find(|campaign| chance.happens(campaign.wins)).map(|campaign| campaign.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_campaign_runs_on_its_days_alone() {
        let until = date(2026, 11, 21);
        let names = |before: i64| -> Vec<_> {
            let day = until.saturating_sub(before.days());
            Campaigns::until(until).on(day).map(|campaign| campaign.name).collect()
        };
        assert_eq!(names(430), [truths::BAD_CAMPAIGN]);
        assert_eq!(names(359), Vec::<&str>::new());
        assert_eq!(names(-10), ["newsletter"]);
    }
}

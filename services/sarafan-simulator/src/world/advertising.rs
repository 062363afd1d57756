//! What advertising costs, day by day.

use jiff::{SignedDuration, ToSpan as _};

use super::{Now, Task, World};
use crate::calendar::{day_of, midnight};
use crate::money::Cents;
use crate::places::REGIONS;
use crate::records::{Clicks, Iso, SpendRecord, Topic};

impl World {
    /// The bill of the day before, by campaign and region.
    pub(super) fn bill(&mut self, now: Now) {
        let today = day_of(now.due);
        let running = self.campaigns.on(today.saturating_sub(1.day()));
        // After the history the world's calendar runs ahead of the clock: a bill sent again corrects the one before.
        let day = day_of(now.at).saturating_sub(1.day());
        let number = i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day());
        for campaign in running {
            for region in REGIONS {
                let clicks = self.chance.between(campaign.clicks / 2, campaign.clicks * 3 / 2);
                let costs = vec![
                    Clicks { clicks, price: Cents(campaign.click_price) },
                    Clicks { clicks: clicks / 10, price: Cents(campaign.click_price * 3) },
                ];
                let record = SpendRecord {
                    campaign: campaign.name,
                    day: number,
                    region,
                    reported: Iso(now.at),
                    currency: "EUR",
                    costs,
                };
                self.write(now, Topic::Spend, &format!("{}/{number}/{region}", campaign.name), &record);
            }
        }
        let tomorrow = midnight(today.saturating_add(1.day()));
        self.queue.push(tomorrow + SignedDuration::from_hours(5), Task::Bill);
    }
}

//! A world from outside: its history, and how it goes on.

use jiff::{SignedDuration, Timestamp};

use crate::records::Record;
use crate::settings::{Settings, SettingsError};
use crate::world::World;

/// A simulated world.
#[derive(Debug)]
pub struct Simulation {
    world: World,
    clock: Timestamp,
}

impl Simulation {
    /// A world on its first day.
    ///
    /// # Errors
    ///
    /// When the settings make none.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(Self { world: World::new(settings), clock: Timestamp::MIN })
    }

    /// The records that arrive until the last day ends, in the order in which they arrive. What was written by then and
    /// arrives later is part of the live continuation.
    pub fn history(&mut self) -> History<'_> {
        History { world: &mut self.world }
    }

    /// The next record after the history, with everything that happens in it dated `now`. The world goes on as it would
    /// have: who buys again, and what goes wrong, is decided by its own calendar, which runs as fast as it is asked.
    /// What is left of the history is passed over. None when nothing will ever happen again, which no world comes to.
    pub fn live(&mut self, now: Timestamp) -> Option<Record> {
        self.history().for_each(drop);
        let clock = &mut self.clock;
        let record = self.world.next_live(|| {
            // No two versions of an entity are of one moment.
            *clock = now.max(clock.saturating_add(SignedDuration::from_millis(1)).unwrap_or(now));
            *clock
        })?;
        Some(Record { arrives: now, ..record })
    }
}

/// The history of a world, record by record.
#[derive(Debug)]
pub struct History<'a> {
    world: &'a mut World,
}

impl Iterator for History<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        self.world.next_of_history()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Topic;
    use jiff::civil::date;
    use std::collections::{BTreeMap, BTreeSet};

    fn settings(customers: u32) -> Settings {
        Settings { customers, ..Settings::until(date(2026, 9, 30)) }
    }

    fn history(settings: &Settings) -> Vec<Record> {
        Simulation::new(settings).unwrap().history().collect()
    }

    #[test]
    fn settings_decide_the_history_byte_for_byte() {
        let one = history(&settings(40));
        assert_eq!(one, history(&settings(40)));
        assert_ne!(one, history(&Settings { seed: 2, ..settings(40) }));
    }

    #[test]
    fn records_come_in_the_order_in_which_they_arrive_and_end_with_the_last_day() {
        let records = history(&settings(60));
        assert!(records.is_sorted_by_key(|record| record.arrives));
        let days = |record: &Record| record.arrives.to_string()[..10].to_owned();
        assert_eq!(days(records.first().unwrap()), "2024-08-02");
        assert_eq!(days(records.last().unwrap()), "2026-09-30");
    }

    #[test]
    fn every_source_writes_and_only_a_few_records_are_broken() {
        let records = history(&settings(800));
        let mut written: BTreeMap<Topic, u32> = BTreeMap::new();
        for record in &records {
            *written.entry(record.topic).or_default() += 1;
        }
        assert_eq!(written.len(), Topic::ALL.len(), "{written:?}");
        let is_broken = |record: &&Record| {
            serde_json::from_str::<serde_json::Value>(&record.value).is_err()
                || record.value.contains("\"nps\":11")
        };
        let broken = records.iter().filter(is_broken).count();
        assert!((1..records.len() / 300).contains(&broken), "{broken} of {}", records.len());
        let distinct: BTreeSet<&str> = records.iter().map(|record| record.value.as_str()).collect();
        let doubled = records.len() - distinct.len();
        assert!(doubled > records.len() / 500, "{doubled} of {}", records.len());
    }

    #[test]
    fn a_world_goes_on_where_its_history_ended_and_dates_what_happens_by_the_clock() {
        let mut simulation = Simulation::new(&settings(50)).unwrap();
        let known: BTreeSet<String> = simulation.history().map(|record| record.key).collect();
        let now = midnight_of(date(2030, 1, 1));
        let live: Vec<Record> = (0..2_000).filter_map(|_| simulation.live(now)).collect();
        assert_eq!(live.len(), 2_000);
        assert!(live.iter().any(|record| known.contains(&record.key)), "nobody of the history came back");
        let placed = live.iter().rev().find(|record| record.value.contains("\"created_at\":\"2030-01-01"));
        assert!(placed.is_some(), "no order is dated by the clock");
    }

    #[test]
    fn nothing_that_goes_on_is_of_a_day_that_the_clock_has_not_reached() {
        let mut simulation = Simulation::new(&settings(50)).unwrap();
        let now = midnight_of(date(2026, 10, 1));
        let live: Vec<Record> = (0..20_000).filter_map(|_| simulation.live(now)).collect();
        let bills = live.iter().filter(|record| record.topic == Topic::Spend);
        let days: BTreeSet<String> =
            bills.map(|bill| bill.key.split('/').nth(1).unwrap().to_owned()).collect();
        assert_eq!(days.last().map(String::as_str), Some("20260930"), "the bills of the day before");
    }

    fn midnight_of(day: jiff::civil::Date) -> Timestamp {
        crate::calendar::midnight(day)
    }
}

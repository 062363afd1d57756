//! Gauges: on any day, after any history, they are what a count of the facts gives, however they got there.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sarafan_core::definitions::Definitions;
use sarafan_core::shard::{Scope, Shard};
use sarafan_core::standing::{OTHER, Outlook, Overview, Period};
use sarafan_core::vocabulary::Day;

use crate::definitions::{PLAIN, any_meaning};
use crate::histories::{delivered, history};
use crate::law::cases;
use crate::naive::standing::{Gauges, gauges};
use crate::naive::{Facts, World};
use crate::oracles::order;
use crate::shards::{inserts, log, run, shard, tenancy};

/// Days near the histories: they begin on this one and go on for two years.
const START: i32 = 19_719;

/// The longest window, so that few histories are empty.
fn outlook(definitions: &Definitions) -> Outlook {
    Outlook { segment_window_days: definitions.metrics.windows[1] }
}

fn overview(definitions: &Arc<Definitions>, day: i32) -> Overview {
    Overview::new(definitions, outlook(definitions), Day::from_number(day))
}

/// The gauges of shards on a day.
fn shown<'s>(
    definitions: &Arc<Definitions>,
    shards: impl IntoIterator<Item = &'s mut Shard>,
    day: i32,
) -> Gauges {
    let mut overview = overview(definitions, day);
    shards.into_iter().for_each(|shard| shard.add_figures(&mut overview));
    flat(&overview)
}

/// Every figure under a name of its own; zeros are left out.
fn flat(overview: &Overview) -> Gauges {
    let survey = |place: u16| overview.definitions().surveys[usize::from(place)].id.as_str();
    let mut found = Gauges::new();
    for (dimension, segment, figures) in overview.segments() {
        let mut put = |what: String, value: i128| {
            found.insert((dimension.to_owned(), segment.to_owned(), what), value);
        };
        for (series, periods) in &figures.answers {
            for (period, groups) in Period::ALL.into_iter().zip(periods) {
                for (group, value) in ["detractors", "passives", "promoters"].into_iter().zip(groups) {
                    let (survey, population) = (survey(series.survey), series.population.name());
                    let (days, period) = (series.window_days, period.name());
                    put(format!("{survey} {population} {days} {period} {group}"), (*value).into());
                }
            }
        }
        for ((place, days), invited) in &figures.invited {
            put(format!("{} {days} delivered", survey(*place)), invited.delivered.into());
            put(format!("{} {days} answered", survey(*place)), invited.answered.into());
        }
        for (step, customers) in (1..).zip(figures.funnel) {
            put(format!("step {step}"), customers.into());
        }
        for (currency, sums) in &figures.lifetime {
            put(format!("ltv {currency} customers"), sums.customers.into());
            put(format!("ltv {currency} purchases"), sums.purchases.into());
            put(format!("ltv {currency} months"), sums.months_487.into());
            put(format!("ltv {currency} revenue"), sums.revenue);
            put(format!("ltv {currency} margin"), sums.margin);
        }
    }
    found.retain(|_, value| *value != 0);
    found
}

/// A day in or after a history; mostly one on which windows begin or end.
fn day() -> impl Strategy<Value = i32> {
    let around = select(vec![0, 7, 14, 30, 37, 60, 90, 365, 370, 735, 800]);
    (around, -3..8_i32).prop_map(|(base, off)| START + base + off)
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn on_any_day_they_are_what_a_count_of_the_facts_gives(
        history in history(40),
        sizes in vec(1..12_usize, 1..4),
        partitions in 1..4_u32,
        days in vec(day(), 1..6),
        meaning in any_meaning(),
    ) {
        let (definitions, events) = (meaning.definitions(), delivered(&history));
        let world = World::of(&definitions, &events);
        let facts = Facts::settle(&world);
        let mut shards: Vec<Shard> = Vec::new();
        let mut days = days.iter().cycle();
        for (partition, lane) in (0_u16..).zip(log(events.clone(), partitions)) {
            let mut shard = shard(&definitions, partition, partitions);
            for batch in lane.chunks(sizes[usize::from(partition) % sizes.len()]) {
                for (offset, event) in batch {
                    shard.apply(event, *offset).unwrap();
                }
                shard.flush(&tenancy(1, 9), Scope::Changes);
                // Whoever looks in between, on whichever day, changes nothing: not even a clock that goes back.
                shard.add_figures(&mut overview(&definitions, *days.next().unwrap()));
            }
            shards.push(shard);
        }
        for _ in 0..3 {
            let today = *days.next().unwrap();
            let expected = gauges(&facts, today, definitions.metrics.windows[1]);
            prop_assert_eq!(shown(&definitions, &mut shards, today), expected, "on {}", today);
        }
    }

    #[test]
    fn a_restored_shard_shows_what_one_that_went_on_shows(
        history in history(40),
        today in day(),
        meaning in any_meaning(),
    ) {
        let (definitions, events) = (meaning.definitions(), delivered(&history));
        let log = log(events, 1);
        let (store, _) = run(&definitions, &log, &[6]);
        let mut went_on = shard(&definitions, 0, 1);
        went_on.add_figures(&mut overview(&definitions, today));
        for (offset, event) in &log[0] {
            went_on.apply(event, *offset).unwrap();
        }
        went_on.flush(&tenancy(1, 9), Scope::Changes);
        let mut restored = shard(&definitions, 0, 1);
        for subject in sarafan_core::rows::folded() {
            for block in store.entities(subject, 0, 1) {
                restored.restore(subject, &block).unwrap();
            }
        }
        restored.resume(went_on.position(), 0);
        prop_assert_eq!(
            shown(&definitions, [&mut restored], today),
            shown(&definitions, [&mut went_on], today)
        );
    }

    #[test]
    fn folding_keeps_the_largest_segments_and_the_sum_of_each_dimension(
        history in history(40),
        today in day(),
        limit in 0..3_usize,
        meaning in any_meaning(),
    ) {
        let definitions = meaning.definitions();
        let mut shard = shard(&definitions, 0, 1);
        for (offset, event) in (0..).zip(&delivered(&history)) {
            shard.apply(event, offset).unwrap();
        }
        inserts(shard.flush(&tenancy(1, 9), Scope::Changes));
        let mut overview = overview(&definitions, today);
        shard.add_figures(&mut overview);
        let whole = flat(&overview);
        overview.fold(limit, usize::MAX, |_, _, _| 1);
        let folded = flat(&overview);
        prop_assert_eq!(sums(&folded), sums(&whole));
        for (dimension, hidden) in overview.hidden() {
            let before = names(&whole, dimension);
            let after = names(&folded, dimension);
            prop_assert_eq!(hidden, before.len().saturating_sub(limit));
            prop_assert_eq!(after.contains(&OTHER), hidden > 0);
            let bought = |segment: &str| {
                let key = (dimension.to_owned(), segment.to_owned(), "step 1".to_owned());
                whole.get(&key).copied().unwrap_or(0)
            };
            let least_shown = after.iter().filter(|s| **s != OTHER).map(|s| bought(s)).min();
            let most_hidden = before.iter().filter(|s| !after.contains(s)).map(|s| bought(s)).max();
            prop_assert!(least_shown.unwrap_or(i128::MAX) >= most_hidden.unwrap_or(0));
        }
    }
}

#[test]
fn what_stays_weighs_no_more_than_it_may() {
    let mut shard = shard(&PLAIN, 0, 1);
    for n in 0..90 {
        let mut event = order(&format!("c{n}"), &n.to_string(), 0, "10");
        // Stores 0..12 of different sizes; cohort and the rest are one segment each.
        let store = crate::oracles::text(&format!("store {:02}", (n * n) % 13));
        event.fields.push(("store".to_owned(), store));
        event.fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        shard.apply(&event, n).unwrap();
    }
    shard.flush(&tenancy(1, 9), Scope::Changes);
    for most in 0..20 {
        let mut overview = overview(&PLAIN, 20_500);
        shard.add_figures(&mut overview);
        let one = |_: &str, _: &str, _: &sarafan_core::standing::Figures| 1;
        let whole = overview.segments().count() - 1;
        overview.fold(50, most, one);
        let stay = overview.segments().filter(|(_, segment, _)| !["all", OTHER].contains(segment)).count();
        let hidden: usize = overview.hidden().map(|(_, hidden)| hidden).sum();
        assert!(
            stay <= most && stay + hidden == whole,
            "{most}: {stay} stay, {hidden} of {whole} are hidden"
        );
        assert!(stay > 0 || most < 5, "{most}");
    }
}

#[test]
fn what_was_applied_and_not_flushed_is_not_shown() {
    let mut shard = shard(&PLAIN, 0, 1);
    shard.apply(&order("c", "1", 0, "10"), 0).unwrap();
    assert_eq!(shown(&PLAIN, [&mut shard], 20_500), Gauges::new());
    shard.flush(&tenancy(1, 9), Scope::Changes);
    let shown = shown(&PLAIN, [&mut shard], 20_500);
    assert_eq!(shown[&("all".to_owned(), "all".to_owned(), "step 1".to_owned())], 1);
}

#[test]
fn memory_is_estimated_from_what_is_held() {
    let mut shard = shard(&PLAIN, 0, 1);
    let mut fill = |from: u64, to: u64| {
        for n in from..to {
            shard.apply(&order(&format!("c{n}"), &n.to_string(), 0, "10"), n).unwrap();
        }
        shard.state_bytes()
    };
    let (some, many) = (fill(0, 200), fill(200, 2_000));
    // An order alone has five values of eight bytes, three stamps and an id.
    assert!(some > 200 * 100 && some < 200 * 5_000, "{some}");
    assert!(many > 5 * some && many < 20 * some, "{some}, then {many}");
}

fn sums(gauges: &Gauges) -> BTreeMap<(&str, &str), i128> {
    let mut found = BTreeMap::new();
    for ((dimension, _, what), value) in gauges {
        *found.entry((dimension.as_str(), what.as_str())).or_default() += value;
    }
    found.retain(|_, value| *value != 0);
    found
}

fn names<'g>(gauges: &'g Gauges, dimension: &str) -> Vec<&'g str> {
    let mut found: Vec<&str> =
        gauges.keys().filter(|(d, ..)| d == dimension).map(|(_, segment, _)| segment.as_str()).collect();
    found.dedup();
    found
}

//! The simulation can fail: each of these bugs breaks one rule at its line, and some scenario or some seed finds it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::scenarios::{self, Played};
use crate::seeds;

/// Bugs, and within how many seeds each must be found where no scenario finds it.
const BUGS: &[(&str, u64)] = &[
    ("planted::commit_before_write", 50),
    ("planted::past_a_failed_write", 200),
    ("planted::resume_from_commit", 0),
    ("planted::no_wait_for_f", 500),
    ("planted::cells_without_terms", 200),
    ("planted::zero_cells_left_out", 50),
    ("planted::first_flush_writes_changes", 50),
    ("planted::no_ops_stay_clean", 4_000),
    ("planted::dirty_until_ledger", 4_000),
    ("planted::dirty_short_by_one", 4_000),
    ("planted::only_rows_that_differ", 2_000),
    ("planted::version_of_changing_record", 50),
    ("planted::position_off_by_one", 50),
    ("planted::ledger_versioned_by_offset", 500),
    ("planted::ledger_first", 500),
    ("planted::marker_first", 500),
    ("planted::given_up_batch_counts", 4_000),
    ("planted::owner_id_left_out", 4_000),
    ("planted::term_number_again", 500),
    ("planted::never_overtaken", 2_000),
    ("planted::never_set_back", 0),
    ("planted::live_whoever_has_seen_more", 0),
    ("planted::no_second_look", 0),
    ("planted::refused_and_taken", 0),
    ("planted::adopted_as_it_was", 0),
    ("planted::copy_stays_clean", 0),
    ("planted::own_cells_collected", 500),
    ("planted::signed_key_hash", 50),
];

/// Bugs of ingest, of the relay beneath it, and of the clients and brokers that it relies on.
const INGEST_BUGS: [(&str, u64); 12] = [
    ("planted::commit_unacknowledged", 100),
    ("planted::frontier_skips_a_gap", 200),
    ("planted::dead_letter_not_awaited", 500),
    ("planted::waiting_not_expected", 500),
    ("planted::full_queue_drops", 100),
    ("planted::lost_delivery_goes_on", 100),
    ("planted::poison_drops_neighbours", 500),
    ("planted::poison_is_skipped", 100),
    ("planted::half_a_record", 100),
    ("planted::moves_keep_their_key", 100),
    ("planted::signed_partitioner", 100),
    ("planted::retry_renumbers", 500),
];

/// What a scenario finds wrong.
fn wrong_in_scenario(scenario: fn() -> Played) -> Option<String> {
    catch_unwind(scenario).unwrap_or_else(|_| Err("a panic".to_owned())).err()
}

/// The scenarios that find something wrong; only the first, unless `BUG` asks for one.
fn scenarios_that_find(asked: bool) -> Vec<String> {
    let found = scenarios::ALL.iter().filter_map(|(name, scenario)| {
        let short: String = wrong_in_scenario(*scenario)?.replace('\n', " | ").chars().take(200).collect();
        Some(format!("{name}: {short}"))
    });
    found.take(if asked { usize::MAX } else { 1 }).collect()
}

/// What a seed finds wrong; a panic of the code is found too.
fn wrong(seed: u64) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| seeds::run(seed, false))) {
        Ok(outcome) => outcome.err(),
        Err(_) => Some(format!("seed {seed}: a panic")),
    }
}

/// The first seed that finds something wrong, and what.
fn first_found(within: u64) -> Option<(u64, String)> {
    let lowest = AtomicU64::new(within);
    let search = |from: u64| {
        (from..within).step_by(2).take_while(|seed| *seed < lowest.load(Relaxed)).find_map(|seed| {
            let found = (seed, wrong(seed)?);
            lowest.fetch_min(seed, Relaxed);
            Some(found)
        })
    };
    std::thread::scope(|scope| {
        let search = &search;
        let searches = [0, 1].map(|from| scope.spawn(move || search(from)));
        searches.into_iter().filter_map(|search| search.join().unwrap()).min()
    })
}

/// One after the other: a bug is planted for the whole process. `BUG` asks for one of them, and for every scenario that
/// finds it.
#[test]
fn every_planted_bug_is_found() {
    let asked = std::env::var("BUG").ok();
    let chosen = BUGS
        .iter()
        .chain(&INGEST_BUGS)
        .filter(|(bug, _)| asked.as_ref().is_none_or(|asked| bug.contains(asked)));
    let mut missed = Vec::new();
    for (bug, within) in chosen {
        fail::cfg(*bug, "return").unwrap();
        let scenarios = scenarios_that_find(asked.is_some());
        let seed = if scenarios.is_empty() || asked.is_some() { first_found(*within) } else { None };
        fail::remove(bug);
        for found in &scenarios {
            println!("{bug}: {found}");
        }
        if let Some((seed, wrong)) = &seed {
            let short: String = wrong.replace('\n', " | ").chars().take(200).collect();
            println!("{bug}: found by seed {seed}: {short}");
        }
        if scenarios.is_empty() && seed.is_none() {
            println!("{bug}: found by no scenario and by none of {within} seeds");
            missed.push(*bug);
        }
    }
    assert!(missed.is_empty(), "nothing finds {missed:?}");
    let found = scenarios_that_find(true);
    assert!(found.is_empty(), "without a bug no scenario finds anything: {found:?}");
    assert_eq!(first_found(20), None, "and no seed does");
}

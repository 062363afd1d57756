//! The law of DESIGN 2: what the tables hold is a function of the set of records received.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use sarafan_core::Event;
use sarafan_core::definitions::{Definitions, DimensionKind};
use sarafan_core::rollup::Rollup;
use sarafan_core::shard::Scope;

use crate::definitions::{PLAIN, any_meaning};
use crate::histories::{delivered, history};
use crate::naive::{self, Cells};
use crate::plain::{Plain, rows};
use crate::shards::{inserts, log, run, shard, tenancy};
use crate::tables::{self, cell};

/// How many histories each property sees; `PROPTEST_CASES` asks for another number, as a soak does.
pub(crate) fn cases(count: u32) -> ProptestConfig {
    let usual =
        ProptestConfig { failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() };
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig { cases: if asked { usual.cases } else { count }, ..usual }
}

/// Runs the records through shards and compares every table with the naive recount.
pub(crate) fn check(definitions: &Arc<Definitions>, events: Vec<Event>, partitions: u32, sizes: &[u8]) {
    let expected = naive::recount(definitions, &events);
    let (store, terms) = run(definitions, &log(events, partitions), sizes);
    let differences = store.differences(&expected, &terms);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn any_order_any_duplication_and_any_batch_cut_give_the_tables_of_the_naive_recount(
        history in history(40),
        sizes in vec(1..12_u8, 1..4),
        partitions in 1..4_u32,
        meaning in any_meaning(),
    ) {
        check(&meaning.definitions(), delivered(&history), partitions, &sizes);
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_flush_writes_exactly_the_cells_that_changed_and_emptied_ones_as_zeros(
        history in history(25),
        sizes in vec(1..5_u8, 1..4),
        meaning in any_meaning(),
    ) {
        let (definitions, events) = (meaning.definitions(), delivered(&history));
        let mut shard = shard(&definitions, 0, 1);
        let (mut before, mut applied, mut sizes) = (Cells::new(), 0, sizes.iter().cycle());
        while applied < events.len() {
            let size = usize::from(*sizes.next().unwrap()).min(events.len() - applied);
            for (offset, event) in (0_u64..).zip(&events).skip(applied).take(size) {
                shard.apply(event, offset).unwrap();
            }
            applied += size;
            let written = written_cells(shard.flush(&tenancy(1, 9), Scope::Changes));
            let now = naive::recount(&definitions, &events[..applied]).cells;
            let must = changes(&before, &now);
            let differences = tables::cell_differences(&written, &must);
            prop_assert!(differences.is_empty(), "after {applied}:\n{}", differences.join("\n"));
            before = now;
        }
        let idle = shard.flush(&tenancy(1, 9), Scope::Changes);
        prop_assert!(inserts(idle).is_empty(), "nothing changed, and something was written");
    }

    #[test]
    fn the_first_flush_of_a_term_writes_every_cell(history in history(25), meaning in any_meaning()) {
        let (definitions, events) = (meaning.definitions(), delivered(&history));
        let mut shard = shard(&definitions, 0, 1);
        for (offset, event) in (0..).zip(&events) {
            shard.apply(event, offset).unwrap();
        }
        shard.flush(&tenancy(1, 9), Scope::EveryCell);
        let mut written = written_cells(shard.flush(&tenancy(2, 8), Scope::EveryCell));
        written.retain(|_, values| values.iter().any(|v| *v != 0));
        let expected = naive::recount(&definitions, &events).cells;
        let differences = tables::cell_differences(&written, &expected);
        prop_assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    #[test]
    fn segments_of_every_dimension_partition_all_in_every_cell_of_nps(
        history in history(40),
        meaning in any_meaning(),
    ) {
        let definitions = meaning.definitions();
        let (store, terms) = run(&definitions, &log(delivered(&history), 1), &[7]);
        let cells = store.cells(&terms);
        let cut_by = [DimensionKind::Customer, DimensionKind::Response];
        for dimension in definitions.dimensions.iter().filter(|d| cut_by.contains(&d.kind)) {
            for rollup in [Rollup::NpsScores, Rollup::NpsWindows, Rollup::NpsInvitations] {
                prop_assert_eq!(
                    summed(&cells, rollup, &dimension.name),
                    summed(&cells, rollup, "all"),
                    "{} of {}", &dimension.name, rollup.spec().name
                );
            }
        }
    }

    #[test]
    fn gross_less_refunded_is_revenue_in_every_cell_of_money(
        history in history(40),
        meaning in any_meaning(),
    ) {
        let definitions = meaning.definitions();
        let (store, terms) = run(&definitions, &log(delivered(&history), 1), &[7]);
        for ((rollup, dimension, segment, keys), values) in store.cells(&terms) {
            if matches!(rollup, Rollup::SalesDaily | Rollup::Ltv) {
                let value = |name: &str| values[place(rollup, name)];
                prop_assert_eq!(
                    value("gross") - value("refunded"),
                    value("revenue"),
                    "{} {} {} {:?}", rollup.spec().name, dimension, segment, keys
                );
            }
        }
    }

    #[test]
    fn the_factors_of_lifetime_value_multiply_to_margin_per_customer_exactly(
        history in history(40),
        meaning in any_meaning(),
    ) {
        let definitions = meaning.definitions();
        let (store, terms) = run(&definitions, &log(delivered(&history), 1), &[7]);
        for ((rollup, ..), values) in store.cells(&terms) {
            let value = |name: &str| values[place(rollup, name)];
            if rollup == Rollup::Ltv && value("customers") > 0 && value("revenue") > 0 {
                let (customers, purchases) = (value("customers"), value("purchases"));
                let (revenue, margin, months_487) = (value("revenue"), value("margin"), value("months_487"));
                let s = (revenue, purchases);
                let c = (purchases * 487, months_487);
                let p = (margin, revenue);
                let t = (months_487, 487 * customers);
                let product = [s, c, p, t].into_iter().reduce(|a, b| (a.0 * b.0, a.1 * b.1)).unwrap();
                prop_assert_eq!(product.0 * customers, margin * product.1);
            }
        }
    }

    #[test]
    fn a_key_that_does_not_hash_to_the_partition_is_refused_and_changes_nothing(
        history in history(30),
        meaning in any_meaning(),
    ) {
        let (definitions, events) = (meaning.definitions(), delivered(&history));
        let mut shard = shard(&definitions, 1, 3);
        let mut mine = Vec::new();
        for (offset, event) in (0..).zip(&events) {
            let at_home = event.key().partition(3) == 1;
            let position = shard.position();
            prop_assert_eq!(shard.apply(event, offset).is_ok(), at_home, "{}", event.key());
            if at_home {
                mine.push(event.clone());
                prop_assert_eq!(shard.position(), offset + 1);
            } else {
                prop_assert_eq!(shard.position(), position, "a refused record is not applied");
            }
        }
        let expected = naive::recount(&definitions, &mine);
        let mut store = tables::Store::default();
        inserts(shard.flush(&tenancy(1, 9), Scope::EveryCell)).iter().for_each(|table| store.insert(table));
        let differences = store.differences(&expected, &[tables::Term { partition: 1, term: 1, owner: 9 }]);
        prop_assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}

#[test]
fn an_empty_partition_flushes_nothing_and_holds_nothing() {
    let mut shard = shard(&PLAIN, 0, 1);
    let batch = shard.flush(&tenancy(1, 9), Scope::EveryCell);
    assert_eq!((batch.position, batch.entities_held), (0, 0));
    assert!(inserts(batch).is_empty());
}

/// The cells of a flush, zeros included.
fn written_cells(batch: sarafan_core::shard::Batch) -> Cells {
    let mut found = Cells::new();
    for table in &batch.rollups {
        let rollup = Rollup::ALL.into_iter().find(|r| r.spec().name == table.spec().name).unwrap();
        for row in rows(table) {
            if let Some((_, key, values)) = cell(rollup, table.spec(), &row) {
                let twice = found.insert(key, values);
                assert!(twice.is_none(), "a cell stands twice in one flush: {row:?}");
            }
        }
    }
    found
}

/// Cells of `now` that are new or have other values than before, and zeros for those that are gone.
fn changes(before: &Cells, now: &Cells) -> Cells {
    let mut found: Cells = now.clone();
    found.retain(|key, values| before.get(key) != Some(values));
    for (key, values) in before.iter().filter(|(key, _)| !now.contains_key(*key)) {
        found.insert(key.clone(), vec![0; values.len()]);
    }
    found
}

/// The cells of one dimension, summed over its segments.
fn summed(cells: &Cells, rollup: Rollup, dimension: &str) -> BTreeMap<Vec<Plain>, Vec<i128>> {
    let mut sums: BTreeMap<Vec<Plain>, Vec<i128>> = BTreeMap::new();
    for ((r, d, _, keys), values) in cells {
        if *r == rollup && d == dimension {
            let sum = sums.entry(keys.clone()).or_insert_with(|| vec![0; values.len()]);
            sum.iter_mut().zip(values).for_each(|(a, b)| *a += b);
        }
    }
    sums.retain(|_, values| values.iter().any(|v| *v != 0));
    sums
}

fn place(rollup: Rollup, value: &str) -> usize {
    rollup.spec().values.iter().position(|(name, _)| *name == value).unwrap()
}

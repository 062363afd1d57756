//! DESIGN 2.3, 2.5: which cells a view shows.

use sarafan_core::rollup::Rollup;
use sarafan_core::table::Value;

use crate::world::{INCARNATION, Row, TERM, Term, World, int, text};

/// Five customers who bought in so many years, for a term to say.
fn core(customers: i64) -> Vec<Row<'static>> {
    vec![vec![("years_bought", int(1)), ("customers", int(customers))]]
}

async fn shown(world: &World) -> Vec<String> {
    world.lines("SELECT customers FROM core_customers").await
}

const ROLLUP: Rollup = Rollup::CoreCustomers;

#[tokio::test]
async fn a_term_is_seen_from_its_marker_on() {
    let world = World::new().await;
    world.cells(ROLLUP, TERM, core(5)).await;
    assert!(shown(&world).await.is_empty());
    world.mark(ROLLUP, TERM).await;
    assert_eq!(shown(&world).await, ["5"]);
    let second = Term { number: 2, owner: 1, ..TERM };
    world.cells(ROLLUP, second, core(7)).await;
    assert_eq!(shown(&world).await, ["5"]);
    world.mark(ROLLUP, second).await;
    assert_eq!(shown(&world).await, ["7"]);
}

#[tokio::test]
async fn what_an_earlier_owner_writes_late_nobody_sees() {
    let world = World::new().await;
    world.live(ROLLUP, core(5)).await;
    let second = Term { number: 2, owner: 1, ..TERM };
    world.cells(ROLLUP, second, core(7)).await;
    world.mark(ROLLUP, second).await;
    let late = vec![("years_bought", int(1)), ("customers", int(100)), ("version", int(1_000))];
    world.cells(ROLLUP, TERM, vec![late]).await;
    world.mark(ROLLUP, TERM).await;
    assert_eq!(shown(&world).await, ["7"]);
}

#[tokio::test]
async fn of_two_owners_of_one_number_one_is_seen() {
    let world = World::new().await;
    world.live(ROLLUP, core(5)).await;
    let rival = Term { owner: 9, ..TERM };
    world.cells(ROLLUP, rival, core(7)).await;
    world.mark(ROLLUP, rival).await;
    assert_eq!(shown(&world).await, ["7"]);
}

#[tokio::test]
async fn terms_of_another_incarnation_count_for_nobody() {
    let world = World::new().await;
    world.live(ROLLUP, core(5)).await;
    let other = Term { number: 2, incarnation: INCARNATION + 1, ..TERM };
    world.cells(ROLLUP, other, core(7)).await;
    world.mark(ROLLUP, other).await;
    assert_eq!(shown(&world).await, ["5"]);
    world.store.set_incarnation(INCARNATION + 1).await.unwrap();
    assert_eq!(shown(&world).await, ["7"]);
    world.store.set_incarnation(INCARNATION + 2).await.unwrap();
    assert!(shown(&world).await.is_empty());
}

#[tokio::test]
async fn another_epoch_is_not_seen() {
    let world = World::new().await;
    world.live(ROLLUP, core(5)).await;
    let mut candidate = core(7);
    candidate[0].push(("epoch", Value::Int(i128::from(world.epoch) + 1)));
    world.cells(ROLLUP, TERM, candidate).await;
    assert_eq!(shown(&world).await, ["5"]);
}

#[tokio::test]
async fn partitions_add_up_each_under_its_own_term() {
    let world = World::new().await;
    world.live(ROLLUP, core(5)).await;
    let other = Term { partition: 1, number: 8, ..TERM };
    world.cells(ROLLUP, other, core(7)).await;
    assert_eq!(shown(&world).await, ["5"]);
    world.mark(ROLLUP, other).await;
    assert_eq!(shown(&world).await, ["12"]);
}

#[tokio::test]
async fn the_latest_version_of_a_cell_counts_and_a_zero_is_no_row() {
    let world = World::new().await;
    world.live(ROLLUP, core(5)).await;
    let at = |version: i64, customers: i64| {
        vec![vec![("years_bought", int(1)), ("customers", int(customers)), ("version", int(version))]]
    };
    world.cells(ROLLUP, TERM, at(3, 8)).await;
    world.cells(ROLLUP, TERM, at(2, 6)).await;
    assert_eq!(shown(&world).await, ["8"]);
    world.cells(ROLLUP, TERM, at(4, 0)).await;
    assert!(shown(&world).await.is_empty());
}

#[tokio::test]
async fn every_rollup_has_a_view_of_its_live_cells() {
    let world = World::new().await;
    for rollup in Rollup::ALL {
        let spec = rollup.spec();
        let values: Row<'_> = spec.values.iter().map(|(name, _)| (*name, int(10_000))).collect();
        let sql = format!("SELECT * FROM {{store}}.live_{}", spec.name);
        world.cells(rollup, TERM, vec![values]).await;
        assert!(world.lines(&sql).await.is_empty(), "{}", spec.name);
        world.mark(rollup, TERM).await;
        let found = world.query(&sql).await;
        assert_eq!(found.rows.len(), 1, "{}", spec.name);
        let names: Vec<&str> = found.columns.iter().map(|column| column.name.as_str()).collect();
        let keys = spec.keys.iter().map(|(name, _)| *name).chain(spec.values.iter().map(|(name, _)| *name));
        assert_eq!(names, ["dimension", "segment"].into_iter().chain(keys).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_filter_on_a_dimension_reads_only_its_part_of_the_table() {
    let world = World::new().await;
    let segment = |n: i64| format!("s{n:05}");
    let cells = (0..40_000)
        .map(|n| {
            let name = segment(n);
            vec![
                ("dimension", text("store")),
                ("segment", text(&name)),
                ("years_bought", int(1)),
                ("customers", int(1)),
            ]
        })
        .collect();
    world.live(ROLLUP, cells).await;
    let sql = "EXPLAIN indexes = 1 SELECT customers FROM core_customers WHERE dimension = 'store' AND segment = 's00007'";
    let plan = world.lines(sql).await;
    let granules = plan.iter().rfind(|line| line.contains("Granules:")).unwrap();
    assert!(granules.ends_with(" 1/6"), "{plan:#?}");
}

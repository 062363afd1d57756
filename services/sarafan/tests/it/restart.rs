//! Stopping everything and starting again.

use crate::data::{configuration, records, shifts};
use crate::world::{World, assert_same};

#[test]
fn a_restart_changes_no_figure_and_replays_only_what_lay_after_the_ledger() {
    let shifts = shifts();
    let overrides: Vec<_> = shifts.iter().map(|(path, days)| (*path, days.as_str())).collect();
    let world = World::migrated("restart", &configuration(), &overrides);
    let records: Vec<_> = records(&world).into_iter().step_by(7).collect();
    let (most, last) = records.split_at(records.len() - 500);
    let ingest = world.start("ingest", "ingest", &[]);
    let aggregator = world.start("aggregate", "aggregator", &[]);
    world.produce(most.to_vec());
    world.wait_for_views(most.len() as u64);
    world.wait_until("ingest has read it", || {
        ingest.metric(sarafan_ingest::RECORDS, &[]) as usize == most.len()
    });
    world.wait_for_views(most.len() as u64);
    let before = world.dump();

    aggregator.stop();
    ingest.stop();
    ingest.start_again();
    aggregator.start_again();
    world.wait_for_views(most.len() as u64);
    assert_same(&before, &world.dump());
    assert_eq!(
        aggregator.metric(sarafan_aggregator::REPLAYED_RECORDS, &[]),
        0.0,
        "an orderly end leaves nothing"
    );

    // Killed while the ledger is behind: exactly that much may come again.
    world.produce(last.to_vec());
    world.wait_until("some of it is not shown yet", || world.backlog().behind > 0);
    aggregator.process.kill().unwrap();
    let behind_at_least = world.backlog().behind;
    world.wait_until("ingest has read it", || {
        ingest.metric(sarafan_ingest::RECORDS, &[]) as usize == last.len()
    });
    let behind = world.backlog().behind;
    assert!(behind >= behind_at_least && behind > 0);
    aggregator.start_again();
    world.wait_for_views(records.len() as u64);
    let replayed = aggregator.metric(sarafan_aggregator::REPLAYED_RECORDS, &[]);
    assert!(replayed <= behind as f64, "{replayed} were replayed, {behind} lay after the ledger's position");
    world.assert_views_equal_recount();
}

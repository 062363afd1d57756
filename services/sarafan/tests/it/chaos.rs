//! The law (DESIGN 2), end to end: what views show is a function of the set of records received.

use std::collections::BTreeSet;

use fastrand::Rng;
use sarafan_stream::ProducerRecord;

use crate::data::{configuration, records, shifts};
use crate::world::{Service, World, assert_same};

/// Small batches and short waits: many flushes to be killed in.
const RESTLESS: [(&str, &str); 2] =
    [("AGGREGATOR__BATCH__MAX_AGE_MS", "50"), ("AGGREGATOR__BATCH__MAX_RECORDS", "2000")];
/// A member that keeps its partitions while it is away.
const STATIC: [(&str, &str); 1] = [("AGGREGATOR__INSTANCE_ID", "first")];

#[test]
fn shuffled_repeated_and_interrupted_records_show_what_the_clean_run_shows() {
    let clean = run_clean();
    let seed = 20_111_209;
    let chaotic = run_chaotic(seed);
    assert_same(&clean.dump(), &chaotic.dump());
}

/// Everything once, in order, through one aggregator that nobody disturbs.
fn run_clean() -> World {
    let shifts = shifts();
    let overrides: Vec<_> = shifts.iter().map(|(path, days)| (*path, days.as_str())).collect();
    let world = World::migrated("clean", &configuration(), &overrides);
    let records = records(&world);
    let ingest = world.start("ingest", "ingest", &[]);
    let aggregator = world.start("aggregate", "aggregator", &[]);
    let sent = records.len() as u64;
    world.produce(records);
    wait_for_ingest(&world, &[&ingest], sent);
    world.wait_for_views(sent);
    assert_all_is_there(&world);
    aggregator.stop();
    ingest.stop();
    world
}

/// Two worlds in which the same is missing are no proof of anything.
fn assert_all_is_there(world: &World) {
    let found = world.scalar("SELECT (SELECT count() FROM orders) + (SELECT count() FROM refunds) + (SELECT count() FROM survey_responses)");
    let canonical = world.read(&world.deployment.topics.events).len();
    assert_eq!(found, "28706", "of {canonical} canonical records; {}", world.logs());
}

fn run_chaotic(seed: u64) -> World {
    let shifts = shifts();
    let overrides: Vec<_> =
        shifts.iter().map(|(path, days)| (*path, days.as_str())).chain(RESTLESS).collect();
    let world = World::migrated("chaos", &configuration(), &overrides);
    let mut random = Rng::with_seed(seed);
    let pieces = pieces(records(&world), &mut random);
    let ingest = world.start("ingest", "ingest", &[]);
    let first = world.start("aggregate", "first", &STATIC);
    let mut others: Vec<Service> = Vec::new();
    for (turn, piece) in pieces.into_iter().enumerate() {
        world.produce(piece);
        disturb(turn, &world, &ingest, &first, &mut others);
    }
    wait_for_views_to_rest(&world);
    // Every disturbance moves partitions: were there few terms, nothing would have been tried.
    let terms = terms(&world);
    assert!(terms.iter().all(|term| *term >= 4), "highest terms by partition: {terms:?}");
    first.stop();
    ingest.stop();
    world
}

/// The highest term of each partition.
fn terms(world: &World) -> Vec<u32> {
    let epoch = world.deployment.definitions.epoch;
    let ledger = world.block_on(world.store.read_ledger(epoch)).unwrap();
    let mut highest = std::collections::BTreeMap::new();
    for entry in ledger {
        let term: &mut u32 = highest.entry(entry.partition).or_default();
        *term = entry.term.max(*term);
    }
    highest.into_values().collect()
}

/// Every record at least once, some several times, in a random order, cut into eight.
fn pieces(records: Vec<ProducerRecord>, random: &mut Rng) -> Vec<Vec<ProducerRecord>> {
    let mut all = records.clone();
    all.extend(records.into_iter().filter(|_| random.f64() < 0.15));
    random.shuffle(&mut all);
    let length = all.len().div_ceil(8);
    all.chunks(length).map(<[_]>::to_vec).collect()
}

fn disturb(turn: usize, world: &World, ingest: &Service, first: &Service, others: &mut Vec<Service>) {
    match turn {
        0 | 5 => {
            kill_during_a_flush(world, first);
            first.start_again();
        }
        1 => others.push(world.start("aggregate", "second", &[])),
        2 => {
            ingest.process.kill().unwrap();
            ingest.start_again();
        }
        3 => kill_during_a_flush(world, &others[0]),
        4 => others.push(world.start("aggregate", "third", &[])),
        6 => {
            fall_asleep_and_wake_up_late(world, &others[1]);
            others[1].stop();
        }
        _ => {
            // Between flushes: all there is was shown.
            wait_for_views_to_rest(world);
            first.process.kill().unwrap();
            first.start_again();
        }
    }
}

/// SIGKILL at a moment at which ClickHouse works at an insert of this deployment.
fn kill_during_a_flush(world: &World, service: &Service) {
    let store = world.store.store_database();
    let sql = format!(
        "SELECT count() > 0 FROM system.processes WHERE query LIKE 'INSERT INTO {store}.%' OR query LIKE 'INSERT INTO `{store}`.%'"
    );
    world.wait_until("a flush is seen", || world.scalar(&sql) == "true" || world.scalar(&sql) == "1");
    service.process.kill().unwrap();
}

/// SIGSTOP until others have its partitions, then SIGCONT: a zombie that believes it still owns them.
fn fall_asleep_and_wake_up_late(world: &World, service: &Service) {
    let before = owners(world);
    service.process.freeze().unwrap();
    world.wait_until("others take over", || owners(world).difference(&before).next().is_some());
    service.process.thaw().unwrap();
}

/// Owners of live terms.
fn owners(world: &World) -> BTreeSet<u64> {
    let epoch = world.deployment.definitions.epoch;
    let ledger = world.block_on(world.store.read_ledger(epoch)).unwrap();
    ledger.into_iter().filter(|entry| entry.live).map(|entry| entry.owner).collect()
}

/// Ingest may have been killed, so that only the end of everything says that it is the end: nothing behind, and the
/// canonical topic has stopped growing.
fn wait_for_views_to_rest(world: &World) {
    let rested = std::cell::Cell::new((0_u64, std::time::Instant::now()));
    world.wait_until("views rest", || {
        let backlog = world.backlog();
        let (records, since) = rested.get();
        if records != backlog.records {
            rested.set((backlog.records, std::time::Instant::now()));
        }
        backlog.behind == 0
            && records == backlog.records
            && since.elapsed() > std::time::Duration::from_secs(2)
    });
}

fn wait_for_ingest(world: &World, services: &[&Service], sent: u64) {
    world.wait_until("ingest has read everything", || {
        let read: f64 = services.iter().map(|service| service.metric(sarafan_ingest::RECORDS, &[])).sum();
        read as u64 >= sent
    });
}

//! DESIGN 2.5 while terms are switched: no view ever shows half of the cells, or those of two terms.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sarafan_core::definitions::Epoch;
use sarafan_core::rollup::{KeyKind, Rollup};
use sarafan_core::tenure::LiveTerm;
use sarafan_localstack::testing::shared;

use crate::world::{Row, TERM, Term, World, int, text};

const ROLLUP: Rollup = Rollup::CoreCustomers;

/// Four partitions switch terms all the time; a query never misses one of them. The server's snapshot setting is off,
/// because a reader may have it off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_of_terms_is_never_seen_half_done() {
    let world = World::new().await;
    switch(&world, 1).await;
    let (over, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    let reader = clickhouse::Client::default()
        .with_url(shared().clickhouse_url())
        .with_setting("enable_shared_storage_snapshot_in_query", "0");
    let sql = format!("SELECT sum(customers) FROM {}.core_customers", world.store.views_database());
    let read = async || {
        let mut sums = Vec::new();
        while !over.load(Ordering::Relaxed) {
            sums.push(reader.query(&sql).fetch_one::<i64>().await.unwrap());
            reads.fetch_add(1, Ordering::Relaxed);
        }
        sums
    };
    let write = async {
        let until = tokio::time::Instant::now() + Duration::from_secs(4);
        let mut number = 2;
        let enough = |number: u32| number > 12 && reads.load(Ordering::Relaxed) > 50;
        while tokio::time::Instant::now() < until || !enough(number) {
            switch(&world, number).await;
            number += 1;
        }
        over.store(true, Ordering::Relaxed);
    };
    let (first, second, ()) = tokio::join!(read(), read(), write);
    let wrong: Vec<i64> = first.into_iter().chain(second).filter(|sum| *sum != 40).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Every partition comes under the next term: all cells, then the marker.
async fn switch(world: &World, number: u32) {
    for partition in 0..4 {
        let term = Term { partition, number, ..TERM };
        world.cells(ROLLUP, term, vec![vec![("years_bought", int(1)), ("customers", int(10))]]).await;
        world.mark(ROLLUP, term).await;
    }
}

/// A client of a reader who has the server's snapshot setting off, as anybody may, or on.
fn reader(snapshot: &str) -> clickhouse::Client {
    clickhouse::Client::default()
        .with_url(shared().clickhouse_url())
        .with_setting("enable_shared_storage_snapshot_in_query", snapshot)
}

/// One cell of a rollup, of today, of so much in every value.
fn cell(rollup: Rollup, today: i64, value: i64) -> Row<'static> {
    let key = |(name, kind): &(&'static str, KeyKind)| match kind {
        KeyKind::Symbol if *name == "currency" => (*name, text("EUR")),
        KeyKind::Symbol => (*name, text("s")),
        KeyKind::Population => (*name, text("customers")),
        KeyKind::Day => (*name, int(today)),
        KeyKind::Score => (*name, int(10)),
        KeyKind::Small => (*name, int(30)),
        KeyKind::Number => (*name, int(1)),
    };
    let spec = rollup.spec();
    spec.keys.iter().map(key).chain(spec.values.iter().map(|(name, _)| (*name, int(value)))).collect()
}

/// All partitions come under the next term, in one rollup after the other: the cells, then the markers.
async fn take_over(world: &World, today: i64, number: u32) {
    for rollup in Rollup::ALL {
        let terms = [0, 1, 2, 3].map(|partition| Term { partition, number, ..TERM });
        world.live_under(rollup, &terms, &cell(rollup, today, 10_000)).await;
    }
}

/// The same query with a pause before its terms are read: what a query names it looks at when it comes to it.
fn paused(sql: &str) -> String {
    const TERMS: &str = "WHERE (partition, term, owner) IN";
    let begin = sql.trim_start().strip_prefix("WITH").unwrap();
    assert_eq!(begin.matches(TERMS).count(), 1, "{sql}");
    let late = begin.replace(TERMS, "WHERE pause = 0 AND (partition, term, owner) IN");
    format!("WITH (SELECT sleep(3)) AS pause,{late}")
}

/// What every rollup's view of its live cells is made of, and the sum of it; and beside them the way that seems as good.
async fn sums_with_a_pause(store: &str) -> Vec<(&'static str, String)> {
    let mut questions = Vec::new();
    for rollup in Rollup::ALL {
        let name = rollup.spec().name;
        let made = format!(
            "SELECT as_select FROM system.tables WHERE database = '{store}' AND name = 'live_{name}'"
        );
        let view: String = reader("0").query(&made).fetch_one().await.unwrap();
        let value = rollup.spec().values[0].0;
        questions.push((name, format!("SELECT toInt64(sum({value})) FROM ({})", paused(&view))));
    }
    let simple = format!(
        "WITH (SELECT groupArray((partition, highest.1, highest.2)) FROM (SELECT partition, max((term, owner)) AS highest \
         FROM {store}.core_customers WHERE marker GROUP BY partition)) AS live_terms \
         SELECT toInt64(sum(customers)) FROM {store}.core_customers FINAL \
         WHERE (partition, term, owner) IN live_terms AND NOT marker"
    );
    questions.push((SIMPLE, paused(&simple)));
    questions
}

const SIMPLE: &str = "without view(...)";

/// Every partition is taken over after a query was begun and before it reads the live terms. What a view shows is whole, because
/// it takes its snapshot of the cells after that; a query that names the table plainly takes it before, and sees nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_live_terms_of_a_view_are_read_before_its_cells() {
    let world = World::new().await;
    let store = world.store.store_database().to_owned();
    let (today, questions) = (world.today().await, sums_with_a_pause(&store).await);
    let asked = format!(
        "SELECT count() FROM system.processes WHERE query LIKE '%sleep(3)%{store}.%' AND query_id != queryID()"
    );
    let running = async || reader("0").query(&asked).fetch_one::<u64>().await.unwrap();
    take_over(&world, today, 1).await;
    // Again where the pause was too short for all that is to happen in it.
    for term in 2..12 {
        let answers: Vec<_> = questions
            .iter()
            .map(|(name, sql)| {
                let (name, sql) = (*name, sql.clone());
                tokio::spawn(async move { (name, reader("0").query(&sql).fetch_one::<i64>().await.unwrap()) })
            })
            .collect();
        let all = questions.len() as u64;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(2);
        while running().await < all && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        take_over(&world, today, term).await;
        let in_time = running().await == all;
        for answer in answers {
            let (name, found) = answer.await.unwrap();
            if name != SIMPLE {
                assert_eq!(found, 40_000, "{name}");
            } else if in_time {
                assert_eq!(found, 0, "it sees the terms of after the switch and the cells of before");
            }
        }
        if in_time {
            return;
        }
    }
    panic!("never were all partitions taken over within the pause");
}

/// A query for all that a view shows, as one text; of every view that wants no parameters and does not speak of the moment.
async fn every_view(world: &World) -> Vec<String> {
    let views = world.store.views_database();
    let sql = format!(
        "SELECT name FROM system.tables WHERE database = '{views}' AND name != 'freshness' \
         AND NOT match(create_table_query, '\\\\{{[a-z_]+:') ORDER BY name"
    );
    let names: Vec<String> = reader("0").query(&sql).fetch_all().await.unwrap();
    names
        .iter()
        .map(|name| {
            format!("SELECT toString(groupArray(tuple(*))) FROM (SELECT * FROM {views}.{name} ORDER BY ALL)")
        })
        .collect()
}

/// Owners alternate in all partitions and rollups, the terms of those long gone are deleted, and every view is read as fast as it
/// can be, with the snapshot setting and without: each shows what it showed, and never an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_alternate_and_old_terms_go_and_every_view_shows_the_same() {
    let world = World::new().await;
    let today = world.today().await;
    take_over(&world, today, 1).await;
    let mut expected = Vec::new();
    for sql in every_view(&world).await {
        let shown: String = reader("1").query(&sql).fetch_one().await.unwrap();
        expected.push((sql, shown));
    }
    let filled = expected.iter().filter(|(_, shown)| shown != "[]").count();
    assert!(filled >= 12, "of {} views {filled} show something", expected.len());
    let over = AtomicBool::new(false);
    let rounds = [AtomicU64::new(0), AtomicU64::new(0)];
    let read = async |snapshot: &str, rounds: &AtomicU64| {
        let client = reader(snapshot);
        while !over.load(Ordering::Relaxed) {
            for (sql, expected) in &expected {
                let shown = client.query(sql).fetch_one::<String>().await.unwrap();
                assert_eq!(shown, *expected, "{sql}");
            }
            rounds.fetch_add(1, Ordering::Relaxed);
        }
    };
    let write = async {
        let until = tokio::time::Instant::now() + Duration::from_secs(6);
        let mut number = 2;
        let enough = |number| number > 12 && rounds.iter().all(|rounds| rounds.load(Ordering::Relaxed) > 1);
        while tokio::time::Instant::now() < until || !enough(number) {
            take_over(&world, today, number).await;
            // Those that no query under way can still mean.
            if number % 4 == 0 && number > 4 {
                let live = |partition| LiveTerm { partition, term: number - 4, owner: TERM.owner };
                let live = [0, 1, 2, 3].map(live);
                world.store.collect_terms(Epoch(world.epoch), &live).await.unwrap();
            }
            number += 1;
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(read("0", &rounds[0]), read("1", &rounds[1]), write);
    let oldest = "SELECT min(term) FROM {store}.core_customers";
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while world.lines(oldest).await[0].parse::<u32>().unwrap() < 4 {
        assert!(tokio::time::Instant::now() < deadline, "old terms are deleted in the background");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

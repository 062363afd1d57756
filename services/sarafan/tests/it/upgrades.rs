//! From one version to the next and back, under load: no view ever answers with an error or with half a figure, and what views
//! show in the end is what the recount says.

use sarafan_store::Schema;

use crate::data::{configuration, records, shifts};
use crate::readers::Readers;
use crate::world::{Service, World, succeeded};

/// The next version, made of this one: columns with defaults in tables of entities and of cells, a table, a view that shows one
/// of the columns, and a view that was there with one more column.
fn next() -> Schema {
    Schema::embedded().then(
        "desks",
        "ALTER TABLE {store}.orders ADD COLUMN IF NOT EXISTS desk String DEFAULT 'none' COMMENT 'Where it was bought';\n\
         ALTER TABLE {store}.sales_daily ADD COLUMN IF NOT EXISTS desks Int64 DEFAULT 0 COMMENT 'Desks that sold';\n\
         CREATE TABLE IF NOT EXISTS {store}.desks (desk String COMMENT 'Name') ENGINE = MergeTree ORDER BY desk COMMENT 'Desks';\n",
        "CREATE OR REPLACE VIEW {views}.desks (desk String) AS SELECT DISTINCT desk FROM {store}.orders;\n\
         CREATE OR REPLACE VIEW {views}.core_customers (dimension LowCardinality(String), segment LowCardinality(String), \
         years_bought UInt16, customers Int64, loyal Bool) AS \
         SELECT dimension, segment, years_bought, sum(c.customers) AS customers, years_bought >= 3 AS loyal \
         FROM {store}.live_core_customers AS c GROUP BY dimension, segment, years_bought HAVING customers != 0;\n",
    )
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One after the other, as a rolling update does.
fn replace_one_by_one(services: &[Service]) {
    for service in services {
        service.stop();
        service.start_again();
    }
}

#[test]
fn an_upgrade_and_the_way_back_show_no_error_and_no_half_figure_under_load() {
    let shifts = shifts();
    let overrides: Vec<_> = shifts.iter().map(|(path, days)| (*path, days.as_str())).collect();
    let world = World::migrated("upgrades", &configuration(), &overrides);
    let records: Vec<_> = records(&world).into_iter().step_by(5).collect();
    let mut pieces = records.chunks(records.len().div_ceil(12));
    let mut sent = 0;
    let mut send = |how_many: usize| {
        for piece in pieces.by_ref().take(how_many) {
            world.produce(piece.to_vec());
            sent += piece.len() as u64;
        }
        sent
    };
    let services = [
        world.start("ingest", "ingest", &[]),
        world.start("aggregate", "aggregator0", &[]),
        world.start("aggregate", "aggregator1", &[]),
    ];
    world.wait_for_views(send(1));
    let readers = Readers::of(&world);

    // The next version's migrate, while services of this one write; run again, as by a job that was broken off.
    for _ in 0..3 {
        let migrated = world.block_on(world.store.migrate_to(&next())).unwrap();
        assert!(migrated.views.contains(&"desks"));
        send(1);
    }
    // Its services, one by one.
    replace_one_by_one(&services);
    world.wait_for_views(send(2));
    assert_eq!(world.scalar("SELECT desk FROM desks"), "none");
    assert_ne!(world.scalar("SELECT sum(loyal) FROM core_customers"), "");

    // And back: the migrate of this version leaves what is there, and its services go on.
    let seen = readers.dumped();
    let back = world.run(&["migrate"], b"");
    succeeded(&back);
    assert!(text(&back.stdout).contains("of a later version"), "{}", text(&back.stdout));
    send(2);
    replace_one_by_one(&services);
    world.wait_for_views(send(usize::MAX));
    assert_eq!(
        world.scalar("SELECT desk FROM desks"),
        "none",
        "whoever began to read the new views still may"
    );
    world.wait_until("every view was read since", || readers.dumped() > seen + 1);
    readers.saw_nothing_wrong();
    world.assert_views_equal_recount();
    succeeded(&world.run(&["audit"], b""));

    // A version whose rows this one would read wrongly is left alone, in one line.
    world.block_on(world.store.migrate_to(&next().contracted())).unwrap();
    services.iter().for_each(Service::stop);
    let shown = world.dump();
    for command in ["migrate", "aggregate"] {
        let refused = world.run(&[command], b"");
        assert!(!refused.status.success());
        let said = text(&refused.stderr);
        assert!(said.contains("run the version that wrote them"), "{said}");
    }
    crate::world::assert_same(&shown, &world.dump());
}

//! Random records of all subjects against the recount.

use sarafan_core::Event;
use sarafan_stream::ProducerRecord;

use crate::records::Records;
use crate::world::World;

/// Every kind of dimension, a time zone with summer time, and margins by rate.
pub(crate) const CONFIGURATION: &str = r#"
kafka.brokers = "set by the test"
clickhouse.url = "http://set.by.the.test"

[metrics]
timezone = "America/New_York"
windows = [7, 30, 365]
margin_rate = "0.25"

[[survey]]
id = "relation"
kind = "relational"
headline = true

[[survey]]
id = "delivery"
kind = "transactional"

[[dimension]]
name = "tier"
kind = "customer"
field = "attributes.tier"

[[dimension]]
name = "first_channel"
kind = "customer"
field = "first_order.channel"

[[dimension]]
name = "place"
kind = "order"
field = ["store", "channel"]

[[dimension]]
name = "touchpoint"
kind = "response"
field = ["touchpoint", "order.store"]

[[source]]
name = "nobody"
topic = "nobody"
updated_at = "record_timestamp"
record = [{ subject = "customer", id = "id" }]
"#;

#[test]
fn views_of_random_records_equal_the_recount() {
    for seed in [1, 2] {
        let world = World::migrated("random", CONFIGURATION, &[]);
        let events = Records::new(seed, jiff::Timestamp::now()).many(1_500);
        let (some, rest) = events.split_at(events.len() / 2);
        let aggregator = world.start("aggregate", "aggregator", &[]);
        world.produce(some.iter().map(|event| canonical(&world, event)));
        world.wait_for_views(some.len() as u64);
        world.produce(rest.iter().map(|event| canonical(&world, event)));
        world.wait_for_views(events.len() as u64);
        world.assert_views_equal_recount();
        aggregator.stop();
    }
}

pub(crate) fn canonical(world: &World, event: &Event) -> ProducerRecord {
    ProducerRecord {
        topic: world.deployment.topics.events.as_str().into(),
        key: Some(event.key().as_str().as_bytes().to_vec()),
        value: Some(sarafan_wire::encode(event).unwrap()),
        ..ProducerRecord::default()
    }
}

//! The configuration of twenty lines that the README shows.

use crate::world::{World, deploy, succeeded};

#[test]
fn twenty_lines_take_an_order_and_an_answer_from_their_topics_to_the_views() {
    let text = std::fs::read_to_string(deploy("config/minimal.toml")).unwrap();
    let world = World::migrated("minimal", &text, &[]);
    let ingest = world.start("ingest", "ingest", &[]);
    let aggregator = world.start("aggregate", "aggregator", &[]);
    let now = jiff::Timestamp::now();
    let order = format!(
        r#"{{"number": "o1", "customer": {{"id": 7}}, "created_at": "{now}", "changed_at": "{now}", "state": "paid",
            "total": "12.50", "currency": "EUR", "channel": "web"}}"#
    );
    let answer = format!(
        r#"{{"answer_id": "a1", "customer_id": "7", "order": "o1", "answered_at": "{now}", "score": 9, "comment": "Quick."}}"#
    );
    succeeded(&world.run(&["replay", "--source", "shop"], order.replace('\n', " ").as_bytes()));
    succeeded(&world.run(&["replay", "--source", "surveys", "--key-path", "customer_id"], answer.as_bytes()));
    world.wait_for_views(2);
    assert_eq!(world.scalar("SELECT revenue FROM customers WHERE customer_id = '7'"), "12.5");
    assert_eq!(world.scalar("SELECT channel FROM orders WHERE order_id = 'o1' AND counted"), "web");
    let nps = "SELECT nps FROM nps WHERE survey = 'after_delivery' AND population = 'customers' AND window_days = 7 AND dimension = 'all'";
    assert_eq!(world.scalar(nps), "100");
    assert_eq!(world.scalar("SELECT answer FROM survey_answers WHERE question = 'comment'"), "Quick.");
    aggregator.stop();
    ingest.stop();
}

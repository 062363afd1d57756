//! Alerts on the real programs: unreadable records, a sink that is away, the lag behind it, records that come late, and
//! who is told of what.

use sarafan_localstack::{ClickHouse, ClickHouseOptions, silent};
use sarafan_stream::ProducerRecord;

use crate::monitoring::{MINUTES_TO_SECONDS, fires, start_telling, target, value};
use crate::receivers::Receivers;
use crate::world::{World, deploy, record};

#[test]
fn dead_letters_lag_and_late_records_are_alerts_when_they_happen() {
    // Its own, for it is killed.
    let clickhouse = ClickHouse::start(&ClickHouseOptions::default(), &silent).unwrap();
    let text = std::fs::read_to_string(deploy("config/minimal.toml")).unwrap();
    let world = World::migrated("alerts", &text, &[("CLICKHOUSE__URL", &clickhouse.http_url())]);
    let ingest = world.start("ingest", "ingest", &[]);
    let aggregator = world.start("aggregate", "aggregator", &[]);
    let targets = [target("ingest", ingest.address), target("aggregator", aggregator.address)];
    let receivers = Receivers::start();
    let addresses: Vec<_> = receivers.iter().map(|receivers| receivers.alertmanager.address()).collect();
    let was_told =
        |receiver: &str, alert: &str| receivers.as_ref().is_none_or(|r| r.was_told(receiver, alert));
    let prometheus = start_telling(&world, &targets, MINUTES_TO_SECONDS, &addresses);
    world.wait_until("Prometheus sees a whole", || {
        feed(&world, 1, 0);
        value(&prometheus, "sarafan:whole").is_some()
    });
    let fires = |alert: &str, labels: &[(&str, &str)]| fires(&prometheus, alert, labels);
    assert!(!fires("SarafanDeadLetters", &[]) && !fires("SarafanSourceUnreadable", &[]), "none was sent");

    // One in four.
    world.wait_until("somebody is told of the dead letters", || {
        feed(&world, 3, 1);
        fires("SarafanDeadLetters", &[("source", "surveys"), ("severity", "warning")])
    });
    world.wait_until("they are told where they look by day", || {
        was_told("on-call-chat", "SarafanDeadLetters")
    });
    assert!(!fires("SarafanSourceUnreadable", &[]), "most are readable");
    assert!(!fires("SarafanLagGrowing", &[]) && !fires("SarafanPartitionStuck", &[]), "all goes well");

    clickhouse.kill().unwrap();
    let events = world.deployment.topics.events.clone();
    world.wait_until("somebody is told of the lag", || {
        feed(&world, 20, 0);
        fires("SarafanLagGrowing", &[("topic", &events)])
    });
    world.wait_until("somebody is told of the partitions that stand", || {
        fires("SarafanPartitionStuck", &[("topic", &events)])
    });

    world.wait_until("somebody is woken", || was_told("on-call-pager", "SarafanPartitionStuck"));

    clickhouse.restart().unwrap();
    world.wait_until("somebody is told that records came late", || {
        feed(&world, 1, 0);
        fires("SarafanFreshnessBurnFast", &[("severity", "critical")])
    });
    world.wait_until("all of it is over", || {
        feed(&world, 1, 0);
        let alerts = ["SarafanLagGrowing", "SarafanPartitionStuck", "SarafanDeadLetters"];
        alerts.iter().all(|alert| !fires(alert, &[]))
    });
    if let Some(receivers) = receivers {
        assert_eq!(receivers.told_of("SarafanDeadLetters"), ["on-call-chat"], "nobody was woken for these");
        assert_eq!(receivers.told_of("SarafanPartitionStuck"), ["on-call-pager"]);
    }
    aggregator.stop();
    ingest.stop();
}

/// Sends so many answers that can be read, and so many with a score that there is not.
fn feed(world: &World, good: usize, bad: usize) {
    let topic = world.source_topic(1);
    let now = jiff::Timestamp::now();
    let answer = |number: usize, score: u8| -> ProducerRecord {
        let id = format!("{}-{number}", now.as_microsecond());
        let line = format!(
            r#"{{"answer_id": "{id}", "customer_id": "c{id}", "answered_at": "{now}", "score": {score}}}"#
        );
        record(&topic, line)
    };
    world.produce((0..good).map(|n| answer(n, 9)).chain((0..bad).map(|n| answer(good + n, 11))));
}

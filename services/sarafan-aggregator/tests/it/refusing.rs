//! Fail closed: what does not add up is refused, the rest goes on, and the way out that is named heals (DESIGN 2.6).

use sarafan_aggregator::{PARTITION_REFUSED, Plan};
use sarafan_core::Event;
use sarafan_core::tenure::Trust;

use crate::deployment::{Deployment, Running, order};
use crate::exposition::{lines, partitions, until};

const REVENUE: &str = "SELECT toString(sum(revenue)) AS found FROM {views}.ltv WHERE dimension = 'all'";
const ORDERS: &str = "SELECT toString(count()) AS found FROM {views}.orders WHERE counted";

/// Orders of ten each, by seven customers.
fn orders(range: std::ops::Range<u32>) -> Vec<Event> {
    range.map(|n| order(&n.to_string(), &format!("c{}", n % 7), "2026-01-05T10:00:00Z", "10")).collect()
}

async fn assert_shows(deployment: &Deployment, orders: u32) {
    assert_eq!(deployment.eventually(ORDERS, &orders.to_string()).await, orders.to_string());
    let revenue = (orders * 10).to_string();
    assert_eq!(deployment.eventually(REVENUE, &revenue).await, revenue);
}

/// A deployment that has shown so many orders, and is stopped.
async fn stopped(name: &str, partitions: u32, count: u32) -> Deployment {
    let deployment = Deployment::new(name, partitions).await;
    let running = deployment.start();
    deployment.produce(&orders(0..count)).await;
    assert_shows(&deployment, count).await;
    running.stop().await;
    deployment
}

/// The refused partitions with their reasons, once there are `expected`.
async fn refused(running: &Running, expected: &[&str]) {
    let found = |scrape: &_| lines(scrape, PARTITION_REFUSED, &["partition", "reason"]);
    let expected = expected.iter().map(|line| format!("{line} 1.0000")).collect();
    let scrape = until(running.address, |scrape| found(scrape) == expected || running.has_ended()).await;
    assert!(!running.has_ended(), "the process has ended");
    assert_eq!(found(&scrape), expected);
}

/// Nothing is refused, and these partitions are shown.
async fn healed(running: &Running, live: u16) {
    refused(running, &[]).await;
    let all_live = |scrape: &_| {
        let found = partitions(scrape);
        found.len() == usize::from(live) && found.values().all(|live| *live)
    };
    assert!(all_live(&until(running.address, all_live).await));
}

/// What `sarafan adopt` does.
async fn adopt(deployment: &Deployment) {
    let config = &deployment.config;
    let (kafka, topic, store) = (&config.kafka, &config.topics.events, &deployment.store);
    let plan = Plan::make(store, kafka, topic, &config.definitions, Trust::Ledger, |_| {}).await.unwrap();
    plan.carry_out(store).await.unwrap();
}

/// The canonical topic, the databases and the groups that nothing was ever written to: as after starting over from the
/// sources.
async fn start_over(name: &str, count: u32) {
    let fresh = Deployment::new(name, 1).await;
    let running = fresh.start();
    fresh.produce(&orders(0..count)).await;
    assert_shows(&fresh, count).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_partition_keeps_no_other_from_going_on_and_is_adopted_under_a_running_process() {
    let deployment = stopped("rowslost", 3, 40).await;
    let customer = "SELECT toString(key_hash % 3) AS found FROM {store}.orders WHERE id = '5' LIMIT 1";
    let partition = deployment.value(customer).await;
    deployment.execute("ALTER TABLE {store}.orders DELETE WHERE id = '5' SETTINGS mutations_sync = 1").await;
    let running = deployment.start();
    refused(&running, &[&format!("{partition} entities_lost")]).await;
    deployment.produce(&orders(40..60)).await;
    let elsewhere = format!(
        "SELECT toString(count()) AS found FROM {{store}}.orders FINAL WHERE toUInt32(id) >= 40 AND key_hash % 3 != {partition}"
    );
    let here = elsewhere.replace("!=", "=");
    let expected = orders(40..60).iter().filter(|e| e.key().partition(3).to_string() != partition).count();
    assert!(expected > 0 && expected < 20);
    assert_eq!(deployment.eventually(&elsewhere, &expected.to_string()).await, expected.to_string());
    assert_eq!(deployment.eventually(&here, "0").await, "0");
    adopt(&deployment).await;
    healed(&running, 3).await;
    assert_shows(&deployment, 60).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_lags_is_refused_and_heals_by_itself() {
    let deployment = Deployment::new("lagging", 1).await;
    let running = deployment.start();
    deployment.produce(&orders(0..10)).await;
    assert_shows(&deployment, 10).await;
    let earlier = deployment.back_up(|table| table == "customer_figures").await;
    deployment.produce(&orders(10..30)).await;
    assert_shows(&deployment, 30).await;
    running.stop().await;
    // As a replica that has not fetched the latest parts of one table. This ClickHouse has no replication.
    deployment.restore(&earlier).await;
    let running = deployment.start();
    refused(&running, &["0 table_behind"]).await;
    deployment.produce(&orders(30..35)).await;
    deployment.restore(&earlier).await;
    healed(&running, 1).await;
    assert_shows(&deployment, 35).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_lost_its_ledger_is_refused_as_often_as_it_is_tried_and_can_be_adopted() {
    let deployment = stopped("ledgerless", 1, 20).await;
    deployment.lose("ledger").await;
    for _ in 0..2 {
        let running = deployment.start();
        refused(&running, &["0 no_ledger"]).await;
        running.stop().await;
    }
    let running = deployment.start();
    refused(&running, &["0 no_ledger"]).await;
    adopt(&deployment).await;
    healed(&running, 1).await;
    assert_shows(&deployment, 20).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misnamed_database_is_refused_and_the_right_one_is_taken() {
    let deployment = stopped("misnamed", 1, 20).await;
    let wrong = deployment.with_new_databases().await;
    let running = wrong.start();
    refused(&running, &["0 state_lost"]).await;
    assert_eq!(wrong.eventually(ORDERS, "0").await, "0");
    running.stop().await;
    deployment.produce(&orders(20..25)).await;
    let running = deployment.start();
    assert_shows(&deployment, 25).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_store_is_refused_and_adopted() {
    let deployment = stopped("wiped", 1, 20).await;
    for table in deployment.back_up(|table| !CONFIGURED.contains(&table)).await {
        deployment.lose(&table).await;
    }
    let running = deployment.start();
    refused(&running, &["0 state_lost"]).await;
    adopt(&deployment).await;
    healed(&running, 1).await;
    assert_shows(&deployment, 20).await;
    running.stop().await;
}

/// What `sarafan migrate` writes.
const CONFIGURED: [&str; 6] =
    ["migrations", "state_versions", "epochs", "live_epoch", "generations", "deployment"];

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_something_else_wrote_are_refused_and_new_databases_are_filled_from_the_topic() {
    let deployment = stopped("foreign", 1, 20).await;
    let foreign = "SELECT * REPLACE ('foreign' AS id) FROM (SELECT * FROM {store}.orders WHERE id = '3')";
    deployment.execute(&format!("INSERT INTO {{store}}.orders {foreign}")).await;
    let running = deployment.start();
    refused(&running, &["0 entities_added"]).await;
    running.stop().await;
    let new = deployment.with_new_databases().await;
    adopt(&new).await;
    let running = new.start();
    assert_shows(&new, 20).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_that_ate_unread_records_is_refused() {
    let deployment = stopped("eaten", 1, 20).await;
    deployment.produce(&orders(20..40)).await;
    deployment.delete_records(0, 30).await;
    let running = deployment.start();
    refused(&running, &["0 topic_starts_later"]).await;
    assert_shows(&deployment, 20).await;
    running.stop().await;
    start_over("eatenover", 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_recreated_is_refused_however_long_it_is() {
    let deployment = stopped("recreated", 1, 20).await;
    deployment.recreate_topic().await;
    deployment.produce(&orders(100..110)).await;
    let running = deployment.start();
    refused(&running, &["0 topic_ends_earlier"]).await;
    deployment.produce(&orders(110..140)).await;
    refused(&running, &["0 other_log"]).await;
    assert_shows(&deployment, 20).await;
    running.stop().await;
    start_over("recreatedover", 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_with_another_number_of_partitions_is_refused_by_the_process() {
    let mut deployment = stopped("grown", 1, 5).await;
    deployment.config.topics.partitions = 2;
    deployment.recreate_topic().await;
    let error = deployment.start().fail().await;
    let said = "has 2 partitions and generation 0 was registered with 1: it was grown or recreated";
    assert!(error.contains(said) && error.contains("start over from the sources"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_later_version_are_refused_by_the_process_until_it_is_that_version() {
    let deployment = stopped("later", 1, 5).await;
    let say = |version: u64, sequence: &str| {
        format!(
            "INSERT INTO {{store}}.state_versions (sequence, state_version) VALUES ({sequence}, {version})"
        )
    };
    deployment.execute(&say(77, "18446744073709551614")).await;
    let error = deployment.start().fail().await;
    assert!(error.contains("rows of state version 77 and this version knows 1: run the version"), "{error}");
    deployment.execute(&say(sarafan_core::rows::STATE_VERSION, "18446744073709551615")).await;
    let running = deployment.start();
    deployment.produce(&orders(5..8)).await;
    assert_shows(&deployment, 8).await;
    running.stop().await;
}

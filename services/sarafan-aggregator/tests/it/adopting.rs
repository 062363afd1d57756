//! A ClickHouse that was restored from a backup is adopted: no record is lost, none counts twice (DESIGN 2.6).

use sarafan_aggregator::Plan;
use sarafan_core::Event;
use sarafan_core::tenure::Trust;

use crate::deployment::{Deployment, cancel, order};

const ORDERS: &str = "SELECT toString(sum(orders)) AS found FROM {views}.ltv WHERE dimension = 'all'";
const REVENUE: &str = "SELECT toString(sum(revenue)) AS found FROM {views}.ltv WHERE dimension = 'all'";
const ROWS: &str = "SELECT toString(count()) AS found FROM {views}.orders WHERE counted";
/// Facts and cells say the same.
const AGREE: &str = "SELECT toString((SELECT sum(revenue) FROM {views}.orders WHERE counted) = (SELECT sum(revenue) FROM {views}.ltv WHERE dimension = 'all')) AS found";

/// Orders of ten each, by seven customers.
fn orders(range: std::ops::Range<u32>) -> Vec<Event> {
    let one = |n: u32| {
        let day = format!("2026-01-{:02}T10:00:00Z", n % 28 + 1);
        order(&n.to_string(), &format!("c{}", n % 7), &day, "10")
    };
    range.map(one).collect()
}

/// Cancels these orders: no new entity, only other values.
fn cancels(range: std::ops::Range<u32>) -> Vec<Event> {
    range.map(|n| cancel(&n.to_string(), &format!("c{}", n % 7), "2026-02-01T10:00:00Z")).collect()
}

async fn plan(deployment: &Deployment, trust: Trust) -> Plan {
    let config = &deployment.config;
    let made = Plan::make(
        &deployment.store,
        &config.kafka,
        &config.topics.events,
        &config.definitions,
        trust,
        |_| {},
    );
    made.await.unwrap()
}

async fn adopt(deployment: &Deployment, trust: Trust) -> Plan {
    let plan = plan(deployment, trust).await;
    plan.carry_out(&deployment.store).await.unwrap();
    plan
}

async fn assert_shows(deployment: &Deployment, orders: u32, revenue: u32) {
    assert_eq!(deployment.eventually(ORDERS, &orders.to_string()).await, orders.to_string());
    assert_eq!(deployment.eventually(ROWS, &orders.to_string()).await, orders.to_string());
    assert_eq!(deployment.eventually(REVENUE, &revenue.to_string()).await, revenue.to_string());
    assert_eq!(deployment.eventually(AGREE, "1").await, "1");
}

/// Writes, and waits until views show so many orders.
async fn show(deployment: &Deployment, events: &[Event], orders: u32) {
    deployment.produce(events).await;
    assert_shows(deployment, orders, orders * 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_store_is_adopted_while_everything_is_stopped() {
    let deployment = Deployment::new("restored", 3).await;
    let running = deployment.start();
    show(&deployment, &orders(0..60), 60).await;
    // The ledger first, the other tables later: rows above the ledger's position, too.
    let ledger = deployment.back_up(|table| table == "ledger").await;
    show(&deployment, &[orders(60..90), cancels(0..10)].concat(), 80).await;
    let others = deployment.back_up(|table| table != "ledger").await;
    show(&deployment, &[orders(90..120), cancels(10..20)].concat(), 100).await;
    running.stop().await;
    deployment.restore(&[ledger, others].concat()).await;

    let before = deployment.store.incarnation().await.unwrap();
    let plan = adopt(&deployment, Trust::Ledger).await;
    assert!(
        plan.partitions.iter().all(|p| p.outcome.as_ref().is_ok_and(|adoption| adoption.doubt.is_none()))
    );
    let again: u64 =
        plan.partitions.iter().map(|p| p.found.high - p.outcome.as_ref().unwrap().resume_at()).sum();
    assert_eq!(again, 80, "what came after the ledger was copied, and no more");
    assert_ne!(deployment.store.incarnation().await.unwrap(), before);
    assert_eq!(deployment.eventually(ORDERS, "0").await, "0", "views are empty until owners have taken over");
    let running = deployment.start();
    assert_shows(&deployment, 100, 1000).await;
    show(&deployment, &cancels(20..25), 95).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_restored_under_living_aggregators_and_adopted() {
    let deployment = Deployment::new("alive", 4).await;
    let (first, second) = (deployment.start(), deployment.start());
    show(&deployment, &orders(0..50), 50).await;
    let ledger = deployment.back_up(|table| table == "ledger").await;
    show(&deployment, &orders(50..90), 90).await;
    let others = deployment.back_up(|table| table != "ledger").await;
    // No new entity after the backup: counts alone would not tell that values are gone.
    show(&deployment, &cancels(0..30), 60).await;
    deployment.restore(&[ledger, others].concat()).await;
    deployment.produce(&cancels(30..35)).await;
    let plan = adopt(&deployment, Trust::Ledger).await;
    assert_eq!(plan.refused().count(), 0);
    assert_shows(&deployment, 55, 550).await;
    show(&deployment, &orders(90..100), 65).await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn living_aggregators_see_that_the_store_was_set_back_before_anybody_adopts_it() {
    let deployment = Deployment::new("setback", 2).await;
    let running = deployment.start();
    show(&deployment, &orders(0..40), 40).await;
    let tables = deployment.back_up(|_| true).await;
    show(&deployment, &cancels(0..20), 20).await;
    deployment.restore(&tables).await;
    deployment.produce(&cancels(20..22)).await;
    assert_shows(&deployment, 18, 180).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_whose_ledger_is_newest_is_read_from_the_start() {
    let deployment = Deployment::new("torn", 2).await;
    let running = deployment.start();
    show(&deployment, &orders(0..40), 40).await;
    let others = deployment.back_up(|table| table != "ledger").await;
    show(&deployment, &cancels(0..15), 25).await;
    let ledger = deployment.back_up(|table| table == "ledger").await;
    running.stop().await;
    deployment.restore(&[ledger, others].concat()).await;
    let plan = adopt(&deployment, Trust::Ledger).await;
    let doubts = plan.partitions.iter().filter_map(|p| p.outcome.as_ref().unwrap().doubt.as_ref());
    let doubts: Vec<_> = doubts.map(|doubt| doubt.kind()).collect();
    assert!(!doubts.is_empty() && doubts.iter().all(|doubt| *doubt == "table_behind"), "{doubts:?}");
    let running = deployment.start();
    assert_shows(&deployment, 25, 250).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_check_sees_is_healed_by_reading_everything_again() {
    let deployment = Deployment::new("nothing", 2).await;
    let running = deployment.start();
    show(&deployment, &orders(0..40), 40).await;
    deployment.back_up(|table| table == "orders").await;
    show(&deployment, &cancels(0..10), 30).await;
    running.stop().await;
    // One row is set back to what it was: versions and counts are as the ledger says.
    deployment.execute("ALTER TABLE {store}.orders DELETE WHERE id = '3' SETTINGS mutations_sync = 1").await;
    deployment
        .execute("INSERT INTO {store}.orders SELECT * FROM {store}.copy_of_orders WHERE id = '3'")
        .await;
    let believing = plan(&deployment, Trust::Ledger).await;
    assert!(
        believing
            .partitions
            .iter()
            .all(|p| p.outcome.as_ref().is_ok_and(|adoption| adoption.doubt.is_none()))
    );
    assert_eq!(deployment.eventually(ROWS, "31").await, "31");
    adopt(&deployment, Trust::Nothing).await;
    let running = deployment.start();
    assert_shows(&deployment, 30, 300).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_topic_lacks_what_must_be_read_again_nothing_is_changed() {
    let deployment = Deployment::new("trimmed", 1).await;
    let running = deployment.start();
    show(&deployment, &orders(0..40), 40).await;
    let tables = deployment.back_up(|_| true).await;
    show(&deployment, &orders(40..60), 60).await;
    running.stop().await;
    deployment.restore(&tables).await;
    deployment.delete_records(0, 50).await;
    let plan = plan(&deployment, Trust::Ledger).await;
    let refused: Vec<_> = plan.refused().map(|(partition, refusal)| (partition, refusal.kind())).collect();
    assert_eq!(refused, [(0, "topic_starts_later")]);
    let error = plan.carry_out(&deployment.store).await.unwrap_err();
    assert!(error.to_string().contains("starts at offset 50 and is to be read from 40"), "{error}");
    assert_eq!(deployment.store.incarnation().await.unwrap(), 0);
    assert_eq!(deployment.eventually(ORDERS, "40").await, "40", "views go on showing what there is");
}

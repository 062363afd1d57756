//! An aggregator's life: it starts, is killed, starts again, shares with another.

use crate::deployment::{Deployment, answer, cancel, order};

const ORDERS: &str = "SELECT toString(sum(orders)) AS found FROM {views}.ltv WHERE dimension = 'all'";
const REVENUE: &str = "SELECT toString(sum(revenue)) AS found FROM {views}.ltv WHERE dimension = 'all'";

#[tokio::test(flavor = "multi_thread")]
async fn records_reach_the_views_and_corrections_replace_them() {
    let deployment = Deployment::new("records", 3).await;
    let running = deployment.start();
    let events = [
        order("1", "ann", "2026-01-01T10:00:00Z", "100"),
        order("2", "ann", "2026-01-11T10:00:00Z", "50.25"),
        order("3", "bob", "2026-01-05T10:00:00Z", "20"),
        answer("a", "ann", "2026-01-12T10:00:00Z", 10),
    ];
    deployment.produce(&events).await;
    assert_eq!(deployment.eventually(ORDERS, "3").await, "3");
    assert_eq!(deployment.eventually(REVENUE, "170.25").await, "170.25");
    let promoters = "SELECT toString(sum(responses)) AS found FROM {views}.nps_scores WHERE dimension = 'all' AND score = 10";
    assert_eq!(deployment.eventually(promoters, "1").await, "1");
    deployment.produce(&[cancel("2", "ann", "2026-01-13T10:00:00Z")]).await;
    assert_eq!(deployment.eventually(REVENUE, "120").await, "120");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_aggregator_changes_no_figure() {
    let deployment = Deployment::new("killed", 2).await;
    let first = deployment.start();
    let day = |n: u32| format!("2026-01-{:02}T10:00:00Z", n % 28 + 1);
    let orders = |from: u32, to: u32| -> Vec<_> {
        (from..to).map(|n| order(&n.to_string(), &format!("c{}", n % 7), &day(n), "10")).collect()
    };
    deployment.produce(&orders(0, 100)).await;
    assert_eq!(deployment.eventually(ORDERS, "100").await, "100");
    deployment.produce(&orders(100, 200)).await;
    first.die().await;
    deployment.produce(&orders(150, 250)).await;
    let second = deployment.start();
    let third = deployment.start();
    deployment.produce(&orders(240, 300)).await;
    assert_eq!(deployment.eventually(ORDERS, "300").await, "300");
    assert_eq!(deployment.eventually(REVENUE, "3000").await, "3000");
    second.stop().await;
    deployment.produce(&orders(300, 310)).await;
    assert_eq!(deployment.eventually(ORDERS, "310").await, "310");
    third.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_of_earlier_terms_are_collected_and_no_figure_changes() {
    let deployment = Deployment::new("collected", 1).await;
    let terms = "SELECT toString(uniqExact(term)) AS found FROM {store}.ltv";
    deployment.produce(&[order("1", "ann", "2026-01-01T10:00:00Z", "10")]).await;
    let first = deployment.start();
    assert_eq!(deployment.eventually(REVENUE, "10").await, "10");
    first.stop().await;
    let second = deployment.start();
    deployment.produce(&[order("2", "ann", "2026-01-02T10:00:00Z", "5")]).await;
    assert_eq!(deployment.eventually(REVENUE, "15").await, "15");
    assert_eq!(deployment.eventually(terms, "1").await, "1");
    assert_eq!(deployment.eventually(REVENUE, "15").await, "15");
    second.stop().await;
}

//! What the store has not acknowledged is not visible, and no metric says that it is.

use std::collections::BTreeMap;

use sarafan_aggregator as names;

use crate::deployment::{Deployment, order};
use crate::exposition::{Samples, until};

/// How many requests are to fail before it counts as certain that the batch waits.
const REFUSALS: f64 = 4.0;

/// The sum of a metric's series that have this label, or of all.
fn sum(scrape: &BTreeMap<String, Samples>, name: &str, label: Option<(&str, &str)>) -> f64 {
    let samples = scrape.get(name).into_iter().flatten();
    let wanted = samples.filter(|(labels, _)| label.is_none_or(|(name, value)| labels[name] == value));
    wanted.map(|(_, value)| value).sum()
}

/// What is said to be shown and acknowledged: records by the histogram, the position, rows of orders.
fn acknowledged(scrape: &BTreeMap<String, Samples>) -> [f64; 3] {
    [
        sum(scrape, "sarafan_visible_seconds_count", Some(("source", "test"))),
        sum(scrape, names::VISIBLE_POSITION, Some(("partition", "0"))),
        sum(scrape, names::FLUSH_ROWS, Some(("table", "orders"))),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_not_acknowledged_counts_nothing() {
    let deployment = Deployment::new("unacknowledged", 1).await;
    let running = deployment.start();
    let order = |n: usize| order(&n.to_string(), "ann", "2026-01-01T10:00:00Z", "10");
    let records = |n: usize| move |found: &BTreeMap<String, Samples>| acknowledged(found)[0] == n as f64;
    deployment.produce(&[order(1)]).await;
    let mut before = until(running.address, records(1)).await;
    // The first table of a batch that is written, and the last one, after which everything counts.
    for (n, (table, rows_too)) in (2..).zip([("orders", true), ("ledger", false)]) {
        deployment.refuse_inserts(table).await;
        let refused = |found: &_| sum(found, names::INSERT_RETRIES, None);
        let so_far = refused(&before);
        deployment.produce(&[order(n)]).await;
        let during = until(running.address, |found| refused(found) >= so_far + REFUSALS).await;
        assert!(refused(&during) >= so_far + REFUSALS, "the inserts into {table} were to be refused");
        let ([shown, position, rows], now) = (acknowledged(&before), acknowledged(&during));
        assert_eq!(now[..2], [shown, position], "{table} is refused");
        assert_eq!(now[2] == rows, rows_too, "rows of orders were acknowledged unless they were refused");
        deployment.take_inserts(table).await;
        before = until(running.address, records(n)).await;
        assert_eq!(acknowledged(&before), [n as f64; 3]);
    }
    running.stop().await;
}

//! Every expression of every panel, asked of a Prometheus that scrapes both services of the simulated shop.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::files::{dashboards, list, text};
use crate::grafana::prometheus;
use crate::panels::simulated_shop;
use crate::world::succeeded;

/// Panels that show faults: there are none here.
const FAULTS: [&str; 3] = ["Alerts that are pending or firing", "Inserts tried again", "watch of ClickHouse"];

#[test]
fn every_expression_of_a_panel_has_series() {
    let (world, ingest, aggregate) = simulated_shop("series");
    ingest.start_again();
    let prometheus = prometheus(&world, [("sarafan-ingest", &ingest), ("sarafan-aggregator", &aggregate)]);
    // A rate is of what happens after the first scrape.
    world.wait_until("both services are scraped", || prometheus.query("up == 1").unwrap().len() == 2);
    // Something has to flow while it looks; among some thousand records there are unreadable and filtered ones.
    succeeded(&world.run(&["simulate", "--seed", "2", "--customers", "400", "--days", "120"], b""));
    let fill = |expression: &str| {
        let of_here = expression.replace("${database}", &world.deployment.clickhouse.database);
        // Grafana takes four times the interval of scrapes, which is a second here.
        of_here.replace("$__rate_interval", "4s")
    };
    let mut missing = BTreeSet::new();
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            for target in list(panel, "targets").iter().filter(|target| target["expr"].is_string()) {
                let names = [text(panel, "title"), text(target, "legendFormat")];
                if !names.iter().any(|name| FAULTS.contains(name)) {
                    missing.insert((dashboard.place(panel), fill(text(target, "expr"))));
                }
            }
        }
    }
    assert!(missing.len() >= 50, "only {}", missing.len());
    let left = RefCell::new(missing);
    let nothing_is_left = || {
        left.borrow_mut().retain(|(_, expression)| prometheus.query(expression).unwrap().is_empty());
        left.borrow().is_empty()
    };
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world.wait_until("every panel of Prometheus has series", nothing_is_left);
    }));
    assert!(found.is_ok(), "no series: {:#?}", left.borrow());
}

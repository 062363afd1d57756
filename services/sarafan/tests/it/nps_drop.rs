//! The alert on NPS, on the simulated shop: the planted collapse of one store, and nothing else.

use std::collections::BTreeSet;

use sarafan_simulator::truths::COLLAPSED_STORE;

use crate::monitoring::{fires, start, target};
use crate::shop::Shop;

/// Little here looks back over a range: the half hour for which the drop has to hold passes in a few seconds.
const HASTE: u64 = 300;

#[test]
fn the_store_that_collapsed_is_the_one_whose_nps_is_an_alert() {
    // A history that ends yesterday, as do the days that are compared.
    let shop = Shop::of("drop", &["--customers", "3000", "--days", "75"]);
    let jobs = ["ingest", "aggregator"].iter().zip(&shop.services);
    let targets: Vec<_> = jobs.map(|(job, service)| target(job, service.address)).collect();
    // Only now: while the shop was being loaded, other stores may have looked as if they fell.
    let prometheus = start(&shop.world, &targets, HASTE);
    let planted = [("dimension", "store"), ("segment", COLLAPSED_STORE), ("survey", "after_delivery")];
    shop.world.wait_until("the collapse is an alert", || fires(&prometheus, "SarafanNpsDrop", &planted));
    let firing = prometheus.firing().unwrap();
    let of_stores = firing.iter().filter(|alert| {
        alert["alertname"] == "SarafanNpsDrop" && alert.get("dimension").is_some_and(|name| name == "store")
    });
    let stores: BTreeSet<&str> = of_stores.map(|alert| alert["segment"].as_str()).collect();
    assert_eq!(stores, BTreeSet::from([COLLAPSED_STORE]));
    let tested = prometheus.query(r#"sarafan:nps_change_tested{dimension="store", survey="after_delivery"}"#);
    assert!(tested.unwrap().len() >= 8, "there were others that could have been found");
    shop.stop();
}

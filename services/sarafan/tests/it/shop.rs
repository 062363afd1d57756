//! The simulated shop: eight source systems through their topics to the views.

use std::path::PathBuf;

use sarafan_cli::oracle;
use sarafan_simulator::Topic;

use crate::world::{Service, World, deploy, succeeded};

/// The shop's services on a world of their own, and the records of `arguments` in its topics.
pub(crate) struct Shop {
    pub(crate) world: World,
    /// Ingest and aggregator.
    pub(crate) services: [Service; 2],
    files: PathBuf,
}

impl Shop {
    pub(crate) fn of(name: &str, arguments: &[&str]) -> Self {
        let text = std::fs::read_to_string(deploy("demo/shop.toml")).unwrap();
        let world = World::migrated(name, &text, &[]);
        let services = [world.start("ingest", "ingest", &[]), world.start("aggregate", "aggregator", &[])];
        let files = world.folder().join("shop");
        let simulate = ["simulate"].iter().chain(arguments).copied();
        succeeded(&world.run(&simulate.clone().collect::<Vec<_>>(), b""));
        let out = ["--out", files.to_str().unwrap()];
        succeeded(&world.run(&simulate.chain(out).collect::<Vec<_>>(), b""));
        let shop = Self { world, services, files };
        let written = shop.written();
        let [ingest, _] = &shop.services;
        shop.world.wait_until(&format!("ingest has read {written} records"), || {
            ingest.metric(sarafan_ingest::RECORDS, &[]) as usize == written
                && ingest.metric(sarafan_ingest::EVENTS, &[])
                    == ingest.metric(sarafan_stream::metrics::RECORDS_PRODUCED, &[("topic", shop.events())])
        });
        shop.world.wait_for_views(1);
        shop
    }

    fn events(&self) -> &str {
        &self.world.deployment.topics.events
    }

    fn written(&self) -> usize {
        let lines = |topic: &Topic| {
            std::fs::read_to_string(self.files.join(format!("{topic}.ndjson"))).unwrap().lines().count()
        };
        Topic::ALL.iter().map(lines).sum()
    }

    pub(crate) fn stop(self) {
        self.services.iter().for_each(Service::stop);
    }
}

#[test]
fn views_of_the_simulated_shop_equal_a_program_that_reads_what_its_sources_wrote() {
    let shop = Shop::of("shop", &["--customers", "600", "--seed", "3"]);
    let world = &shop.world;
    let figures =
        oracle::shop_figures(&shop.files, &world.deployment.definitions, world.today(), world.folder())
            .unwrap();
    let letters = figures["dead_letters"].len();
    assert!(letters > 5, "only {letters} kinds of dead letters");
    let compared = || world.block_on(oracle::compare_shop(&world.store, &figures)).unwrap();
    // Dead letters reach their table by a way of their own.
    world.wait_until("dead letters are in freshness", || {
        compared().iter().any(|found| found.view == "dead_letters" && found.expected == found.found)
    });
    let comparisons = compared();
    for comparison in &comparisons {
        assert!(comparison.expected > 0, "nothing is expected of {}", comparison.view);
    }
    let differences: Vec<&String> =
        comparisons.iter().flat_map(|comparison| comparison.differences.iter().take(5)).collect();
    assert!(differences.is_empty(), "{differences:#?}");
    shop.stop();
}

#[test]
fn the_figures_show_what_was_planted_in_the_simulated_shop() {
    let until = "2026-09-30";
    let shop = Shop::of("truths", &["--customers", "3000", "--days", "480", "--until", until]);
    let truths = shop.world.block_on(oracle::shop_truths(&shop.world.store, until.parse().unwrap())).unwrap();
    assert_eq!(truths.len(), 5);
    for truth in &truths {
        assert_eq!(truth.found, truth.expected, "{}", truth.what);
    }
    shop.stop();
}

//! The files that deploy Sarafan speak of what there is.

#![allow(clippy::unwrap_used)] // In helpers of tests too, where the lint does not see a test.

use std::fs;
use std::path::{Path, PathBuf};

use sarafan_cli::Deployment;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap()
}

#[test]
fn compose_is_configured_as_the_demo_is() {
    let (compose, demo) = (text("deploy/config/compose.toml"), text("deploy/demo/sarafan.toml"));
    let figures = |text: &str| text[text.find("\n[metrics]\n").unwrap()..].to_owned();
    assert_eq!(figures(&compose), figures(&demo));
    let deployment = Deployment::load(&file("deploy/config/compose.toml")).unwrap();
    assert_eq!(deployment.kafka.brokers, "kafka:19092");
}

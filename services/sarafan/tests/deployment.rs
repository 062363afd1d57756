//! The files that deploy Sarafan speak of what there is.

#![allow(clippy::unwrap_used)] // In helpers of tests too, where the lint does not see a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sarafan_cli::Deployment;
use serde_json::Value;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap()
}

/// Values of `key` in all targets of all panels.
fn targets(dashboard: &Value, key: &str) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    targets.filter_map(|target| Some(target[key].as_str()?.to_owned())).collect()
}

/// Names that follow `before` in `text`.
fn names_after<'a>(before: &str, text: &'a str) -> Vec<&'a str> {
    let end = |rest: &str| rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    text.split(before).skip(1).map(|rest| &rest[..end(rest)]).collect()
}

#[test]
fn compose_is_configured_as_the_demo_is() {
    let (compose, demo) = (text("deploy/config/compose.toml"), text("deploy/demo/sarafan.toml"));
    let figures = |text: &str| text[text.find("\n[metrics]\n").unwrap()..].to_owned();
    assert_eq!(figures(&compose), figures(&demo));
    let deployment = Deployment::load(&file("deploy/config/compose.toml")).unwrap();
    assert_eq!(deployment.kafka.brokers, "kafka:19092");
}

#[test]
fn the_dashboard_reads_views_that_there_are() {
    let folder = fs::read_dir(file("schemas/clickhouse/views")).unwrap();
    let views: String = folder.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    let known: BTreeSet<_> = names_after("VIEW {views}.", &views).into_iter().collect();
    let dashboard: Value = serde_json::from_str(&text("grafana/dashboards/overview.json")).unwrap();
    let sql = targets(&dashboard, "rawSql").join("\n");
    let read: BTreeSet<_> =
        names_after("\nFROM ", &sql).into_iter().chain(names_after(" FROM ", &sql)).collect();
    assert!(read.len() >= 6, "{read:?}");
    assert!(read.is_subset(&known), "not there: {:?}", read.difference(&known));
}

#[test]
fn the_dashboard_reads_metrics_that_there_are() {
    let known = [
        sarafan_stream::metrics::LAG,
        sarafan_stream::metrics::DEAD_LETTERS,
        sarafan_runtime::metrics::BUILD_INFO,
    ];
    let dashboard: Value = serde_json::from_str(&text("grafana/dashboards/overview.json")).unwrap();
    let expressions = targets(&dashboard, "expr").join("\n");
    let read: BTreeSet<_> =
        names_after("(sarafan_", &expressions).into_iter().map(|rest| format!("sarafan_{rest}")).collect();
    assert_eq!(read, known.map(str::to_owned).into());
}

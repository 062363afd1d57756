//! A Prometheus that watches a world by the rules that are deployed, many times as fast.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sarafan_localstack::{Prometheus, PrometheusOptions, Series, Target, silent};

use crate::world::{World, deploy};

/// Minutes become seconds, in which a few scrapes still have room.
pub(crate) const MINUTES_TO_SECONDS: u64 = 60;
/// Units of durations in PromQL, in milliseconds.
const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

/// Prometheus with the rules of `deploy/prometheus/rules`, in which every duration (ranges, offsets, how long an alert has
/// to hold, how often a group runs) is divided by `haste`: the same expressions on shorter times.
pub(crate) fn start(world: &World, targets: &[Target], haste: u64) -> Prometheus {
    start_telling(world, targets, haste, &[])
}

/// The same, with Alertmanagers that hear of alerts.
pub(crate) fn start_telling(
    world: &World,
    targets: &[Target],
    haste: u64,
    alertmanagers: &[String],
) -> Prometheus {
    let rule_files = hurried_rules(world.folder(), haste);
    let options = PrometheusOptions {
        rule_files,
        targets: targets.to_vec(),
        alertmanagers: alertmanagers.to_vec(),
        ..PrometheusOptions::default()
    };
    Prometheus::start(&options, &silent).unwrap()
}

/// A process of the deployment, as Prometheus is to know it.
pub(crate) fn target(job: &str, address: SocketAddr) -> Target {
    Target { job: job.to_owned(), address: address.to_string(), deployment: "test".to_owned() }
}

/// The one value of an expression, none while it is absent.
pub(crate) fn value(prometheus: &Prometheus, expression: &str) -> Option<f64> {
    let found = prometheus.query(expression).unwrap();
    assert!(found.len() <= 1, "{expression}: {found:?}");
    found.first().map(|Series { value, .. }| *value)
}

/// Whether an alert fires with these labels.
pub(crate) fn fires(prometheus: &Prometheus, alert: &str, labels: &[(&str, &str)]) -> bool {
    let has = |found: &std::collections::BTreeMap<String, String>, name: &str, value: &str| {
        found.get(name).is_some_and(|found| found == value)
    };
    prometheus.firing().unwrap().iter().any(|found| {
        has(found, "alertname", alert) && labels.iter().all(|(name, value)| has(found, name, value))
    })
}

fn hurried_rules(folder: &Path, haste: u64) -> Vec<PathBuf> {
    let hurry = |path: PathBuf| {
        let copy = folder.join(path.file_name().unwrap());
        std::fs::write(&copy, hurried(&std::fs::read_to_string(&path).unwrap(), haste)).unwrap();
        copy
    };
    let entries = std::fs::read_dir(deploy("prometheus/rules")).unwrap();
    entries.map(|entry| hurry(entry.unwrap().path())).collect()
}

/// The rules with every duration divided: what stands in brackets (the step of a subquery too), after `offset`, and as
/// `for`, `keep_firing_for` and `interval`. Comments and texts for people stay as they are.
fn hurried(rules: &str, haste: u64) -> String {
    let line = |line: &str| {
        if line.trim_start().starts_with('#') {
            return line.to_owned();
        }
        ["[", ":", "offset ", " for: ", " keep_firing_for: ", " interval: "]
            .iter()
            .fold(line.to_owned(), |line, before| hurried_after(before, &line, haste))
    };
    rules.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn hurried_after(before: &str, line: &str, haste: u64) -> String {
    let mut parts = line.split(before);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (duration, tail) = rest.split_at(end);
        let shorter = milliseconds(duration).map(|long| format!("{}ms", (long / haste).max(1)));
        format!("{text}{before}{}{tail}", shorter.as_deref().unwrap_or(duration))
    })
}

/// A duration of one unit, which is all that the rules use.
fn milliseconds(duration: &str) -> Option<u64> {
    let digits = duration.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = duration.split_at(digits);
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some(count.parse::<u64>().ok()? * length)
}

#[test]
fn every_duration_of_a_rule_is_divided_and_nothing_else() {
    let rules = "  - name: g\n    interval: 15s\n    rules:\n      # For 30m, [5m].\n      - record: a:rate5m\n        \
                 expr: rate(b{c=\"d5m\"}[5m]) > b offset 10m or b[1h:5m]\n        for: 1h\n        description: for 5m";
    let expected = "  - name: g\n    interval: 250ms\n    rules:\n      # For 30m, [5m].\n      - record: a:rate5m\n        \
                    expr: rate(b{c=\"d5m\"}[5000ms]) > b offset 10000ms or b[60000ms:5000ms]\n        for: 60000ms\n        description: for 5m";
    assert_eq!(hurried(rules, MINUTES_TO_SECONDS), expected);
    let deployed = std::fs::read_to_string(deploy("prometheus/rules/pipeline.yml")).unwrap();
    let hurried = hurried(&deployed, MINUTES_TO_SECONDS);
    assert!(!hurried.contains("[10m]") && hurried.contains("[10000ms]") && hurried.contains("for: 5000ms"));
}

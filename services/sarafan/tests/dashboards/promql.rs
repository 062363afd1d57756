//! Expressions of panels: that Prometheus reads them, and that their metrics are there.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::json;

use crate::files::{Dashboard, dashboards, list, text, texts};

/// Names that Prometheus makes itself.
const OF_PROMETHEUS: [&str; 1] = ["ALERTS"];

/// Expressions of all panels, with what Grafana puts in, and where they stand.
fn expressions(dashboard: &Dashboard) -> Vec<(String, String)> {
    let panels = dashboard.panels().into_iter();
    let of = panels
        .flat_map(|panel| list(panel, "targets").iter().map(move |target| (panel, text(target, "expr"))));
    of.filter(|(_, expression)| !expression.is_empty())
        .map(|(panel, expression)| {
            let filled = expression.replace("${database}", "demo_shop").replace("$__rate_interval", "1m");
            assert!(!filled.contains('$'), "{}: {filled}", dashboard.place(panel));
            (dashboard.place(panel), filled)
        })
        .collect()
}

/// Names of the series that an expression selects: what stands before a `{`.
fn selected(expression: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let before = expression.match_indices('{').map(|(place, _)| &expression[..place]);
    before.map(|text| &text[text.rfind(|c| !is_name(c)).map_or(0, |place| place + 1)..]).collect()
}

/// The metric of a series: without what a histogram puts behind its name.
fn metric(series: &str) -> &str {
    ["_bucket", "_count", "_sum"].iter().find_map(|ending| series.strip_suffix(ending)).unwrap_or(series)
}

/// Names that the recording rules make.
fn recorded() -> BTreeSet<String> {
    let rules = texts("deploy/prometheus/rules", "yml");
    let lines = rules.iter().flat_map(|(_, text)| text.lines());
    lines.filter_map(|line| Some(line.trim().strip_prefix("- record: ")?.to_owned())).collect()
}

#[test]
fn prometheus_reads_every_expression() {
    let all: Vec<(String, String)> = dashboards().iter().flat_map(expressions).collect();
    assert!(all.len() > 40, "{}", all.len());
    let rule = |(place, (_, expression)): (usize, &(String, String))| json!({"record": format!("panel:{place}"), "expr": expression});
    let rules: Vec<_> = all.iter().enumerate().map(rule).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("panels.yml");
    std::fs::write(&file, json!({"groups": [{"name": "panels", "rules": rules}]}).to_string()).unwrap();
    let promtool = sarafan_localstack::promtool(&|_| ()).unwrap();
    let output = Command::new(promtool).args(["check", "rules"]).arg(&file).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn every_series_is_of_the_chosen_deployment_and_is_registered_or_recorded() {
    let (registered, recorded) = (sarafan_cli::metric_names(), recorded());
    for dashboard in dashboards() {
        for (place, expression) in expressions(&dashboard) {
            assert_eq!(
                expression.matches('{').count(),
                expression.matches("{deployment=\"demo_shop\"").count(),
                "{place}: a series of every deployment: {expression}"
            );
            for series in selected(&expression) {
                let known = recorded.contains(series)
                    || OF_PROMETHEUS.contains(&series)
                    || [series, metric(series)]
                        .iter()
                        .any(|name| registered.iter().any(|known| known == name));
                assert!(known, "{place}: nobody exports {series}");
            }
        }
    }
}

#[test]
fn every_metric_that_is_registered_is_in_a_panel_or_a_rule() {
    let mut texts: Vec<String> =
        texts("deploy/prometheus/rules", "yml").into_iter().map(|(_, text)| text).collect();
    texts.extend(dashboards().iter().flat_map(expressions).map(|(_, expression)| expression));
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words: BTreeSet<&str> = texts.iter().flat_map(|text| text.split(|c| !is_name(c))).collect();
    let metrics: BTreeSet<&str> = words.into_iter().flat_map(|word| [word, metric(word)]).collect();
    let registered = sarafan_cli::metric_names();
    let unseen: Vec<_> = registered.iter().filter(|name| !metrics.contains(*name)).collect();
    assert!(registered.len() > 30 && unseen.is_empty(), "nobody looks at {unseen:?}");
}

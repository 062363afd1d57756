//! The rules of Prometheus and the routing of Alertmanager: the real tools take them, every rule has its cases, and whoever is
//! woken finds out what to do.

#![allow(clippy::unwrap_used, clippy::panic)] // In helpers of tests too, where the lint does not see a test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sarafan_localstack::{amtool, promtool, silent};
use serde_json::Value;

/// What Prometheus itself says, beside the metrics of Sarafan.
const OF_PROMETHEUS: [&str; 2] = ["up", "prometheus_rule_evaluation_failures_total"];

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path)
}

/// The YAML files of a folder, in the order of their names.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(deploy(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|kind| kind == "yml")).collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} is empty");
    files
}

fn yaml(path: &Path) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// Every rule of every group.
fn rules() -> Vec<Value> {
    let of_file = |path: &PathBuf| {
        let groups = yaml(path);
        list(&groups["groups"]).iter().flat_map(|group| list(&group["rules"]).to_vec()).collect::<Vec<_>>()
    };
    files("prometheus/rules").iter().flat_map(of_file).collect()
}

fn alerts() -> Vec<Value> {
    let alerts: Vec<_> = rules().into_iter().filter(|rule| rule["alert"].is_string()).collect();
    assert!(alerts.len() >= 10, "{} alerts", alerts.len());
    alerts
}

/// All cases of one kind: `promql_expr_test` or `alert_rule_test`.
fn cases(kind: &str) -> Vec<Value> {
    let of_file = |path: &PathBuf| {
        let file = yaml(path);
        list(&file["tests"]).iter().flat_map(|test| list(&test[kind]).to_vec()).collect::<Vec<_>>()
    };
    files("prometheus/tests").iter().flat_map(of_file).collect()
}

/// Names of metrics and recorded series in an expression: identifiers outside of quotes that hold `sarafan`, or that
/// Prometheus itself writes.
fn names(expression: &str) -> BTreeSet<String> {
    let outside: String = expression.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let words = outside.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    let is_name = |word: &&str| {
        word.starts_with("sarafan_") || word.starts_with("sarafan:") || OF_PROMETHEUS.contains(word)
    };
    words.filter(is_name).map(str::to_owned).collect()
}

/// Runs a tool; fails with what it said unless it succeeded.
fn succeed(tool: &Path, arguments: &[&str], paths: &[PathBuf]) -> String {
    let output = Command::new(tool).args(arguments).args(paths).output().unwrap();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(output.status.success(), "{} {arguments:?}: {}", tool.display(), said.join("\n"));
    said[0].clone()
}

#[test]
fn prometheus_takes_every_rule_and_every_case_holds() {
    let promtool = promtool(&silent).unwrap();
    succeed(&promtool, &["check", "config"], &[deploy("prometheus/prometheus.yml")]);
    succeed(&promtool, &["check", "rules"], &files("prometheus/rules"));
    succeed(&promtool, &["test", "rules"], &files("prometheus/tests"));
}

#[test]
fn every_recorded_series_has_a_case_with_a_value() {
    let shown: BTreeSet<String> = cases("promql_expr_test")
        .iter()
        .filter(|case| !list(&case["exp_samples"]).is_empty())
        .flat_map(|case| {
            // A name may be in the expected labels only, where the expression selects several.
            let labels = list(&case["exp_samples"]).iter().map(|sample| text(sample, "labels"));
            labels.chain([text(case, "expr")]).flat_map(names).collect::<Vec<_>>()
        })
        .collect();
    for rule in rules().iter().filter(|rule| rule["record"].is_string()) {
        assert!(shown.contains(text(rule, "record")), "no case with a value for {}", text(rule, "record"));
    }
}

#[test]
fn every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() {
    let mut seen: BTreeMap<String, [bool; 2]> = BTreeMap::new();
    for case in cases("alert_rule_test") {
        let fires = !list(&case["exp_alerts"]).is_empty();
        seen.entry(text(&case, "alertname").to_owned()).or_default()[usize::from(fires)] = true;
    }
    for alert in alerts() {
        let name = text(&alert, "alert");
        assert_eq!(seen.get(name), Some(&[true, true]), "{name}: [quiet, firing]");
    }
}

#[test]
fn every_alert_says_what_it_means_and_its_section_of_the_runbook_is_there() {
    let runbook = fs::read_to_string(deploy("RUNBOOK.md")).unwrap();
    let sections: BTreeMap<&str, &str> =
        runbook.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap()).collect();
    let alerts = alerts();
    for alert in &alerts {
        let name = text(alert, "alert");
        let (labels, annotations) = (&alert["labels"], &alert["annotations"]);
        assert!(["critical", "warning"].contains(&text(labels, "severity")), "{name}: severity");
        assert!(["operators", "business"].contains(&text(labels, "audience")), "{name}: audience");
        assert!(alert["for"].is_string(), "{name} fires at the first evaluation");
        for annotation in ["summary", "description"] {
            assert!(text(annotations, annotation).contains("{{ $labels."), "{name}: {annotation} of which?");
        }
        let anchor = format!("deploy/RUNBOOK.md#{}", name.to_lowercase());
        assert_eq!(text(annotations, "runbook_url"), anchor, "{name}");
        let section = sections.get(name).unwrap_or_else(|| panic!("the runbook has no section {name}"));
        for part in ["**Over**", if section.contains("As [") { "As [" } else { "**Figures.**" }] {
            assert!(section.contains(part), "{name} in the runbook: no {part}");
        }
    }
    let known: BTreeSet<&str> = alerts.iter().map(|alert| text(alert, "alert")).collect();
    let written: BTreeSet<&str> = sections.keys().copied().collect();
    assert_eq!(written.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "sections of no alert");
}

#[test]
fn rules_and_runbook_speak_of_series_that_are_exported_or_recorded() {
    let rules = rules();
    let recorded: BTreeSet<&str> = rules.iter().map(|rule| text(rule, "record")).collect();
    let exported = sarafan_cli::metric_names();
    let mut read: BTreeSet<String> = rules.iter().flat_map(|rule| names(text(rule, "expr"))).collect();
    assert!(read.len() > 40, "{read:?}");
    read.extend(names(&fs::read_to_string(deploy("RUNBOOK.md")).unwrap()));
    for name in read {
        // A histogram is exported under one name and read under three; a private table is named in SQL.
        let parts = ["_bucket", "_count", "_sum"].map(|part| name.strip_suffix(part).unwrap_or(&name));
        let is_known = recorded.contains(name.as_str())
            || OF_PROMETHEUS.contains(&name.as_str())
            || parts.iter().any(|name| exported.contains(name))
            || name == "sarafan_store";
        assert!(is_known, "nobody exports or records {name}");
    }
}

#[test]
fn alerts_go_to_those_who_act_on_them() {
    let amtool = amtool(&silent).unwrap();
    let config = deploy("alertmanager/alertmanager.yml");
    succeed(&amtool, &["check-config"], std::slice::from_ref(&config));
    let file = format!("--config.file={}", config.display());
    let receiver = |labels: [&str; 3]| {
        let arguments = [&["config", "routes", "test", file.as_str()][..], &labels].concat();
        succeed(&amtool, &arguments, &[]).trim().to_owned()
    };
    for alert in alerts() {
        let (name, labels) = (text(&alert, "alert"), &alert["labels"]);
        let (severity, audience) = (text(labels, "severity"), text(labels, "audience"));
        let expected = match (audience, severity) {
            ("business", _) => "executives-and-analysts",
            ("operators", "critical") => "on-call-pager",
            ("operators", "warning") => "on-call-chat",
            other => panic!("nobody is to be told of {name}: {other:?}"),
        };
        let found = receiver([
            &format!("alertname={name}"),
            &format!("severity={severity}"),
            &format!("audience={audience}"),
        ]);
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(receiver(["alertname=Unheard", "severity=none", "audience=none"]), "on-call-chat");
}

#[test]
fn what_is_silenced_by_a_cause_is_an_alert_that_there_is() {
    let config = yaml(&deploy("alertmanager/alertmanager.yml"));
    let alerts = alerts();
    let severity: BTreeMap<&str, &str> =
        alerts.iter().map(|alert| (text(alert, "alert"), text(&alert["labels"], "severity"))).collect();
    let inhibitions = list(&config["inhibit_rules"]);
    assert!(!inhibitions.is_empty());
    for rule in inhibitions {
        let [source] = &named(&rule["source_matchers"])[..] else { panic!("one cause at a time: {rule}") };
        assert!(severity.contains_key(source.as_str()), "{source}");
        for target in named(&rule["target_matchers"]) {
            let silenced = severity.get(target.as_str()).unwrap_or_else(|| panic!("no alert {target}"));
            let equal: Vec<_> = list(&rule["equal"]).iter().filter_map(Value::as_str).collect();
            assert!(equal.contains(&"deployment"), "{source} silences {target} of other deployments");
            // What pages nobody may silence a page only where it is about the same process.
            let is_worse = *silenced == "critical" && severity[source.as_str()] == "warning";
            assert!(!is_worse || equal.contains(&"instance"), "{source} silences {target}, which is worse");
        }
    }
}

/// The alerts that `alertname = A` or `alertname =~ "Sarafan(A|B)"` name.
fn named(matchers: &Value) -> Vec<String> {
    let matcher = list(matchers).iter().filter_map(Value::as_str).find(|m| m.starts_with("alertname"));
    let matcher = matcher.unwrap_or_else(|| panic!("no alertname in {matchers}"));
    match matcher.split_once("=~ \"Sarafan(") {
        Some((_, several)) => {
            several.trim_end_matches(")\"").split('|').map(|name| format!("Sarafan{name}")).collect()
        }
        None => vec![matcher.trim_start_matches("alertname = ").to_owned()],
    }
}

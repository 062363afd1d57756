//! The chart in deploy/helm, linted and rendered by the real Helm.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};

use crate::files::{deployed, documents, file, found, items, strings, text};
use k8s_openapi::api::{apps::v1 as apps, batch::v1 as batch, core::v1 as core};
use k8s_openapi::api::{networking::v1 as networking, policy::v1 as policy};
use serde::de::DeserializeOwned;
use serde_json::Value;

const CHART: &str = "deploy/helm/sarafan";
const CONFIGURATION: &str = "deploy/config/minimal.toml";
/// The least that has to be said, and what an installation that matters says.
const VALUES: [&str; 2] = ["smallest", "production"];

/// `helm COMMAND` on the chart with one of the files of values, or nothing where there is no Helm.
fn helm(command: &[&str], values: &str, more: &[&str]) -> Option<Output> {
    let program = found(sarafan_localstack::helm(&sarafan_localstack::silent))?;
    let mut helm = Command::new(program);
    helm.current_dir(file("")).args(command).arg(CHART);
    helm.arg("--values").arg(format!("{CHART}/ci/{values}-values.yaml"));
    // Helm asks no cluster for its version, and one that was built from its module has an old one built in.
    helm.args(["--set-file", &format!("config={CONFIGURATION}"), "--kube-version", "1.33.0"]);
    Some(helm.args(more).output().unwrap())
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8(both).unwrap()
}

fn rendered_text(values: &str) -> Option<String> {
    let output = helm(&["template", "loyalty"], values, &["--namespace", "insight"])?;
    assert!(output.status.success(), "{}", said(&output));
    Some(String::from_utf8(output.stdout).unwrap())
}

fn rendered(values: &str) -> Option<Vec<Value>> {
    Some(documents(&rendered_text(values)?))
}

fn of_kind<'a>(manifests: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    manifests.iter().filter(move |manifest| manifest["kind"] == kind)
}

fn name(manifest: &Value) -> &str {
    manifest["metadata"]["name"].as_str().unwrap()
}

/// A pod that a manifest asks for.
struct Pod<'a> {
    /// Name of who asks.
    name: &'a str,
    labels: &'a Value,
    spec: &'a Value,
}

fn pods<'a>(manifests: &'a [Value]) -> Vec<Pod<'a>> {
    let pod = |manifest: &'a Value| {
        let pod = if manifest["kind"] == "Pod" { manifest } else { manifest["spec"].get("template")? };
        Some(Pod { name: name(manifest), labels: &pod["metadata"]["labels"], spec: &pod["spec"] })
    };
    manifests.iter().filter_map(pod).collect()
}

#[test]
fn the_chart_lints() {
    for values in VALUES {
        let Some(output) = helm(&["lint", "--strict"], values, &[]) else { return };
        assert!(output.status.success(), "{}", said(&output));
    }
}

/// What is on the cluster's side of the chart, seen by whoever reviews a change. The dashboards and rules are left out:
/// they are the files of other folders, which another test says.
#[test]
fn what_is_rendered_is_what_was_reviewed() {
    for values in VALUES {
        let Some(rendered) = rendered_text(values) else { return };
        let other = |document: &&str| {
            !document.contains("sarafan/templates/dashboards.yaml")
                && !document.contains("sarafan/templates/prometheusrules.yaml")
        };
        let own: Vec<&str> = rendered.split("---\n").filter(other).collect();
        insta::assert_snapshot!(values, own.join("---\n"));
    }
}

/// Reads a manifest as Kubernetes' own type; what that type does not know is an error.
fn strictly<T: DeserializeOwned>(manifest: &Value) -> Result<(), String> {
    let mut unknown = Vec::new();
    serde_ignored::deserialize::<_, _, T>(manifest, |path| unknown.push(path.to_string()))
        .map_err(|error| error.to_string())?;
    if unknown.is_empty() { Ok(()) } else { Err(format!("unknown: {}", unknown.join(", "))) }
}

fn as_kubernetes_reads_it(manifest: &Value) -> Result<(), String> {
    let kind = (manifest["apiVersion"].as_str().unwrap_or(""), manifest["kind"].as_str().unwrap_or(""));
    match kind {
        ("v1", "ConfigMap") => strictly::<core::ConfigMap>(manifest),
        ("v1", "Pod") => strictly::<core::Pod>(manifest),
        ("v1", "Service") => strictly::<core::Service>(manifest),
        ("v1", "ServiceAccount") => strictly::<core::ServiceAccount>(manifest),
        ("apps/v1", "Deployment") => strictly::<apps::Deployment>(manifest),
        ("apps/v1", "StatefulSet") => strictly::<apps::StatefulSet>(manifest),
        ("batch/v1", "Job") => strictly::<batch::Job>(manifest),
        ("policy/v1", "PodDisruptionBudget") => strictly::<policy::PodDisruptionBudget>(manifest),
        ("networking.k8s.io/v1", "NetworkPolicy") => strictly::<networking::NetworkPolicy>(manifest),
        // Of operators that a cluster may have: looked at by tests of their own.
        ("monitoring.coreos.com/v1", "ServiceMonitor" | "PrometheusRule")
        | ("keda.sh/v1alpha1", "ScaledObject") => Ok(()),
        (group, kind) => Err(format!("no test knows {group} {kind}")),
    }
}

#[test]
fn every_manifest_is_one_that_kubernetes_knows() {
    for values in VALUES {
        let Some(manifests) = rendered(values) else { return };
        for manifest in &manifests {
            as_kubernetes_reads_it(manifest)
                .unwrap_or_else(|error| panic!("{values} {}: {error}", name(manifest)));
        }
        let mut names: Vec<_> =
            manifests.iter().map(|manifest| (manifest["kind"].as_str(), name(manifest))).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "two of one name: {names:?}");
        // The check would see a misspelt key and a wrong type.
        let mut wrong = of_kind(&manifests, "StatefulSet").next().unwrap().clone();
        wrong["spec"]["template"]["spec"]["terminationGracePeriod"] = 30.into();
        assert!(as_kubernetes_reads_it(&wrong).unwrap_err().contains("terminationGracePeriod"));
        let mut wrong = of_kind(&manifests, "Deployment").next().unwrap().clone();
        wrong["spec"]["replicas"] = "two".into();
        assert!(as_kubernetes_reads_it(&wrong).is_err());
    }
}

#[test]
fn no_pod_has_a_right_it_does_not_need() {
    for values in VALUES {
        let Some(manifests) = rendered(values) else { return };
        let pods = pods(&manifests);
        assert_eq!(pods.len(), 5, "ingest, aggregator, audit, migrate, doctor");
        for Pod { name, spec, .. } in pods {
            assert_eq!(spec["automountServiceAccountToken"], false, "{name}");
            assert_eq!(spec["securityContext"]["runAsNonRoot"], true, "{name}");
            assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{name}");
            for container in items(&spec["containers"]) {
                let rights = &container["securityContext"];
                assert_eq!(rights["readOnlyRootFilesystem"], true, "{name}");
                assert_eq!(rights["allowPrivilegeEscalation"], false, "{name}");
                assert_eq!(strings(&rights["capabilities"]["drop"]), ["ALL"], "{name}");
                assert!(container["resources"]["limits"]["memory"].is_string(), "{name}");
                assert!(container["resources"]["requests"]["cpu"].is_string(), "{name}");
                let image = container["image"].as_str().unwrap();
                let own = format!("sarafan:{}", env!("CARGO_PKG_VERSION"));
                assert!(image == own || image.contains("@sha256:"), "{name}: {image}");
            }
        }
    }
}

/// The environment of a container; a stand-in for what is not known before it runs.
fn environment(container: &Value) -> Vec<(String, String)> {
    let variable = |variable: &Value| {
        let value = variable["value"].as_str().unwrap_or("stand-in");
        (variable["name"].as_str().unwrap().to_owned(), value.to_owned())
    };
    items(&container["env"]).iter().map(variable).collect()
}

#[test]
fn what_pods_are_told_is_a_configuration_and_wins_over_the_file() {
    for (values, brokers, database) in [
        ("smallest", "kafka:9092", "sarafan"),
        ("production", "kafka-0.kafka:9093,kafka-1.kafka:9093,kafka-2.kafka:9093", "loyalty"),
    ] {
        let Some(manifests) = rendered(values) else { return };
        let files: BTreeMap<&str, &str> = of_kind(&manifests, "ConfigMap")
            .filter_map(|map| Some((name(map), map["data"]["sarafan.toml"].as_str()?)))
            .collect();
        for Pod { name, spec, .. } in pods(&manifests) {
            let mounted = items(&spec["volumes"]).iter().find(|volume| volume["name"] == "config").unwrap();
            let toml = files[mounted["configMap"]["name"].as_str().unwrap()];
            assert_eq!(toml.trim_end(), text(CONFIGURATION).trim_end());
            let environment = environment(&spec["containers"][0]);
            let deployment = deployed(toml, &environment);
            assert_eq!(deployment.kafka.brokers, brokers, "{name}");
            assert_eq!(deployment.clickhouse.database, database, "{name}");
            if values == "production" {
                assert_eq!(deployment.kafka.properties["sasl.password"], "stand-in", "{name}");
                assert_eq!(deployment.topics.partitions, 48, "{name}");
            }
        }
    }
}

#[test]
fn an_aggregator_keeps_its_name_and_has_time_to_drain() {
    for (values, drain) in [("smallest", 10), ("production", 25)] {
        let Some(manifests) = rendered(values) else { return };
        let set = of_kind(&manifests, "StatefulSet").next().unwrap();
        let container = &set["spec"]["template"]["spec"]["containers"][0];
        let id = items(&container["env"])
            .iter()
            .find(|v| v["name"] == "SARAFAN__AGGREGATOR__INSTANCE_ID")
            .unwrap();
        assert_eq!(id["valueFrom"]["fieldRef"]["fieldPath"], "metadata.name");
        for workload in of_kind(&manifests, "Deployment").chain([set]) {
            let spec = &workload["spec"]["template"]["spec"];
            assert!(spec["terminationGracePeriodSeconds"].as_i64().unwrap() > drain + 10, "{values}");
            let container = &spec["containers"][0];
            let told =
                environment(container).into_iter().find(|(name, _)| name.ends_with("DRAIN_SECONDS")).unwrap();
            assert_eq!(told.1, drain.to_string());
            let probe = |probe: &str| container[probe]["httpGet"]["path"].as_str().unwrap().to_owned();
            assert_eq!(
                [probe("startupProbe"), probe("livenessProbe"), probe("readinessProbe")],
                ["/livez", "/livez", "/readyz"]
            );
        }
    }
}

#[test]
fn selectors_select_the_pods_they_are_meant_for() {
    for values in VALUES {
        let Some(manifests) = rendered(values) else { return };
        let pods = pods(&manifests);
        let selected = |selector: &Value| -> Vec<&str> {
            let wanted = selector.as_object().unwrap();
            assert!(!wanted.is_empty());
            let fits = |labels: &Value| wanted.iter().all(|(label, value)| labels.get(label) == Some(value));
            pods.iter().filter(|pod| fits(pod.labels)).map(|pod| pod.name).collect()
        };
        for manifest in &manifests {
            let spec = &manifest["spec"];
            let own = vec![name(manifest)];
            match manifest["kind"].as_str().unwrap() {
                "Deployment" | "StatefulSet" => {
                    assert_eq!(selected(&spec["selector"]["matchLabels"]), own);
                    for spread in items(&spec["template"]["spec"]["topologySpreadConstraints"]) {
                        assert_eq!(selected(&spread["labelSelector"]["matchLabels"]), own);
                    }
                }
                "PodDisruptionBudget" => assert_eq!(selected(&spec["selector"]["matchLabels"]), own),
                "Service" => assert_eq!(selected(&spec["selector"]), own),
                "NetworkPolicy" => {
                    assert_eq!(selected(&spec["podSelector"]["matchLabels"]).len(), pods.len())
                }
                _ => {}
            }
        }
        let set = of_kind(&manifests, "StatefulSet").next().unwrap();
        assert!(of_kind(&manifests, "Service").any(|service| name(service) == set["spec"]["serviceName"]));
    }
}

#[test]
fn migrations_come_before_everything_and_need_nothing_of_the_release() {
    let Some(manifests) = rendered("production") else { return };
    let hook =
        |manifest: &Value| manifest["metadata"]["annotations"]["helm.sh/hook"].as_str().map(str::to_owned);
    let weight = |manifest: &Value| -> i32 {
        manifest["metadata"]["annotations"]["helm.sh/hook-weight"].as_str().unwrap().parse().unwrap()
    };
    let job = of_kind(&manifests, "Job").next().unwrap();
    let before = Some("pre-install,pre-upgrade,pre-rollback".to_owned());
    assert_eq!(hook(job), before);
    assert_eq!(strings(&job["spec"]["template"]["spec"]["containers"][0]["args"]), ["rebuild"]);
    let spec = &job["spec"]["template"]["spec"];
    assert!(spec["serviceAccountName"].is_null(), "the release's account is not there yet");
    let map = spec["volumes"][0]["configMap"]["name"].as_str().unwrap();
    let map = of_kind(&manifests, "ConfigMap").find(|manifest| name(manifest) == map).unwrap();
    assert_eq!(hook(map), before);
    assert!(weight(map) < weight(job));
}

#[test]
fn traffic_is_allowed_to_the_ports_that_are_configured() {
    for (values, kafka, clickhouse) in [("smallest", 9092, 8123), ("production", 9093, 443)] {
        let Some(manifests) = rendered(values) else { return };
        let policy = &of_kind(&manifests, "NetworkPolicy").next().unwrap()["spec"];
        let out: Vec<_> = items(&policy["egress"])
            .iter()
            .flat_map(|rule| items(&rule["ports"]))
            .map(|p| &p["port"])
            .collect();
        assert_eq!(out, [53, 53, kafka, clickhouse]);
        assert_eq!(strings(&policy["policyTypes"]), ["Ingress", "Egress"]);
        assert_eq!(policy["ingress"][0]["ports"][0]["port"], "metrics");
        assert_eq!(policy["ingress"][0]["from"].is_array(), values == "production");
    }
}

#[test]
fn ingest_is_scaled_on_the_lag_of_its_own_group() {
    let Some(manifests) = rendered("production") else { return };
    let scaled = &of_kind(&manifests, "ScaledObject").next().unwrap()["spec"];
    let ingest =
        of_kind(&manifests, "Deployment").find(|d| scaled["scaleTargetRef"]["name"] == name(d)).unwrap();
    assert!(ingest["spec"]["replicas"].is_null(), "an upgrade would undo the scaling");
    let environment: BTreeMap<_, _> =
        environment(&ingest["spec"]["template"]["spec"]["containers"][0]).into_iter().collect();
    let deployment = deployed(&text(CONFIGURATION), &[]);
    let topics: BTreeSet<&str> = items(&scaled["triggers"])
        .iter()
        .map(|trigger| {
            assert_eq!(trigger["type"], "kafka");
            let metadata = &trigger["metadata"];
            assert_eq!(metadata["consumerGroup"], environment["SARAFAN__INGEST__GROUP"]);
            assert_eq!(metadata["bootstrapServers"], environment["SARAFAN__KAFKA__BROKERS"]);
            metadata["topic"].as_str().unwrap()
        })
        .collect();
    assert_eq!(topics, deployment.mapping.topics().collect());
}

#[test]
fn targets_are_labelled_as_the_rules_expect() {
    let Some(manifests) = rendered("production") else { return };
    let monitor = of_kind(&manifests, "ServiceMonitor").next().unwrap();
    let relabelings = items(&monitor["spec"]["endpoints"][0]["relabelings"]);
    let relabeling = |label: &str| relabelings.iter().find(|rule| rule["targetLabel"] == label).unwrap();
    assert_eq!(relabeling("deployment")["replacement"], "loyalty", "the database of the views");
    assert_eq!(relabeling("job")["replacement"], "sarafan-$1");
    let wanted = monitor["spec"]["selector"]["matchLabels"].as_object().unwrap();
    for service in of_kind(&manifests, "Service") {
        let labels = &service["metadata"]["labels"];
        assert!(wanted.iter().all(|(label, value)| labels.get(label) == Some(value)));
        // The component becomes the job.
        let jobs = ["ingest", "aggregator", "audit"];
        assert!(jobs.contains(&labels["app.kubernetes.io/component"].as_str().unwrap()));
        assert_eq!(service["spec"]["ports"][0]["name"], monitor["spec"]["endpoints"][0]["port"]);
    }
}

/// The files of a folder with this ending, by name.
fn files_in(folder: &str, ending: &str) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(file(folder)).unwrap().map(|entry| entry.unwrap().path());
    let named = entries.filter(|path| path.extension().is_some_and(|found| found == ending));
    named
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn rules_and_dashboards_are_the_tested_ones() {
    let Some(manifests) = rendered("production") else { return };
    let rules = files_in("deploy/prometheus/rules", "yml");
    let dashboards = files_in("grafana/dashboards", "json");
    assert!(!rules.is_empty() && !dashboards.is_empty());
    let deployed: Vec<&Value> =
        of_kind(&manifests, "PrometheusRule").map(|manifest| &manifest["spec"]).collect();
    let addressed = |text: &String| {
        let text = text.replace("deploy/RUNBOOK.md", "https://runbooks.example.com/sarafan");
        documents(&text).swap_remove(0)
    };
    let expected: Vec<Value> = rules.values().map(addressed).collect();
    assert_eq!(deployed, expected.iter().collect::<Vec<_>>());
    let shown: BTreeMap<String, String> = of_kind(&manifests, "ConfigMap")
        .filter(|map| map["metadata"]["labels"]["grafana_dashboard"] == "1")
        .flat_map(|map| map["data"].as_object().unwrap())
        .map(|(name, text)| (name.clone(), text.as_str().unwrap().trim_end().to_owned()))
        .collect();
    let expected = dashboards.into_iter().map(|(name, text)| (name, text.trim_end().to_owned())).collect();
    assert_eq!(shown, expected);
}

#[test]
fn values_that_cannot_be_right_are_refused_and_it_is_said_which() {
    for (value, expected) in [
        ("ingest.replica=3", "replica"),
        ("ingest.replicas=many", "/ingest/replicas"),
        ("image.tag=latest", "/image/tag"),
        ("image.digest=sha256:abc", "/image/digest"),
        ("kafka.brokers=kafka", "/kafka/brokers"),
        ("clickhouse.url=clickhouse:8123", "/clickhouse/url"),
        ("clickhouse.database=my-views", "/clickhouse/database"),
        ("clickhouse.password=secret", "password"),
        ("drainSeconds=0", "/drainSeconds"),
        ("ingest.keda.enabled=true", "ingest.keda.topics: name the source topics"),
        ("aggregator.replicas=13", "aggregator.replicas is 13 and topics.partitions is 12"),
        ("config=/dev/null", "config: give the text of sarafan.toml"),
        ("kafka.brokers=", "kafka.brokers: name the brokers"),
    ] {
        // The file of the configuration is not set from here but read.
        let set = if value.starts_with("config=") { "--set-file" } else { "--set" };
        let Some(output) = helm(&["template", "loyalty"], "smallest", &[set, value]) else { return };
        assert!(!output.status.success(), "{value} is taken");
        assert!(said(&output).contains(expected), "{value}: {}", said(&output));
    }
}

/// The paths of all values; what a person fills is a leaf.
fn paths(value: &Value, above: &str, found: &mut BTreeSet<String>) {
    match value.as_object().filter(|table| !table.is_empty()) {
        Some(table) => {
            for (key, value) in table {
                paths(value, &format!("{above}{key}."), found);
            }
        }
        None => _ = found.insert(above.trim_end_matches('.').to_owned()),
    }
}

#[test]
fn every_value_is_explained_and_every_explained_one_is_there() {
    let values = documents(&text(&format!("{CHART}/values.yaml"))).swap_remove(0);
    let mut there = BTreeSet::new();
    paths(&values, "", &mut there);
    let readme = text(&format!("{CHART}/README.md"));
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let explained: BTreeSet<String> = rows.map(|(path, _)| path.to_owned()).collect();
    // A row may speak of a whole table, such as `ingest.resources`.
    let covers = |row: &String, path: &String| path == row || path.starts_with(&format!("{row}."));
    for path in &there {
        assert!(explained.iter().any(|row| covers(row, path)), "{path} is not in the README");
    }
    for row in &explained {
        assert!(there.iter().any(|path| covers(row, path)), "{row} is in the README and is no value");
    }
}

#[test]
fn the_chart_is_of_the_programs_version() {
    let chart = documents(&text(&format!("{CHART}/Chart.yaml"))).swap_remove(0);
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}

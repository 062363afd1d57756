//! docker-compose.yml: what it starts is pinned, limited and watched, and reads files that are tested elsewhere.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use crate::files::{deployed, documents, file, found, items, strings, text};
use serde_json::Value;

const COMPOSE: &str = "docker-compose.yml";
const ENVIRONMENT: &str = "deploy/.env.example";

fn compose() -> Value {
    documents(&text(COMPOSE)).swap_remove(0)
}

fn services(compose: &Value) -> impl Iterator<Item = (&str, &Value)> {
    compose["services"].as_object().unwrap().iter().map(|(name, service)| (name.as_str(), service))
}

/// Whether it is there until it is told to stop; the others are jobs.
fn serves(service: &Value) -> bool {
    service["restart"] == "unless-stopped"
}

/// What is between the braces of every `${...}`; `$${...}` is the shell's.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split_inclusive("${").collect::<Vec<_>>();
    let opened = after.windows(2).filter(|pair| pair[0].ends_with("${") && !pair[0].ends_with("$${"));
    opened.map(|pair| pair[1].split_once('}').unwrap().0).collect::<Vec<_>>().into_iter()
}

/// The text with the default of every variable that has one.
fn with_defaults(text: &str) -> String {
    variables(text).fold(text.to_owned(), |done, variable| {
        let default = variable.split_once(":-").map_or("", |(_, default)| default);
        done.replace(&format!("${{{variable}}}"), default)
    })
}

/// Source and target of the mounts of what is in the repository: all of them read-only.
fn mounts(service: &Value) -> Vec<(String, String)> {
    let mount = |mount: &str| {
        let mount = with_defaults(mount);
        let own = mount.strip_prefix("./")?;
        let read_only = own.strip_suffix(":ro").unwrap_or_else(|| panic!("{mount} can be written to"));
        let (source, target) = read_only.split_once(':').unwrap();
        Some((source.to_owned(), target.to_owned()))
    };
    strings(&service["volumes"]).into_iter().filter_map(mount).collect()
}

/// The file or folder of the repository that a container sees at `path`.
fn mounted_at(service: &Value, path: &str) -> Option<String> {
    mounts(service).into_iter().find_map(|(source, target)| {
        let below = path.strip_prefix(&target)?;
        (below.is_empty() || below.starts_with('/')).then(|| source + below)
    })
}

#[test]
fn every_image_is_pinned() {
    for (name, service) in services(&compose()) {
        let image = with_defaults(service["image"].as_str().unwrap());
        let (_, tag) = image.rsplit_once(':').unwrap_or_else(|| panic!("{name}: {image} has no tag"));
        let version = tag.trim_start_matches('v');
        assert!(version.split('.').count() >= 3, "{name}: {image} says no release");
        assert!(version.split('.').all(|part| part.parse::<u32>().is_ok()), "{name}: {image}");
        let own = image.starts_with("sarafan:");
        assert_eq!(service["build"]["dockerfile"] == "deploy/Dockerfile", own, "{name}");
        assert!(!own || tag == env!("CARGO_PKG_VERSION"), "{name}: {image}");
    }
}

#[test]
fn every_service_is_limited_and_what_serves_is_watched_and_started_again() {
    let compose = compose();
    for (name, service) in services(&compose) {
        let limits = &service["deploy"]["resources"]["limits"];
        assert!(limits["cpus"].is_string() && limits["memory"].is_string(), "{name} has no limits");
        assert_eq!(service["healthcheck"]["test"].is_array(), serves(service), "{name}: health check");
        assert!(serves(service) || service["restart"] == "no", "{name}: restart");
        for port in strings(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port} is open to others");
        }
    }
    assert!(services(&compose).filter(|(_, service)| serves(service)).count() >= 10);
}

#[test]
fn whoever_is_waited_for_comes_to_be_what_is_waited_for() {
    let compose = compose();
    let mut waits = 0;
    for (name, service) in services(&compose) {
        let Some(needed) = service["depends_on"].as_object() else { continue };
        for (needed, how) in needed {
            let other = &compose["services"][needed];
            let becomes = if serves(other) { "service_healthy" } else { "service_completed_successfully" };
            assert_eq!(how["condition"], becomes, "{name} waits for {needed}");
            assert!(
                other["profiles"].is_null() || other["profiles"] == service["profiles"],
                "{name} waits for {needed}, which may not be started"
            );
            waits += 1;
        }
    }
    assert!(waits >= 15, "{waits}");
}

#[test]
fn whatever_is_mounted_is_there() {
    let compose = compose();
    let all: Vec<_> = services(&compose).flat_map(|(_, service)| mounts(service)).collect();
    for (source, target) in &all {
        assert!(file(source).exists(), "{source}, mounted at {target}, is not in the repository");
    }
    let volumes: BTreeSet<&str> =
        compose["volumes"].as_object().unwrap().keys().map(String::as_str).collect();
    let used: BTreeSet<String> = services(&compose)
        .flat_map(|(_, service)| {
            strings(&service["volumes"]).into_iter().map(with_defaults).collect::<Vec<_>>()
        })
        .filter(|mount| !mount.starts_with("./"))
        .map(|mount| mount.split(':').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(used, volumes.into_iter().map(str::to_owned).collect());
    assert!(all.len() >= 10, "{all:?}");
}

#[test]
fn every_variable_is_explained_and_has_its_default_where_it_is_explained() {
    let compose = text(COMPOSE);
    let explained: BTreeSet<(String, String)> = text(ENVIRONMENT)
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .filter(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let names: BTreeSet<&str> = explained.iter().map(|(name, _)| name.as_str()).collect();
    let used: BTreeSet<&str> =
        variables(&compose).map(|variable| variable.split([':', '-']).next().unwrap_or_default()).collect();
    assert_eq!(used, names, "used in {COMPOSE}, and explained in {ENVIRONMENT}");
    for variable in variables(&compose) {
        match variable.split_once(":-") {
            // Whoever gives an empty one asks whether it is set.
            Some((_, "")) => {}
            Some((name, default)) => {
                let default = default.trim_start_matches("./");
                assert!(explained.contains(&(name.to_owned(), default.to_owned())), "{name}: {default}");
            }
            None => {
                assert!(variable.ends_with(":?see deploy/.env.example"), "{variable} is empty when unset")
            }
        }
    }
}

#[test]
fn what_the_services_are_told_is_a_configuration() {
    let compose = compose();
    let mut databases = BTreeSet::new();
    for (name, service) in services(&compose) {
        let Some(configuration) = mounted_at(service, "/etc/sarafan/sarafan.toml") else { continue };
        let environment = service["environment"].as_object().unwrap().iter();
        let environment: Vec<_> = environment
            .filter(|(name, _)| name.starts_with("SARAFAN__"))
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let deployment = deployed(&text(&configuration), &environment);
        assert_eq!(deployment.kafka.brokers, "kafka:19092", "{name}");
        assert_eq!(deployment.clickhouse.url, "http://clickhouse:8123", "{name}");
        databases.insert(deployment.clickhouse.database);
        for argument in strings(&service["command"]).into_iter().filter(|argument| argument.starts_with('/'))
        {
            let data = mounted_at(service, argument).unwrap_or_else(|| panic!("{name}: {argument}"));
            assert!(file(&data).is_file(), "{name}: {data}");
        }
    }
    assert_eq!(databases, ["demo_shop", "sarafan"].map(str::to_owned).into());
}

#[test]
fn prometheus_asks_every_replica_of_every_service_of_both_deployments() {
    let compose = compose();
    let prometheus = &compose["services"]["prometheus"];
    let read = mounted_at(prometheus, "/etc/prometheus/prometheus.yml").unwrap();
    let config = documents(&text(&read)).swap_remove(0);
    let targets = |found: &Value| -> Vec<String> {
        let named = items(&found["dns_sd_configs"]).iter().flat_map(|group| {
            let port = group["port"].as_u64().unwrap_or_default();
            strings(&group["names"]).into_iter().map(move |name| format!("{name}:{port}"))
        });
        let listed = items(&found["static_configs"]).iter().flat_map(|group| strings(&group["targets"]));
        named.chain(listed.map(str::to_owned)).collect()
    };
    let scraped: BTreeSet<String> = items(&config["scrape_configs"]).iter().flat_map(targets).collect();
    let serving: BTreeSet<String> = services(&compose)
        .filter(|(_, service)| serves(service) && mounted_at(service, "/etc/sarafan/sarafan.toml").is_some())
        .map(|(name, _)| format!("{name}:9100"))
        .collect();
    assert_eq!(serving.len(), 6);
    assert!(serving.is_subset(&scraped), "{scraped:?}");
    let alerted = items(&config["alerting"]["alertmanagers"]).iter().flat_map(targets);
    assert_eq!(alerted.collect::<Vec<_>>(), ["alertmanager:9093"]);
    for pattern in strings(&config["rule_files"]) {
        let pattern = Path::new("/etc/prometheus").join(pattern);
        let folder = pattern.parent().unwrap().to_str().unwrap();
        assert_eq!(mounted_at(prometheus, folder).as_deref(), Some("deploy/prometheus/rules"));
    }
    assert!(!items(&config["rule_files"]).is_empty());
}

#[test]
fn grafana_finds_its_data_sources_and_its_dashboards() {
    let compose = compose();
    let grafana = &compose["services"]["grafana"];
    let home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].as_str().unwrap();
    assert!(file(&mounted_at(grafana, home).unwrap()).is_file(), "{home}");
    let provisioning = mounted_at(grafana, "/etc/grafana/provisioning").unwrap();
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(file(&provisioning).join("dashboards")).unwrap() {
        let provided = documents(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
        for provider in provided.iter().flat_map(|file| items(&file["providers"])) {
            let folder = provider["options"]["path"].as_str().unwrap();
            assert!(file(&mounted_at(grafana, folder).unwrap()).is_dir(), "{folder}");
            found.insert(folder.to_owned());
        }
    }
    assert!(!found.is_empty());
}

/// Runs the real Docker Compose, without a container engine.
fn config(arguments: &[&str]) -> Option<Output> {
    let program = found(sarafan_localstack::docker_compose(&sarafan_localstack::silent))?;
    let mut command = Command::new(program);
    command.current_dir(file("")).args(arguments).args(["config", "--format", "json"]);
    Some(command.env_clear().env("PATH", "").env("HOME", "/nonexistent").output().unwrap())
}

#[test]
fn docker_compose_takes_it_with_the_demo_and_without() {
    let Some(plain) = config(&["--env-file", ENVIRONMENT]) else { return };
    let demo = config(&["--env-file", ENVIRONMENT, "--profile", "demo"]).unwrap();
    let started = |output: Output| {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let resolved: Value = serde_json::from_slice(&output.stdout).unwrap();
        let names: BTreeSet<String> = services(&resolved).map(|(name, _)| name.to_owned()).collect();
        let password = &resolved["services"]["ingest"]["environment"]["SARAFAN__CLICKHOUSE__PASSWORD"];
        assert_eq!(password, "demo-sarafan");
        names
    };
    let compose = compose();
    let all: BTreeSet<String> = services(&compose).map(|(name, _)| name.to_owned()).collect();
    let always = services(&compose).filter(|(_, service)| service["profiles"].is_null());
    assert_eq!(started(plain), always.map(|(name, _)| name.to_owned()).collect());
    assert_eq!(started(demo), all);
}

#[test]
fn docker_compose_starts_nothing_without_passwords() {
    let Some(output) = config(&["--env-file", "/dev/null"]) else { return };
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("see deploy/.env.example"), "{said}");
}

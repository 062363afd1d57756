//! The dashboards in a real Grafana, looked at in Chromium: on machines that have one.
//!
//! Grafana is in no package registry. Its home folder is named by `SARAFAN_GRAFANA_HOME`, or found from a `grafana` on the
//! `PATH`; the ClickHouse plugin stands in its `data/plugins`, or where `SARAFAN_GRAFANA_PLUGINS` says.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sarafan_localstack::testing::shared;
use sarafan_localstack::{Launch, Process, Prometheus, PrometheusOptions, Target};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::files::{dashboards, repository, text, texts};
use crate::panels::simulated_shop;
use crate::world::{Service, World};

const PATIENCE: Duration = Duration::from_secs(120);
const WIDTH: u32 = 1920;
/// Of one screen, and of a window in which the longest dashboard has no panel out of sight: those are not drawn.
const SCREEN: u32 = 1080;
const ALL: u32 = 6000;

/// What a page of Grafana 12 says of its panels: how many there are, how many still load, and what is wrong with them.
const LOOK: &str = r#"(() => {
  const all = [...document.querySelectorAll('[data-testid^="data-testid Panel header "]')];
  const title = panel => panel.dataset.testid.replace('data-testid Panel header ', '');
  const bad = panel => panel.querySelector('[data-testid="data-testid Panel status error"], [aria-label="Panel status"]')
    || /\bNo data\b/.test(panel.innerText);
  return {
    panels: all.length,
    loading: document.querySelectorAll('[aria-label="Panel loading bar"]').length,
    bad: all.filter(bad).map(panel => title(panel) + ': ' + panel.innerText.slice(0, 200)),
    height: Math.max(document.documentElement.scrollHeight, ...all.map(panel => panel.getBoundingClientRect().bottom)),
  };
})()"#;

/// The home folder of this machine's Grafana, and its plugins; `None`, with the reason printed, when it has none.
fn home() -> Option<(PathBuf, PathBuf)> {
    let named = std::env::var_os("SARAFAN_GRAFANA_HOME").map(PathBuf::from);
    let on_path = || {
        let paths = std::env::var_os("PATH")?;
        let program =
            std::env::split_paths(&paths).map(|folder| folder.join("grafana")).find(|path| path.is_file())?;
        Some(program.canonicalize().ok()?.parent()?.parent()?.to_owned())
    };
    let Some(home) = named.or_else(on_path) else {
        eprintln!("skipped: there is no grafana on the PATH, and SARAFAN_GRAFANA_HOME names none");
        return None;
    };
    let plugins = std::env::var_os("SARAFAN_GRAFANA_PLUGINS").map(PathBuf::from);
    Some((home.clone(), plugins.unwrap_or_else(|| home.join("data/plugins"))))
}

/// A running Grafana with our dashboards and both data sources. It ends with the test.
struct Grafana {
    url: String,
    _process: Process,
    _folder: TempDir,
}

impl Grafana {
    fn start(home: &Path, plugins: &Path, prometheus: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        provision(folder.path(), prometheus);
        let settings = format!(
            "[server]\nhttp_addr = 127.0.0.1\nhttp_port = {port}\n\
             [paths]\ndata = {data}\nlogs = {data}/logs\nplugins = {plugins}\nprovisioning = {data}/provisioning\n\
             [auth.anonymous]\nenabled = true\norg_role = Viewer\n\
             [analytics]\nreporting_enabled = false\ncheck_for_updates = false\ncheck_for_plugin_updates = false\n\
             [plugins]\nallow_loading_unsigned_plugins = grafana-clickhouse-datasource\npreinstall_disabled = true\n",
            data = folder.path().display(),
            plugins = plugins.display(),
        );
        let file = folder.path().join("grafana.ini");
        fs::write(&file, settings).unwrap();
        let launch = Launch {
            program: home.join("bin/grafana"),
            arguments: [
                "server",
                "--homepath",
                &home.display().to_string(),
                "--config",
                &file.display().to_string(),
            ]
            .map(str::to_owned)
            .to_vec(),
            environment: vec![("CLICKHOUSE_GRAFANA_PASSWORD".to_owned(), String::new())],
            folder: folder.path().to_owned(),
        };
        let process = Process::new("grafana", launch);
        process
            .start(PATIENCE, || std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
            .unwrap();
        Self { url: format!("http://127.0.0.1:{port}"), _process: process, _folder: folder }
    }
}

/// Our provisioning with the addresses of this machine: those of the files are the ones of docker-compose.yml.
fn provision(folder: &Path, prometheus: &str) {
    let clickhouse = shared().clickhouse_url();
    let port = clickhouse.rsplit(':').next().unwrap().to_owned();
    let http = format!("host: 127.0.0.1\n      port: {port}\n      protocol: http");
    let here = [
        ("host: clickhouse\n      port: 9000\n      protocol: native", http.as_str()),
        ("username: grafana", "username: default"),
        ("http://prometheus:9090", prometheus),
        ("/usr/share/sarafan/dashboards", &repository("grafana/dashboards").display().to_string()),
    ];
    for kind in ["datasources", "dashboards"] {
        let target = folder.join("provisioning").join(kind);
        fs::create_dir_all(&target).unwrap();
        for (name, file) in texts(&format!("grafana/provisioning/{kind}"), "yml") {
            let filled = here.iter().fold(file, |file, (there, here)| file.replace(there, here));
            fs::write(target.join(format!("{name}.yml")), filled).unwrap();
        }
    }
}

/// Prometheus with our rules, which scrapes both services as those of this world.
fn prometheus(world: &World, services: [(&str, &Service); 2]) -> Prometheus {
    let rules =
        fs::read_dir(repository("deploy/prometheus/rules")).unwrap().map(|entry| entry.unwrap().path());
    let target = |(job, service): (&str, &Service)| Target {
        job: job.to_owned(),
        address: service.address.to_string(),
        deployment: world.deployment.clickhouse.database.clone(),
    };
    let options = PrometheusOptions {
        rule_files: rules.collect(),
        targets: services.map(target).to_vec(),
        ..PrometheusOptions::default()
    };
    Prometheus::start(&options, &|_| ()).unwrap()
}

/// Opens a dashboard and looks until nothing loads and nothing is wrong, or patience ends: what is seen then.
fn look(browser: &mut Browser, url: &str, height: u32, panels: usize) -> Value {
    browser.visit(url, WIDTH, height);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = browser.evaluate(LOOK);
        let settled = seen["loading"] == 0
            && seen["panels"].as_u64() >= Some(panels as u64)
            && seen["bad"] == json!([]);
        if settled || Instant::now() > deadline {
            return seen;
        }
    }
}

#[test]
fn every_dashboard_is_drawn_whole_in_light_and_dark() {
    let Some((home, plugins)) = home() else { return };
    let Some(mut browser) = Browser::start() else { return };
    let (world, ingest, aggregate) = simulated_shop("grafana");
    ingest.start_again();
    let prometheus = prometheus(&world, [("sarafan-ingest", &ingest), ("sarafan-aggregator", &aggregate)]);
    let grafana = Grafana::start(&home, &plugins, &prometheus.url());
    let mut wrong = Vec::new();
    for dashboard in dashboards() {
        let panels = dashboard.panels().len();
        // Panels of collapsed rows are not there until somebody opens them.
        let collapsed: usize = crate::files::list(&dashboard.json, "panels")
            .iter()
            .map(|row| crate::files::list(row, "panels").len())
            .sum();
        for theme in ["light", "dark"] {
            let url = format!(
                "{}/d/{}?var-database={}&theme={theme}",
                grafana.url,
                text(&dashboard.json, "uid"),
                world.deployment.clickhouse.database
            );
            let one_screen = dashboard.name == "executive";
            let seen = look(&mut browser, &url, if one_screen { SCREEN } else { ALL }, panels - collapsed);
            let drawn =
                seen["panels"] == panels - collapsed && seen["loading"] == 0 && seen["bad"] == json!([]);
            let fits = !one_screen || seen["height"].as_f64() <= Some(f64::from(SCREEN));
            if !(drawn && fits) {
                wrong.push(format!("{} ({theme}): {seen}", dashboard.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! The dashboards in a real Grafana, looked at in Chromium: on machines that have one.
//!
//! Grafana is in no package registry: [`GrafanaHome::find`] says where one is looked for.

use std::fs;
use std::time::{Duration, Instant};

use sarafan_localstack::testing::shared;
use sarafan_localstack::{Grafana, GrafanaHome, GrafanaOptions, Prometheus, PrometheusOptions, Target};
use serde_json::{Value, json};

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

/// Our provisioning with the addresses of this machine: those of the files are the ones of docker-compose.yml.
fn provisioning(prometheus: &str) -> Vec<(String, String)> {
    let clickhouse = shared().clickhouse_url();
    let port = clickhouse.rsplit(':').next().unwrap().to_owned();
    let http = format!("host: 127.0.0.1\n      port: {port}\n      protocol: http");
    let dashboards = repository("grafana/dashboards").display().to_string();
    let here = [
        ("host: clickhouse\n      port: 9000\n      protocol: native", http.as_str()),
        ("username: grafana", "username: default"),
        ("password: $CLICKHOUSE_GRAFANA_PASSWORD", "password: ''"),
        ("http://prometheus:9090", prometheus),
        ("/usr/share/sarafan/dashboards", dashboards.as_str()),
    ];
    let mut files = Vec::new();
    for kind in ["datasources", "dashboards"] {
        for (name, file) in texts(&format!("grafana/provisioning/{kind}"), "yml") {
            let filled = here.iter().fold(file, |file, (there, here)| file.replace(there, here));
            files.push((format!("{kind}/{name}.yml"), filled));
        }
    }
    files
}

/// Prometheus with our rules, which scrapes both services as those of this world.
pub(crate) fn prometheus(world: &World, services: [(&str, &Service); 2]) -> Prometheus {
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
    let look = format!("new Promise(done => setTimeout(() => done({LOOK}), 1000))");
    // A panel may not have begun to load yet: twice the same means that it is so.
    let mut before = Value::Null;
    loop {
        let seen = browser.evaluate(&look);
        let is_whole = seen["loading"] == 0
            && seen["panels"].as_u64() >= Some(panels as u64)
            && seen["bad"] == json!([]);
        if (is_whole && seen == before) || Instant::now() > deadline {
            return seen;
        }
        before = seen;
    }
}

#[test]
fn every_dashboard_is_drawn_whole_in_light_and_dark() {
    let Some(home) = GrafanaHome::find() else {
        eprintln!("skipped: there is no grafana on the PATH, and SARAFAN_GRAFANA_HOME names none");
        return;
    };
    let Some(mut browser) = Browser::start() else { return };
    let (world, ingest, aggregate) = simulated_shop("grafana");
    ingest.start_again();
    let prometheus = prometheus(&world, [("sarafan-ingest", &ingest), ("sarafan-aggregator", &aggregate)]);
    let options =
        GrafanaOptions { provisioning: provisioning(&prometheus.url()), ..GrafanaOptions::default() };
    let grafana = Grafana::start(&home, &options, &|_| ()).unwrap();
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
                grafana.url(),
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

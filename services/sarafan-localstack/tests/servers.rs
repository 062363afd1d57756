//! The servers start, answer, survive a SIGKILL with their data, and leave nothing behind.

#![allow(clippy::unwrap_used)] // In helpers of tests too, where the lint does not see a test.

mod http;

use std::time::{Duration, Instant};

use sarafan_localstack::{ClickHouse, ClickHouseOptions, Kafka, KafkaOptions, Prometheus, PrometheusOptions};
use sarafan_localstack::{Target, silent};

#[test]
fn clickhouse_keeps_its_rows_through_a_kill() {
    let clickhouse = ClickHouse::start(&ClickHouseOptions::default(), &silent).unwrap();
    let query = |sql: &str| http::query(&clickhouse.http_url(), sql).unwrap();
    query("CREATE DATABASE mine");
    query("CREATE TABLE mine.t (n UInt64) ENGINE = MergeTree ORDER BY n");
    query("INSERT INTO mine.t SELECT number FROM numbers(1000)");
    let before = clickhouse.pid().unwrap();
    clickhouse.kill().unwrap();
    assert_eq!(clickhouse.pid(), None);
    assert!(!clickhouse.is_alive());
    clickhouse.restart().unwrap();
    assert_ne!(clickhouse.pid().unwrap(), before);
    clickhouse.freeze().unwrap();
    clickhouse.freeze().unwrap();
    assert!(!clickhouse.is_alive(), "a frozen server does not answer");
    clickhouse.thaw().unwrap();
    assert_eq!(query("SELECT sum(n) FROM mine.t"), "499500\n");
}

#[test]
fn clickhouse_stops_in_an_orderly_way_and_starts_again() {
    let clickhouse = ClickHouse::start(&ClickHouseOptions::default(), &silent).unwrap();
    let query = |sql: &str| http::query(&clickhouse.http_url(), sql).unwrap();
    query("CREATE DATABASE mine");
    let began = std::time::Instant::now();
    clickhouse.restart().unwrap();
    assert!(began.elapsed().as_secs() < 15, "it took the SIGKILL after 20 seconds to end it");
    assert_eq!(query("SELECT count() FROM system.databases WHERE name = 'mine'"), "1\n");
    assert_eq!(query("SELECT timezone()"), "UTC\n");
    assert_eq!(query("SELECT value FROM system.settings WHERE name = 'async_insert'"), "0\n");
    assert_eq!(query("SELECT value FROM system.server_settings WHERE name = 'logger.level'"), "warning\n");
}

#[test]
fn kafka_starts_again_on_the_same_port_after_a_kill() {
    let kafka = Kafka::start(&KafkaOptions::default(), &silent).unwrap();
    let address = kafka.brokers();
    kafka.kill().unwrap();
    assert!(std::net::TcpStream::connect(&address).is_err());
    kafka.restart().unwrap();
    assert_eq!(kafka.brokers(), address);
    assert!(std::net::TcpStream::connect(&address).is_ok());
    kafka.stop().unwrap();
    assert_eq!(kafka.pid(), None);
}

#[test]
fn a_server_that_cannot_start_quotes_its_log() {
    let options =
        PrometheusOptions { rule_files: vec![rules("not rules at all")], ..PrometheusOptions::default() };
    let error = format!("{:#}", Prometheus::start(&options, &silent).unwrap_err());
    assert!(
        error.contains("prometheus ended while starting") && error.contains("prometheus.log:"),
        "{error}"
    );
    std::fs::remove_file(&options.rule_files[0]).unwrap();
}

#[test]
fn prometheus_scrapes_what_it_is_told_to_and_evaluates_rules() {
    let rules =
        rules(r#"{"groups": [{"name": "g", "rules": [{"record": "answer", "expr": "vector(42)"}]}]}"#);
    let options = PrometheusOptions { rule_files: vec![rules.clone()], ..PrometheusOptions::default() };
    let prometheus = Prometheus::start(&options, &silent).unwrap();
    let itself = prometheus.url().replace("http://", "");
    prometheus.scrape(&[Target { job: "mine".to_owned(), address: itself, ..Target::default() }]).unwrap();
    let value = |query: &str| http::get(&prometheus.url(), &format!("/api/v1/query?query={query}")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !value("up").contains(r#""job":"mine""#) || !value("answer").contains(r#","42"]"#) {
        assert!(Instant::now() < deadline, "{} {}", value("up"), value("answer"));
        std::thread::sleep(Duration::from_millis(100));
    }
    std::fs::remove_file(rules).unwrap();
}

fn rules(text: &str) -> std::path::PathBuf {
    let name = format!("{}.yml", sarafan_localstack::testing::unique_name("rules"));
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

//! The servers start, answer, survive a SIGKILL with their data, and leave nothing behind.

mod http;

use sarafan_localstack::{ClickHouse, ClickHouseOptions, Kafka, KafkaOptions, silent};

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

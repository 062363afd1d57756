//! Errors are told apart by what to do about them.

use std::sync::Arc;
use std::time::Duration;

use sarafan_core::rows;
use sarafan_core::table::{ColumnKind, ColumnSpec, Table, TableSpec, Value};
use sarafan_localstack::{ClickHouse, ClickHouseOptions, silent};
use sarafan_store::{Backoff, Class, ClickHouseSection, Outcome, PreparedBlock, Store, StoreError};

use crate::{empty, migrated, run, section, value};

/// A row of `arrivals` with this version.
fn arrival(version: i128) -> Table {
    let mut table = Table::new(&rows::ARRIVALS);
    let number = |n: i128| Value::Int(n);
    table.push([Value::text("shop"), number(3), Value::Null, Value::Null, number(9), number(version)]);
    table
}

fn quick(url: String) -> ClickHouseSection {
    ClickHouseSection { query_timeout_ms: 300, insert_timeout_ms: 300, block_timeout_ms: 300, ..section(url) }
}

fn seen(error: &StoreError) -> (Class, &'static str) {
    (error.class(), error.kind())
}

#[tokio::test]
async fn an_unknown_table_is_permanent() {
    let error = empty().insert(&arrival(1)).await.unwrap_err();
    assert_eq!(seen(&error), (Class::Permanent, "schema"), "{error}");
    assert!(error.to_string().contains("insert into arrivals"), "{error}");
}

#[tokio::test]
async fn a_column_that_the_table_lacks_is_permanent_and_never_skipped() {
    let store = migrated().await;
    let mut columns = rows::ARRIVALS.columns.clone();
    columns.push(ColumnSpec::new("newer", ColumnKind::U64));
    let newer = Arc::new(TableSpec { name: "arrivals", columns });
    let mut table = Table::new(&newer);
    table.push(arrival(1).row(0).into_iter().chain([Value::Int(1)]));
    let error = store.insert(&table).await.unwrap_err();
    assert_eq!(seen(&error), (Class::Permanent, "schema"), "{error}");
    assert_eq!(value(&store, "SELECT count() FROM {store}.arrivals").await, "0");
}

#[tokio::test]
async fn content_that_a_column_refuses_is_poison() {
    let store = migrated().await;
    run(&store, "CREATE TABLE {store}.strict (t DateTime64(6, 'UTC')) ENGINE = Memory").await;
    let spec = Arc::new(TableSpec { name: "strict", columns: vec![ColumnSpec::new("t", ColumnKind::Text)] });
    let mut table = Table::new(&spec);
    table.push([Value::text("yesterday")]);
    let error = store.insert(&table).await.unwrap_err();
    assert_eq!(seen(&error), (Class::Poison, "refused_content"), "{error}");
}

#[tokio::test]
async fn a_null_for_a_column_that_holds_none_is_refused_not_defaulted() {
    let store = migrated().await;
    run(&store, "CREATE TABLE {store}.strict (n UInt64) ENGINE = Memory").await;
    let spec =
        Arc::new(TableSpec { name: "strict", columns: vec![ColumnSpec::nullable("n", ColumnKind::U64)] });
    let mut table = Table::new(&spec);
    table.push([Value::Null]);
    let error = store.insert(&table).await.unwrap_err();
    assert_eq!(error.class(), Class::Poison, "{error}");
    assert_eq!(value(&store, "SELECT count() FROM {store}.strict").await, "0");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_transient() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let store = Store::new(&quick(format!("http://{address}"))).unwrap();
    for error in [store.ping().await.unwrap_err(), store.insert(&arrival(1)).await.unwrap_err()] {
        assert_eq!(seen(&error), (Class::Transient, "network"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_transient_and_waited_for_no_longer_than_configured() {
    // Accepts connections into its backlog and never answers.
    let silence = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let store = Store::new(&quick(format!("http://{}", silence.local_addr().unwrap()))).unwrap();
    let began = std::time::Instant::now();
    for error in [store.ping().await.unwrap_err(), store.insert(&arrival(1)).await.unwrap_err()] {
        assert_eq!(seen(&error), (Class::Transient, "timeout"), "{error}");
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

/// What a ClickHouse says whose disk is full when it has to buffer an answer.
#[tokio::test]
async fn an_answer_that_ends_before_it_has_begun_is_transient() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut client, _) = server.accept().unwrap();
        assert!(client.read(&mut [0; 65_536]).unwrap() > 0);
        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        // Until the client has read it.
        let _ = client.read(&mut [0; 1]);
    });
    let error = Store::new(&quick(format!("http://{address}"))).unwrap().incarnation().await.unwrap_err();
    assert_eq!(seen(&error), (Class::Transient, "network"), "{error}");
}

#[tokio::test]
async fn a_query_that_runs_too_long_is_transient() {
    let store = migrated().await;
    let slow = ClickHouseSection {
        query_timeout_ms: 200,
        database: store.views_database().to_owned(),
        ..section(sarafan_localstack::testing::shared().clickhouse_url())
    };
    let sql = "SELECT count() FROM numbers(1e12) WHERE cityHash64(number) = 1";
    let error = Store::new(&slow).unwrap().query(sql, &[]).await.unwrap_err();
    assert_eq!(seen(&error), (Class::Transient, "timeout"), "{error}");
}

#[tokio::test]
async fn a_query_cannot_change_anything() {
    let store = migrated().await;
    let sql = format!("DROP TABLE {}.arrivals", store.store_database());
    let error = store.query(&sql, &[]).await.unwrap_err();
    assert_eq!(seen(&error), (Class::Permanent, "access"), "{error}");
}

#[tokio::test]
async fn a_write_is_repeated_through_a_killed_server_until_it_is_acknowledged() {
    let server = ClickHouse::start(&ClickHouseOptions::default(), &silent).unwrap();
    let store = Store::new(&section(server.http_url())).unwrap();
    store.migrate_tables().await.unwrap();
    let block = PreparedBlock::new(&arrival(7)).unwrap().unwrap();
    server.kill().unwrap();
    let backoff = Backoff { first: Duration::from_millis(20), longest: Duration::from_millis(50) };
    let mut failures = 0;
    // The server comes back only once an attempt has failed.
    let (again, come_back) = std::sync::mpsc::channel();
    let restart = std::thread::spawn(move || {
        come_back.recv().unwrap();
        server.restart().unwrap();
        server
    });
    let written = store.write(&block, &backoff, std::future::pending(), |attempt, error| {
        assert!(error.is_transient(), "{error}");
        failures = attempt;
        let _ = again.send(());
    });
    assert_eq!(written.await.unwrap(), Outcome::Done(()));
    assert!(failures > 0);
    assert_eq!(value(&store, "SELECT max(version) FROM {store}.arrivals").await, "7");
    drop(restart.join().unwrap());
}

#[tokio::test]
async fn a_write_stops_when_the_caller_cannot_wait() {
    let silence = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let store = Store::new(&section(format!("http://{}", silence.local_addr().unwrap()))).unwrap();
    let block = PreparedBlock::new(&arrival(1)).unwrap().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    stop.send(()).unwrap();
    let stopped = async { stopped.await.unwrap() };
    let written = store.write(&block, &Backoff::default(), stopped, |_, _| {}).await.unwrap();
    assert_eq!(written, Outcome::Stopped);
}

#[tokio::test]
async fn a_write_ends_with_the_first_error_that_does_not_pass() {
    let block = PreparedBlock::new(&arrival(1)).unwrap().unwrap();
    let written = empty().write(&block, &Backoff::default(), std::future::pending(), |_, _| {}).await;
    assert_eq!(written.unwrap_err().class(), Class::Permanent);
}

#[tokio::test]
async fn the_same_block_twice_is_the_same_row_once() {
    let store = migrated().await;
    let block = PreparedBlock::new(&arrival(5)).unwrap().unwrap();
    store.insert_block(&block).await.unwrap();
    store.insert_block(&block).await.unwrap();
    assert_eq!(value(&store, "SELECT count() FROM {store}.arrivals FINAL").await, "1");
}

#[test]
fn writes_and_reads_may_run_on_any_thread() {
    fn is_send<T: Send>(_: T) {}
    let store = Store::new(&ClickHouseSection::default()).unwrap();
    let block = PreparedBlock::new(&arrival(1)).unwrap().unwrap();
    is_send(store.write(&block, &Backoff::default(), std::future::pending(), |_, _| {}));
    is_send(store.migrate());
    is_send(store.query("SELECT 1", &[]));
}

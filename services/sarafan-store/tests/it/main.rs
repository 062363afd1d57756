//! The store against a real ClickHouse. Each test has databases of its own.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod codes;
mod dead_letters;
mod epochs;
mod errors;
mod grants;
mod ledger;
mod migrations;
mod presentation;
mod query;
mod restore;
mod round_trip;
mod schema;
mod section;

use sarafan_localstack::testing::{shared, unique_name};
use sarafan_store::{ClickHouseSection, Store};

/// A section that names databases of the test's own.
fn section(url: String) -> ClickHouseSection {
    ClickHouseSection {
        url,
        database: unique_name("views"),
        store_database: unique_name("store"),
        ..ClickHouseSection::default()
    }
}

/// An empty store on the shared server.
fn empty() -> Store {
    Store::new(&section(shared().clickhouse_url())).unwrap()
}

/// A store with its tables on the shared server.
async fn migrated() -> Store {
    let store = empty();
    store.migrate_tables().await.unwrap();
    store
}

/// Runs a statement that this crate has no function for.
async fn run(store: &Store, statement: &str) {
    let statement = statement.replace("{store}", store.store_database());
    let url = shared().clickhouse_url();
    clickhouse::Client::default().with_url(url).query_raw(&statement).execute().await.unwrap();
}

/// The one value of a query over the private tables.
async fn value(store: &Store, sql: &str) -> String {
    let rows = store.query(&sql.replace("{store}", store.store_database()), &[]).await.unwrap();
    rows.text(0, &rows.columns[0].name).unwrap()
}

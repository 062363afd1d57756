//! The migrations declare what the core writes.

use std::sync::Arc;

use sarafan_core::rollup::Rollup;
use sarafan_core::rows;
use sarafan_core::table::TableSpec;

use crate::migrated;

/// Every table that a shard writes.
pub(crate) fn tables() -> Vec<&'static Arc<TableSpec>> {
    let mut tables: Vec<&'static Arc<TableSpec>> = rows::folded().filter_map(rows::entity_table).collect();
    tables.extend([
        &*rows::CUSTOMER_FIGURES,
        &*rows::CUSTOMER_MONEY,
        &*rows::DETAILS,
        &*rows::ORDER_ITEMS,
        &*rows::ARRIVALS,
    ]);
    tables.extend(Rollup::ALL.iter().map(|rollup| rollup.table()));
    tables
}

#[tokio::test]
async fn every_table_has_the_columns_of_its_spec_in_their_order_and_types() {
    let store = migrated().await;
    let sql = "SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {table:String} \
               ORDER BY position";
    for spec in tables() {
        let found =
            store.query(sql, &[("database", store.store_database()), ("table", spec.name)]).await.unwrap();
        let text = |row, column| found.text(row, column).unwrap();
        let declared: Vec<String> =
            (0..found.rows.len()).map(|row| format!("{} {}", text(row, "name"), text(row, "type"))).collect();
        let expected: Vec<String> = spec
            .columns
            .iter()
            .map(|column| format!("{} {}", column.name, column.clickhouse_type()))
            .collect();
        assert_eq!(declared, expected, "{}", spec.name);
    }
}

#[tokio::test]
async fn every_data_table_replaces_by_version_or_stamp() {
    let store = migrated().await;
    let sql =
        "SELECT engine_full FROM system.tables WHERE database = {database:String} AND name = {table:String}";
    for spec in tables() {
        let found =
            store.query(sql, &[("database", store.store_database()), ("table", spec.name)]).await.unwrap();
        let engine = found.text(0, "engine_full").unwrap();
        let has = |name: &str| spec.columns.iter().any(|column| column.name == name);
        let by = if has("version") { "version" } else { "stamp" };
        assert!(engine.starts_with(&format!("ReplacingMergeTree({by})")), "{}: {engine}", spec.name);
        assert_eq!(engine.contains("PARTITION BY epoch"), has("epoch"), "{}: {engine}", spec.name);
    }
}

//! Queries with parameters.

use crate::migrated;

#[tokio::test]
async fn a_result_keeps_digits_nulls_and_types() {
    let store = migrated().await;
    let sql = "SELECT toUInt64({n:UInt64}) AS n, {text:String} AS text, toDecimal128('0.1000', 4) AS money, \
               CAST(NULL AS Nullable(Float64)) AS rate, map('a', [1, 2]) AS m";
    let found = store.query(sql, &[("n", "18446744073709551615"), ("text", "it's\t?\\ {x}")]).await.unwrap();
    let kinds: Vec<&str> = found.columns.iter().map(|column| column.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["UInt64", "String", "Decimal(38, 4)", "Nullable(Float64)", "Map(String, Array(UInt8))"]
    );
    assert_eq!(found.text(0, "n").as_deref(), Some("18446744073709551615"));
    assert_eq!(found.text(0, "text").as_deref(), Some("it's\t?\\ {x}"));
    assert_eq!(found.text(0, "money").as_deref(), Some("0.1"));
    assert_eq!(found.text(0, "rate"), None);
    assert_eq!(found.text(0, "m").as_deref(), Some(r#"{"a":[1,2]}"#));
}

#[tokio::test]
async fn names_without_a_database_are_views() {
    let store = migrated().await;
    let found = store.query("SELECT currentDatabase() AS name", &[]).await.unwrap();
    assert_eq!(found.text(0, "name").as_deref(), Some(store.views_database()));
}

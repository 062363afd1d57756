//! The codes that we tell apart are ClickHouse's.

use crate::empty;

#[tokio::test]
async fn every_code_has_the_name_that_clickhouse_gives_it() {
    let ours: Vec<(i32, &str)> = sarafan_store::exception_codes().collect();
    let numbers: Vec<String> = ours.iter().map(|(code, _)| code.to_string()).collect();
    let sql = format!(
        "SELECT code, errorCodeToName(code) AS name FROM (SELECT arrayJoin([{}]) AS code)",
        numbers.join(", ")
    );
    // The databases of this store do not exist, and a name without a database is not used here.
    let store = empty();
    crate::run(&store, &format!("CREATE DATABASE IF NOT EXISTS {}", store.views_database())).await;
    let rows = store.query(&sql, &[]).await.unwrap();
    assert_eq!(rows.rows.len(), ours.len());
    for (row, (code, name)) in ours.iter().enumerate() {
        assert_eq!(rows.text(row, "code"), Some(code.to_string()));
        assert_eq!(rows.text(row, "name").as_deref(), Some(*name), "code {code}");
    }
}

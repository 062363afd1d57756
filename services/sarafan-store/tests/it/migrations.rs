//! Migrations: once, in order, never changed.

use std::collections::BTreeSet;
use std::path::Path;

use sarafan_store::{Class, Schema, Store, StoreError};

use crate::{empty, migrated, run, value};

fn files(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/clickhouse").join(folder);
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".sql").map(str::to_owned)).collect()
}

#[tokio::test]
async fn every_file_of_the_folder_is_applied() {
    let store = empty();
    let done = store.migrate().await.unwrap();
    assert_eq!(done.applied.iter().cloned().collect::<BTreeSet<_>>(), files("."));
    assert_eq!(done.views.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), files("views"));
}

#[tokio::test]
async fn migrating_again_applies_nothing_and_makes_the_views_anew() {
    let store = empty();
    assert!(!store.pending_migrations().await.unwrap().is_empty());
    let first = store.migrate().await.unwrap();
    assert!(store.pending_migrations().await.unwrap().is_empty());
    let second = store.migrate().await.unwrap();
    assert_eq!((second.applied.len(), second.before), (0, first.applied.len()));
    assert_eq!(second.views, first.views);
}

#[tokio::test]
async fn a_migration_that_broke_off_is_finished_by_the_next() {
    let store = migrated().await;
    // As after a crash between the statements of the second migration and its record.
    run(&store, "DELETE FROM {store}.migrations WHERE number >= 2").await;
    run(&store, "DROP TABLE {store}.refunds").await;
    let done = store.migrate().await.unwrap();
    assert_eq!(done.before, 1);
    assert_eq!(value(&store, "SELECT count() FROM {store}.refunds").await, "0");
}

#[tokio::test]
async fn several_migrates_at_once_leave_what_one_would() {
    let store = empty();
    let runs: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn({
                let store = store.clone();
                async move { store.migrate().await }
            })
        })
        .collect();
    for run in runs {
        run.await.unwrap().unwrap();
    }
    assert!(store.pending_migrations().await.unwrap().is_empty());
    let alone = empty();
    alone.migrate().await.unwrap();
    let tables = "SELECT count() FROM system.tables WHERE database IN ('{store}', '{views}')";
    let count =
        async |of: &sarafan_store::Store| value(of, &tables.replace("{views}", of.views_database())).await;
    assert_eq!(count(&store).await, count(&alone).await);
}

#[tokio::test]
async fn a_changed_migration_is_refused_before_anything_is_touched() {
    let store = migrated().await;
    run(
        &store,
        "ALTER TABLE {store}.migrations UPDATE checksum = 1 WHERE number = 2 SETTINGS mutations_sync = 1",
    )
    .await;
    run(&store, "DELETE FROM {store}.migrations WHERE number = 3").await;
    run(&store, "DROP TABLE {store}.details").await;
    let error = store.migrate().await.unwrap_err();
    assert_eq!((error.class(), error.kind()), (Class::Permanent, "migration_changed"), "{error}");
    assert!(
        error.to_string().starts_with("migration 0002_entities was applied with checksum 0000000000000001")
    );
    assert!(matches!(error, StoreError::MigrationChanged { number: 2, .. }));
    let sql = "SELECT count() FROM system.tables WHERE database = '{store}' AND name = 'details'";
    assert_eq!(value(&store, sql).await, "0");
}

#[tokio::test]
async fn a_store_of_a_later_version_that_lacks_a_migration_of_this_one_is_refused() {
    let store = migrated().await;
    run(&store, "INSERT INTO {store}.migrations (number, name, checksum) VALUES (9999, 'later', 1)").await;
    run(&store, "DELETE FROM {store}.migrations WHERE number = 3").await;
    run(&store, "DROP TABLE {store}.details").await;
    let error = store.migrate().await.unwrap_err();
    assert!(matches!(error, StoreError::MigrationUnknown { number: 9999, .. }), "{error}");
    assert!(error.to_string().contains("lacks 0003_details; run the version"), "{error}");
    let sql = "SELECT count() FROM system.tables WHERE database = '{store}' AND name = 'details'";
    assert_eq!(value(&store, sql).await, "0");
}

/// All that the two databases are made of, without their names.
async fn schema(store: &Store) -> Vec<String> {
    let sql = "SELECT replaceAll(replaceAll(concat(table, ' ', create_table_query), '{views}', 'views'), '{store}', 'store') AS made \
               FROM system.tables WHERE database IN ('{store}', '{views}') ORDER BY made";
    let sql = sql.replace("{views}", store.views_database()).replace("{store}", store.store_database());
    let rows = store.query(&sql, &[]).await.unwrap();
    (0..rows.rows.len()).map(|row| rows.text(row, "made").unwrap()).collect()
}

#[tokio::test]
async fn every_earlier_version_is_brought_to_this_one() {
    let new = empty();
    let count = new.migrate().await.unwrap().applied.len();
    let expected = schema(&new).await;
    assert!(expected.len() > count);
    for earlier in 1..count {
        let store = empty();
        let done = store.migrate_to(&Schema::embedded().first(earlier)).await.unwrap();
        assert_eq!((done.applied.len(), done.views.len()), (earlier, 0));
        assert!(store.check_state().await.is_err());
        let done = store.migrate().await.unwrap();
        assert_eq!((done.applied.len(), done.before), (count - earlier, earlier));
        assert_eq!(schema(&store).await, expected, "from the first {earlier} migrations");
        store.check_state().await.unwrap();
    }
}

/// One column more, with a default, and a view that shows it.
fn expanded() -> Schema {
    Schema::embedded().then(
        "refund_desk",
        "ALTER TABLE {store}.refunds ADD COLUMN IF NOT EXISTS desk String DEFAULT 'none' COMMENT 'Where it was given';\n",
        "CREATE OR REPLACE VIEW {views}.refund_desks (desk String) AS SELECT DISTINCT desk FROM {store}.refunds;\n",
    )
}

#[tokio::test]
async fn a_version_leaves_what_a_later_one_has_added() {
    let store = empty();
    let before = store.migrate().await.unwrap();
    let added = vec![format!("{:04}_refund_desk", before.applied.len() + 1)];
    let done = store.migrate_to(&expanded()).await.unwrap();
    assert_eq!((&done.applied, done.before), (&added, before.applied.len()));
    let expected = schema(&store).await;
    let back = store.migrate().await.unwrap();
    assert_eq!((back.later, back.before), (added, before.applied.len()));
    assert!(back.applied.is_empty() && back.views.is_empty(), "views of the later version stay");
    assert_eq!(schema(&store).await, expected);
    assert!(store.pending_migrations().await.unwrap().is_empty());
    store.check_state().await.unwrap();
    // And forth again.
    let again = store.migrate_to(&expanded()).await.unwrap();
    assert!(again.applied.is_empty() && again.later.is_empty() && again.views.contains(&"refund_desk"));
    assert_eq!(schema(&store).await, expected);
}

#[tokio::test]
async fn a_version_refuses_what_a_later_one_has_taken_away() {
    let store = empty();
    store.migrate().await.unwrap();
    store.migrate_to(&expanded().contracted()).await.unwrap();
    let expected = schema(&store).await;
    for error in [store.check_state().await.unwrap_err(), store.migrate().await.unwrap_err()] {
        assert_eq!(error.kind(), "other_state");
        assert!(error.to_string().ends_with("run the version that wrote them"), "{error}");
    }
    assert_eq!(schema(&store).await, expected);
}

#[tokio::test]
async fn rows_of_a_later_state_version_are_refused_before_anything_is_touched() {
    let store = migrated().await;
    assert_eq!(store.state_version().await.unwrap(), sarafan_core::rows::STATE_VERSION);
    store.check_state().await.unwrap();
    run(&store, "DELETE FROM {store}.migrations WHERE number = 3").await;
    run(&store, "DROP TABLE {store}.details").await;
    let later =
        "INSERT INTO {store}.state_versions (sequence, state_version) VALUES (18446744073709551615, 77)";
    run(&store, later).await;
    for error in [store.check_state().await.unwrap_err(), store.migrate().await.unwrap_err()] {
        assert_eq!((error.class(), error.kind()), (Class::Permanent, "other_state"));
        let said = "the store has rows of state version 77 and this version knows 1: run the version that wrote them";
        assert_eq!(error.to_string(), said);
    }
    let sql = "SELECT count() FROM system.tables WHERE database = '{store}' AND name = 'details'";
    assert_eq!(value(&store, sql).await, "0");
}

#[tokio::test]
async fn a_store_from_before_state_versions_is_brought_to_one() {
    let store = migrated().await;
    run(&store, "DELETE FROM {store}.migrations WHERE number = 8").await;
    run(&store, "DROP TABLE {store}.state_versions").await;
    let error = store.check_state().await.unwrap_err();
    assert!(error.to_string().ends_with("run `sarafan migrate` with this version"), "{error}");
    store.migrate().await.unwrap();
    store.check_state().await.unwrap();
}

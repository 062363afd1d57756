//! Applies the migrations that are missing, refuses those that changed, and makes the views anew.
//!
//! An upgrade can be taken back: a version that meets the tables of a later one, whose rows it may read and write by their
//! state version, leaves them and the views as they are.

use clickhouse::Row;
use serde::Deserialize;

use crate::client::Store;
use crate::error::StoreError;
use crate::migrations::{Migration, Schema};
use crate::one_row::OneRow;
use crate::sql::statements;

/// What a migrate did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Migrated {
    /// Migrations that it applied, as `0001_control`.
    pub applied: Vec<String>,
    /// How many had been applied before.
    pub before: usize,
    /// Migrations of a later version that it found: tables and views were left as they are.
    pub later: Vec<String>,
    /// Files of views that it made anew.
    pub views: Vec<&'static str>,
}

/// A row of the table `migrations`.
#[derive(Debug, Row, Deserialize)]
struct Applied {
    number: u32,
    name: String,
    checksum: u64,
}

impl Store {
    /// Brings both databases to this version: [`Store::migrate_to`] its own [`Schema`].
    ///
    /// # Errors
    /// As [`Store::migrate_to`].
    pub async fn migrate(&self) -> Result<Migrated, StoreError> {
        self.migrate_to(&Schema::embedded()).await
    }

    /// Brings both databases to a schema: the tables, then the views. Safe to run
    /// again, after a crash in the middle, and by several processes at once: every statement leaves what is there,
    /// and the last to make a view wins with the same view. What a later version has made is left as it is.
    ///
    /// # Errors
    /// [`StoreError::MigrationChanged`], [`StoreError::MigrationUnknown`] and [`StoreError::OtherState`] before anything is
    /// touched; else why a statement failed.
    pub async fn migrate_to(&self, schema: &Schema) -> Result<Migrated, StoreError> {
        let mut done = self.make_tables(schema).await?;
        if done.later.is_empty() {
            done.views = self.make_views(schema).await?;
        }
        Ok(done)
    }

    /// Applies the migrations that are missing, in their order.
    ///
    /// # Errors
    /// As [`Store::migrate_to`].
    pub async fn migrate_tables(&self) -> Result<Migrated, StoreError> {
        self.make_tables(&Schema::embedded()).await
    }

    async fn make_tables(&self, schema: &Schema) -> Result<Migrated, StoreError> {
        let Schema { migrations, state_version: known, .. } = schema;
        let applied = self.applied_migrations().await?;
        let later = check(migrations, &applied)?;
        let (found, known) = (self.state_version().await?, *known);
        if found > known {
            return Err(StoreError::OtherState { found, known });
        }
        let mut done = Migrated { before: applied.len() - later.len(), later, ..Migrated::default() };
        for migration in migrations {
            if applied.iter().any(|row| row.number == migration.number) {
                continue;
            }
            let title = title(migration.number, migration.name);
            self.run_file(&format!("migration {title}"), migration.text).await?;
            self.record(migration).await?;
            done.applied.push(title);
        }
        if known > 0 {
            self.set_state_version(known).await?;
        }
        Ok(done)
    }

    /// Makes all views anew and returns the names of their files. Needs the tables of the schema.
    async fn make_views(&self, schema: &Schema) -> Result<Vec<&'static str>, StoreError> {
        for file in &schema.views {
            self.run_file(&format!("views {}", file.name), file.text).await?;
        }
        Ok(schema.views.iter().map(|file| file.name).collect())
    }

    /// Migrations that this version carries and the store lacks; none means that it is up to date.
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        let applied = self.applied_migrations().await?;
        let carried = Schema::embedded().migrations;
        check(&carried, &applied)?;
        let missing = carried.iter().filter(|m| applied.iter().all(|row| row.number != m.number));
        Ok(missing.map(|m| title(m.number, m.name)).collect())
    }

    /// What was applied; nothing when the first migration, which makes the table of migrations, was not.
    async fn applied_migrations(&self) -> Result<Vec<Applied>, StoreError> {
        let sql = format!(
            "SELECT number, argMin(name, applied_at) AS name, argMin(checksum, applied_at) AS checksum \
             FROM {} GROUP BY number ORDER BY number",
            self.table("migrations")
        );
        match self.rows("read the applied migrations", &sql, &[]).await {
            Err(error) if error.is_missing_table() => Ok(Vec::new()),
            other => other,
        }
    }

    async fn run_file(&self, file: &str, text: &str) -> Result<(), StoreError> {
        let text = text.replace("{store}", self.store_database()).replace("{views}", self.views_database());
        for (index, statement) in statements(&text).iter().enumerate() {
            self.execute(&format!("{file}, statement {}", index + 1), statement).await?;
        }
        Ok(())
    }

    async fn record(&self, migration: &Migration) -> Result<(), StoreError> {
        let mut row = OneRow::default();
        row.set("number", migration.number)
            .set("name", migration.name)
            .set("checksum", checksum(migration.text));
        self.send_row("migrations", "number, name, checksum", row).await
    }
}

/// As the file is named.
fn title(number: u32, name: &str) -> String {
    format!("{number:04}_{name}")
}

/// Of the file as it is in the repository, whatever the databases are called.
fn checksum(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

/// The migrations of a later version. It went through all of this one: what lacks some of them went another way.
fn check(migrations: &[Migration], applied: &[Applied]) -> Result<Vec<String>, StoreError> {
    let mut later = Vec::new();
    for row in applied {
        let Some(migration) = migrations.iter().find(|migration| migration.number == row.number) else {
            later.push(row);
            continue;
        };
        let embedded = checksum(migration.text);
        if embedded != row.checksum {
            return Err(StoreError::MigrationChanged {
                number: row.number,
                name: row.name.clone(),
                applied: format!("{:016x}", row.checksum),
                embedded: format!("{embedded:016x}"),
            });
        }
    }
    let missing = migrations.iter().find(|m| applied.iter().all(|row| row.number != m.number));
    if let (Some(row), Some(missing)) = (later.first(), missing) {
        let missing = title(missing.number, missing.name);
        return Err(StoreError::MigrationUnknown { number: row.number, name: row.name.clone(), missing });
    }
    Ok(later.iter().map(|row| title(row.number, &row.name)).collect())
}

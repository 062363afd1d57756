//! Applies the migrations that are missing, refuses those that changed, and makes the views anew.

use clickhouse::Row;
use sarafan_core::rows;
use serde::Deserialize;

use crate::client::Store;
use crate::error::StoreError;
use crate::migrations::{MIGRATIONS, Migration, VIEWS};
use crate::one_row::OneRow;
use crate::sql::statements;

/// What a migrate did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Migrated {
    /// Migrations that it applied, as `0001_control`.
    pub applied: Vec<String>,
    /// How many had been applied before.
    pub before: usize,
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
    /// Brings both databases to this version: [`Store::migrate_tables`], then [`Store::make_views`]. Safe to run
    /// again, after a crash in the middle, and by several processes at once: every statement leaves what is there,
    /// and the last to make a view wins with the same view.
    ///
    /// # Errors
    /// [`StoreError::MigrationChanged`], [`StoreError::MigrationUnknown`] and [`StoreError::OtherState`] before anything is
    /// touched; else why a statement failed.
    pub async fn migrate(&self) -> Result<Migrated, StoreError> {
        let mut done = self.migrate_tables().await?;
        done.views = self.make_views().await?;
        Ok(done)
    }

    /// Applies the migrations that are missing, in their order.
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn migrate_tables(&self) -> Result<Migrated, StoreError> {
        let applied = self.applied_migrations().await?;
        check(MIGRATIONS, &applied)?;
        let found = self.state_version().await?;
        if found > rows::STATE_VERSION {
            return Err(StoreError::OtherState { found, known: rows::STATE_VERSION });
        }
        let mut done = Migrated { before: applied.len(), ..Migrated::default() };
        for migration in MIGRATIONS {
            if applied.iter().any(|row| row.number == migration.number) {
                continue;
            }
            let title = title(migration);
            self.run_file(&format!("migration {title}"), migration.text).await?;
            self.record(migration).await?;
            done.applied.push(title);
        }
        self.set_state_version(rows::STATE_VERSION).await?;
        Ok(done)
    }

    /// Makes all views anew and returns the names of their files. Needs the tables of this version.
    ///
    /// # Errors
    /// Why a statement failed.
    pub async fn make_views(&self) -> Result<Vec<&'static str>, StoreError> {
        for file in VIEWS {
            self.run_file(&format!("views {}", file.name), file.text).await?;
        }
        Ok(VIEWS.iter().map(|file| file.name).collect())
    }

    /// Migrations that this version carries and the store lacks; none means that it is up to date.
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        let applied = self.applied_migrations().await?;
        check(MIGRATIONS, &applied)?;
        let missing = MIGRATIONS.iter().filter(|m| applied.iter().all(|row| row.number != m.number));
        Ok(missing.map(title).collect())
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
fn title(migration: &Migration) -> String {
    format!("{:04}_{}", migration.number, migration.name)
}

/// Of the file as it is in the repository, whatever the databases are called.
fn checksum(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

fn check(migrations: &[Migration], applied: &[Applied]) -> Result<(), StoreError> {
    for row in applied {
        let Some(migration) = migrations.iter().find(|migration| migration.number == row.number) else {
            return Err(StoreError::MigrationUnknown { number: row.number, name: row.name.clone() });
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
    Ok(())
}

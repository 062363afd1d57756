//! The handle: one HTTP pool, two databases, settings and time limits on every request.

use std::sync::Arc;
use std::time::Duration;

use clickhouse::error::Error as ClientError;
use clickhouse::{Client, Row, RowOwned, RowRead};

use crate::error::StoreError;
use crate::section::{ClickHouseSection, Timeouts};

/// ClickHouse, as this crate uses it. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Store {
    client: Client,
    shared: Arc<Shared>,
}

struct Shared {
    store: String,
    views: String,
    timeouts: Timeouts,
    quorum: Option<u16>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("store", &self.shared.store).field("views", &self.shared.views).finish()
    }
}

impl Store {
    /// A handle; connects at the first request.
    ///
    /// # Errors
    /// [`StoreError::Configuration`] when the section cannot work.
    pub fn new(section: &ClickHouseSection) -> Result<Self, StoreError> {
        if let Some((key, problem)) = section.problem() {
            return Err(StoreError::Configuration { key, problem });
        }
        let client = Client::default()
            .with_url(section.url.trim_end_matches('/'))
            .with_user(&section.user)
            .with_password(section.password.expose())
            .with_product_info("sarafan", env!("CARGO_PKG_VERSION"));
        let shared = Shared {
            store: section.store_database.clone(),
            views: section.database.clone(),
            timeouts: section.timeouts(),
            quorum: section.quorum,
        };
        Ok(Self { client, shared: Arc::new(shared) })
    }

    /// Database of the private tables.
    pub fn store_database(&self) -> &str {
        &self.shared.store
    }

    /// Database of the views.
    pub fn views_database(&self) -> &str {
        &self.shared.views
    }

    /// Whether ClickHouse answers.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.execute("reach ClickHouse", "SELECT 1 FORMAT Null").await
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        self.shared.timeouts
    }

    /// A table with its database: both names are plain.
    pub(crate) fn table(&self, name: &str) -> String {
        format!("{}.{name}", self.shared.store)
    }

    /// The client for an insert.
    ///
    /// Acknowledged must mean written: hence no asynchronous insert, the answer only at the end, as many replicas
    /// as configured, and no deduplication by block hash (a re-sent block writes the same absolute rows again,
    /// which replacing merges fold; a hash remembered from before a partition was dropped or restored would make
    /// ClickHouse acknowledge rows that it does not have). A column that the table lacks, or a NULL that it cannot
    /// hold, is an error, never skipped.
    pub(crate) fn inserter(&self) -> Client {
        let client = self
            .client
            .clone()
            .with_setting("async_insert", "0")
            .with_setting("wait_end_of_query", "1")
            .with_setting("insert_deduplicate", "0")
            .with_setting("input_format_skip_unknown_fields", "0")
            .with_setting("input_format_null_as_default", "0")
            .with_setting("max_execution_time", seconds(self.shared.timeouts.insert));
        match self.shared.quorum {
            // The server is to say that the quorum is not there before we give up on it.
            Some(replicas) => client
                .with_setting("insert_quorum", replicas.to_string())
                .with_setting("insert_quorum_timeout", self.shared.timeouts.insert.as_millis().to_string()),
            None => client,
        }
    }

    /// The client for a query that may run for `limit` on the server. One snapshot for all mentions of a table.
    pub(crate) fn reader(&self, limit: Duration) -> Client {
        self.client
            .clone()
            .with_setting("enable_shared_storage_snapshot_in_query", "1")
            .with_setting("max_execution_time", seconds(limit))
    }

    /// Runs a statement that returns nothing, and waits for its end.
    pub(crate) async fn execute(&self, doing: &str, sql: &str) -> Result<(), StoreError> {
        let limit = self.shared.timeouts.query;
        let client = self
            .client
            .clone()
            .with_setting("wait_end_of_query", "1")
            .with_setting("max_execution_time", seconds(limit));
        within(doing, limit, client.query_raw(sql).execute()).await
    }

    /// The rows of a small query; `{name:Type}` stands for the parameters.
    pub(crate) async fn rows<R>(
        &self,
        doing: &str,
        sql: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Vec<R>, StoreError>
    where
        R: Row + RowOwned + RowRead,
    {
        let limit = self.shared.timeouts.query;
        let client = self.reader(limit).with_setting("wait_end_of_query", "1");
        let query =
            parameters.iter().fold(client.query_raw(sql), |query, (name, value)| query.param(name, value));
        within(doing, limit, query.fetch_all::<R>()).await
    }
}

/// Waits for an answer no longer than `limit`, plus the moment that the server's own limit takes to tell of itself.
pub(crate) async fn within<T>(
    doing: &str,
    limit: Duration,
    answer: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit + GRACE, answer).await {
        Ok(answer) => answer.map_err(|error| StoreError::of(doing, limit, error)),
        Err(_) => Err(StoreError::Timeout { doing: doing.to_owned(), waited: limit }),
    }
}

/// The server says why it gave up, which is worth more than our own giving up at the same moment.
const GRACE: Duration = Duration::from_millis(500);

/// Whole and broken seconds, as ClickHouse reads them.
fn seconds(limit: Duration) -> String {
    format!("{:.3}", limit.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(section: &ClickHouseSection) -> &'static str {
        match Store::new(section) {
            Err(StoreError::Configuration { key, .. }) => key,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_section_that_cannot_work_is_refused_by_key() {
        let good = ClickHouseSection::default();
        assert!(Store::new(&good).is_ok());
        assert_eq!(refused(&ClickHouseSection { url: "localhost:8123".into(), ..good.clone() }), "url");
        assert_eq!(refused(&ClickHouseSection { database: "a; b".into(), ..good.clone() }), "database");
        let same = ClickHouseSection { database: "x".into(), store_database: "x".into(), ..good.clone() };
        assert_eq!(refused(&same), "store_database");
        assert_eq!(refused(&ClickHouseSection { insert_timeout_ms: 0, ..good }), "insert_timeout_ms");
    }
}

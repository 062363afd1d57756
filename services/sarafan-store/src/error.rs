//! What can go wrong with ClickHouse, in three classes that say what to do about it.

use std::collections::BTreeSet;
use std::time::Duration;

use clickhouse::error::Error as ClientError;
use thiserror::Error;

use crate::codes;

const UNKNOWN_TABLE: i32 = 60;
const UNKNOWN_DATABASE: i32 = 81;

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// It passes: pause and send the same again, for ever.
    Transient,
    /// It stays until a person acts: stop the partition.
    Permanent,
    /// The content itself was refused: stop, and never drop it silently.
    Poison,
}

impl Class {
    /// The name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Poison => "poison",
        }
    }
}

/// What can go wrong. `doing` says what was attempted: `insert into orders`, `read ledger`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The configuration cannot work.
    #[error("clickhouse.{key}: {problem}")]
    Configuration {
        /// Key in the section.
        key: &'static str,
        /// What is wrong and what to write instead.
        problem: String,
    },
    /// No connection, or it broke.
    #[error(
        "{doing}: no connection to ClickHouse ({detail}); check that it runs and that clickhouse.url is right"
    )]
    Network {
        /// What was attempted.
        doing: String,
        /// What the network said.
        detail: String,
    },
    /// No answer in time. The insert may or may not have happened.
    #[error("{doing}: no answer from ClickHouse within {} ms", waited.as_millis())]
    Timeout {
        /// What was attempted.
        doing: String,
        /// The configured wait.
        waited: Duration,
    },
    /// ClickHouse refused.
    #[error("{doing}: ClickHouse says {}: {message}", codes::name(*code))]
    Server {
        /// What was attempted.
        doing: String,
        /// Its exception code; 0 when a proxy answered in its place.
        code: i32,
        /// Its own text.
        message: String,
    },
    /// The answer is not what was asked for, or the schema is not that of this version.
    #[error(
        "{doing}: the answer of ClickHouse does not fit ({detail}); run `sarafan migrate` with this version"
    )]
    Mismatch {
        /// What was attempted.
        doing: String,
        /// What does not fit.
        detail: String,
    },
    /// A value that its column cannot hold.
    #[error("{table}.{column}, row {row}: {problem}")]
    Value {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Row of the block, from 0.
        row: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// An applied migration is not the one that this version carries.
    #[error(
        "migration {number:04}_{name} was applied with checksum {applied} and is {embedded} in this version; \
         restore the file and put the change into a new migration"
    )]
    MigrationChanged {
        /// Its number.
        number: u32,
        /// Its name.
        name: String,
        /// Checksum recorded when it was applied.
        applied: String,
        /// Checksum of the embedded file.
        embedded: String,
    },
    /// The rows are not of the state version that this version reads and writes.
    #[error(
        "the store has rows of state version {found} and this version knows {known}: {}",
        if found > known { "run the version that wrote them" } else { "run `sarafan migrate` with this version" }
    )]
    OtherState {
        /// Of the store; 0 before it was first said.
        found: u64,
        /// Of this version.
        known: u64,
    },
    /// The store was migrated by a version that did not come from this one.
    #[error(
        "the store has migration {number:04}_{name}, which this version does not know, and lacks {missing}; run the version \
         that applied it"
    )]
    MigrationUnknown {
        /// Its number.
        number: u32,
        /// Its name.
        name: String,
        /// The first of this version that it lacks.
        missing: String,
    },
}

/// The client library's words for an answer without a byte: neither a result nor an exception.
const NO_HEADER: &str = "Could not read columns header";

impl StoreError {
    /// What to do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Network { .. } | Self::Timeout { .. } => Class::Transient,
            Self::Server { code, message, .. } => codes::class(*code, message),
            Self::Value { .. } => Class::Poison,
            Self::Configuration { .. }
            | Self::Mismatch { .. }
            | Self::MigrationChanged { .. }
            | Self::MigrationUnknown { .. }
            | Self::OtherState { .. } => Class::Permanent,
        }
    }

    /// The metric label.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Configuration { .. } => "configuration",
            Self::Network { .. } => "network",
            Self::Timeout { .. } => "timeout",
            Self::Server { code, message, .. } => codes::kind(*code, message),
            Self::Mismatch { .. } => "mismatch",
            Self::Value { .. } => "value",
            Self::MigrationChanged { .. } => "migration_changed",
            Self::MigrationUnknown { .. } => "migration_unknown",
            Self::OtherState { .. } => "other_state",
        }
    }

    /// Every [`kind`](Self::kind) of an error that is transient, for metrics that begin at zero.
    pub fn transient_kinds() -> BTreeSet<&'static str> {
        codes::transient_kinds().chain(["network", "timeout"]).collect()
    }

    /// Whether sending the same again can succeed.
    pub fn is_transient(&self) -> bool {
        self.class() == Class::Transient
    }

    /// Whether the table or its database is not there.
    pub(crate) fn is_missing_table(&self) -> bool {
        matches!(self, Self::Server { code: UNKNOWN_TABLE | UNKNOWN_DATABASE, .. })
    }

    /// An error of the client library; `waited` is the time limit that was in force.
    pub(crate) fn of(doing: &str, waited: Duration, error: ClientError) -> Self {
        let doing = doing.to_owned();
        match error {
            ClientError::Network(source) => Self::Network { doing, detail: chain(source.as_ref()) },
            ClientError::TimedOut => Self::Timeout { doing, waited },
            ClientError::BadResponse(text) if text == NO_HEADER => {
                Self::Network { doing, detail: "the answer ended before it began".to_owned() }
            }
            ClientError::BadResponse(text) => {
                let (code, message) = codes::parse(&text);
                Self::Server { doing, code, message }
            }
            ClientError::Unsupported(problem) => Self::Configuration { key: "url", problem },
            // A connection that breaks in the middle of a block shows as a block that cannot be read.
            ClientError::Decompression(source) => Self::Network { doing, detail: chain(source.as_ref()) },
            ClientError::NotEnoughData => Self::Network { doing, detail: "the answer broke off".to_owned() },
            other => Self::Mismatch { doing, detail: chain(&other) },
        }
    }
}

/// An error with its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

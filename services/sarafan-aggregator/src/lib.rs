//! The aggregator service: the canonical topic to ClickHouse.
//!
//! It wires and runs: a partition's customers live in one `Shard` of the core, the engine of `sarafan-stream` feeds it,
//! `sarafan-store` writes what it hands out. Who may write, from where and whom views believe is decided by
//! `sarafan_core::tenure`.

mod adopting;
mod chance;
mod checking;
mod collecting;
mod config;
mod copying;
mod dead_letters;
mod fail_points;
mod fault;
mod flushing;
mod keeper;
mod log;
mod looking;
mod metrics;
mod moving;
mod publishing;
mod refusing;
mod service;
mod taking;
mod waiting;
mod watching;

pub use adopting::{Plan, Prospect, Site};
pub use chance::{Chance, SystemChance};
pub use checking::{check_epoch, check_topic};
pub use config::{AggregatorSection, Beginning, Config, ExportedFigures, PrometheusSection, group_of};
pub use dead_letters::index_again;
pub use fault::Fault;
pub use keeper::{Keeper, KeeperSettings, Ports, Signs};
pub use log::{KafkaLog, Log, fingerprint};
pub use metrics::{
    BUSINESS_DAY, ENTITIES, EPOCH_LIVE, FLUSH_ROWS, FUNNEL_CUSTOMERS, IDENTITY_CONFLICTS, INSERT_RETRIES,
    INVITATIONS_ANSWERED, INVITATIONS_DELIVERED, Instruments, LTV_CUSTOMERS, LTV_LIFETIME_MONTHS, LTV_MARGIN,
    LTV_PURCHASES, LTV_REVENUE, METRICS, NPS_ANSWERS, NPS_CRITICAL_Z, PARTITION_LIVE, PARTITION_REFUSED,
    REPLAYED_RECORDS, RESTORE_SECONDS, SEGMENT_WINDOW_DAYS, SEGMENTS_HIDDEN, STATE_BYTES, TERM, TERMS,
    TOPIC_PARTITIONS, VISIBLE_POSITION, VISIBLE_SECONDS, WATCH_FAILURES,
};
pub use moving::move_cells;
pub use service::run;

//! The ingest service: source topics to the canonical topic.
//!
//! It wires and runs: `sarafan-wire` decides what becomes of a record, `sarafan-stream` reads, produces and commits.
//! It holds no state: offsets are committed once everything that came of the records before them is acknowledged, so a
//! record may be produced twice and is never lost; what follows is indifferent to duplicates (DESIGN 2).

mod config;
mod mapper;
mod metrics;
mod service;
mod source_lag;

pub use config::{Config, IngestSection};
pub use mapper::{Mapper, relay, source_record};
pub use metrics::{EVENTS, FILTERED, METRICS, Metrics, RECORDS, SOURCE_LAG_RECORDS, SOURCE_LAG_SECONDS};
pub use service::run;

//! Bytes to core events and back: JSON sources by mapping, canonical Avro, reasons for rejection.

#[cfg(test)]
mod arbitrary;
mod avro;
mod content;
mod export;
mod json;
mod mapping;
mod reason;
mod topics;

pub use avro::{AvroError, decode, encode, schema_of};
pub use content::{record_hash, sort_fields};
pub use export::export_json;
pub use mapping::{Mapping, MappingError, Outcome, SourceRecord};
pub use reason::{Reason, Rejection};
pub use topics::TopicsSection;

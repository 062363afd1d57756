//! Bytes to core events and back: JSON sources by mapping, canonical Avro, reasons for rejection.

#[cfg(test)]
mod arbitrary;
mod avro;
mod content;

pub use avro::{AvroError, decode, encode, schema_of};
pub use content::{record_hash, sort_fields};

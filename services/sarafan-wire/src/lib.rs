//! Bytes to core events and back: JSON sources by mapping, canonical Avro, reasons for rejection.

//! The ingest service: source topics to the canonical topic.

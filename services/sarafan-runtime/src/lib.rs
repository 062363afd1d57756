//! Process plumbing: configuration, tracing, metrics and health endpoints, shutdown.

//! The dashboards of `grafana/dashboards`, as far as they can be checked without running them: that Grafana understands
//! them, that they are laid out and worded as they should be, and that they read metrics, rules and views that there are.
//! `tests/it/panels.rs` runs their queries.

#![cfg(feature = "localstack")]
// In helpers of tests too, where the lint does not see a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod budgets;
mod files;
mod layout;
mod promql;
mod schema;
mod variables;
mod words;

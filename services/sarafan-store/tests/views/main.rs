//! The views of the analysts' contract on a real ClickHouse: rows written by hand, figures that METRICS gives.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod budgets;
mod contract;
mod deployment;
mod facts;
mod ltv;
mod nps;
mod nps_between;
mod nps_change;
mod repeat;
mod statistics;
mod switching;
mod terms;
mod world;

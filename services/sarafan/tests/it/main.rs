//! The whole of it, end to end: the real program in processes of its own, on a real Kafka and a real ClickHouse.

// A helper of a test may fail it as the test itself may; clippy knows only the functions marked as tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adopt;
mod alerts;
mod audit;
mod bad_input;
mod browser;
mod chaos;
mod commands;
mod data;
mod figures_in_prometheus;
#[allow(dead_code)] // What only the tests without servers need.
#[path = "../dashboards/files.rs"]
mod files;
mod generations;
mod grafana;
mod local;
mod made_up;
mod minimal;
mod monitoring;
mod nps_drop;
mod panels;
mod random;
mod readers;
mod rebuild;
mod receivers;
mod records;
mod report_page;
mod restart;
mod series;
mod shop;
mod upgrades;
mod world;

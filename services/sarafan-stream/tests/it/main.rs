//! The engine against a real broker.

// A helper of a test may fail it as the test itself may; clippy knows only the functions marked as tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admin;
mod delivery;
mod group;
mod lag;
mod outage;
mod reader;
mod relay;
mod starts;
mod support;

//! The engine against a real broker.

mod admin;
mod delivery;
mod group;
mod reader;
mod relay;
mod starts;
mod support;

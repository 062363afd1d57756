//! The topics read from their start: what the tables must hold, and where every source record went.

mod entities;
mod offsets;
mod sources;
mod truth;

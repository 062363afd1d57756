//! A simulated retailer, as its source systems would write it: customers, orders, payments, surveys, service cases,
//! deals and advertising, from a seed.
//!
//! [`Simulation::new`] makes a world, [`Simulation::history`] gives its records in the order in which they arrive, and
//! [`Simulation::live`] goes on with the same world for as long as it is asked. The same [`Settings`] give the same
//! history, byte for byte, on one kind of machine.
//!
//! Nothing here knows how the records will be mapped: they have the shapes, words and faults of eight different systems
//! ([`Topic`]). What the figures must show of them stands in [`truths`].
//!
//! The world is a queue of things that fall due. Each of them may write records, which arrive a little later, and let
//! others fall due. A random number is drawn only while a thing is done, so that one sequence decides everything.

mod calendar;
mod catalogue;
mod chance;
mod money;
mod places;
mod queue;
mod records;
mod settings;
mod simulation;
pub mod truths;
mod words;
mod world;

pub use records::{Record, Topic};
pub use settings::{Settings, SettingsError};
pub use simulation::{History, Simulation};

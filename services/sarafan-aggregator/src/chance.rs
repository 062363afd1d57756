//! The port between the keeper and chance.

use crate::fault::Fault;

/// Where an owner's random numbers come from.
///
/// There are two: [`SystemChance`], and the simulation's.
pub trait Chance: Send + Sync {
    /// The id of an owner: no two are ever the same.
    ///
    /// # Errors
    /// [`Fault::Random`].
    fn owner(&self) -> Result<u64, Fault>;

    /// A number that spreads waits: differs between processes and moments.
    fn spread(&self) -> u64;
}

/// The operating system's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn owner(&self) -> Result<u64, Fault> {
        getrandom::u64().map_err(Fault::Random)
    }

    fn spread(&self) -> u64 {
        sarafan_store::spread()
    }
}

//! What some seeds go on with after they have healed: the store is set back to a backup and adopted, or a candidate epoch
//! is built. Then everything goes wrong once more, and heals once more.

use fastrand::Rng;
use sarafan_aggregator::{Plan, Site};
use sarafan_core::tenure::Trust;
use sarafan_store::simulated::{Backup, How, Tables};
use sarafan_stream::simulated::Polled;

use crate::domain::other_definitions;
use crate::process::GENERATION;
use crate::truth::Truth;
use crate::world::World;

/// Whoever runs commands.
const OPERATOR: u32 = 90;
/// One in so many seeds goes on.
const GOING_ON: u32 = 6;

/// What is to come.
pub(crate) struct Aftermath {
    what: What,
    /// When which table is backed up.
    moments: Vec<(u32, &'static str)>,
    backup: Backup,
}

enum What {
    Nothing,
    SetBack { trust: Trust, everything_stopped: bool },
    Candidate,
}

impl Aftermath {
    /// For a seed of so many steps. It has chance of its own, so that what comes before does not depend on it.
    pub(crate) fn of(seed: u64, steps: u32) -> Self {
        let mut random = Rng::with_seed(!seed);
        let what = match random.u32(0..3 * GOING_ON) {
            0 | 1 => {
                let trust = if random.bool() { Trust::Ledger } else { Trust::Nothing };
                What::SetBack { trust, everything_stopped: random.bool() }
            }
            2 => What::Candidate,
            _ => What::Nothing,
        };
        let first = random.u32(0..steps);
        let torn = random.bool();
        let moment = |name: &'static str| {
            // The ledger is backed up first; where it is not, nothing is to be trusted.
            let earliest = if matches!(what, What::SetBack { trust: Trust::Ledger, .. }) { first } else { 0 };
            let later = if torn && name != "ledger" { random.u32(earliest..steps) } else { first };
            (later, name)
        };
        let moments = Tables::names().into_iter().map(moment).collect();
        Self { what, moments, backup: Backup::default() }
    }

    /// Before a step.
    pub(crate) fn look(&mut self, step: u32, world: &World) {
        for (_, table) in self.moments.iter().filter(|(at, _)| *at == step) {
            world.plant.tables.back_up(table, &mut self.backup);
        }
    }

    /// It comes; false if nothing does.
    pub(crate) fn come(&self, world: &mut World) -> Result<bool, String> {
        match self.what {
            What::Nothing => return Ok(false),
            What::SetBack { trust, everything_stopped } => {
                if everything_stopped {
                    world.kill_all();
                }
                world.set_back(&self.backup);
                world.adopt(trust)?;
            }
            What::Candidate => {
                world.kill_all();
                world.begin_candidate();
            }
        }
        Ok(true)
    }
}

impl World {
    fn kill_all(&mut self) {
        for place in 0..self.processes.len() {
            self.kill(place);
        }
    }

    /// The store is set back: tables of the backup are what they were.
    pub(crate) fn set_back(&mut self, backup: &Backup) {
        self.plant.tables.restore(backup);
        self.set_back = true;
    }

    /// What `sarafan adopt` does.
    pub(crate) fn adopt(&mut self, trust: Trust) -> Result<(), String> {
        let (store, log) = (self.plant.client(OPERATOR), self.plant.log(OPERATOR));
        let (epoch, partitions) = (self.plant.definitions.epoch, self.plant.partitions);
        let site = Site { epoch, generation: GENERATION, partitions, has_earlier: false };
        let incarnation = self.random.u64(1..);
        let mut plan =
            Polled::new(async move { Plan::look(&store, &log, site, trust, incarnation, |_| {}).await });
        let plan = loop {
            if let Some(plan) = plan.poll() {
                break plan.map_err(|fault| fault.to_string())?;
            }
            while self.plant.questions.waiting() > 0 {
                self.plant.questions.answer(0, true);
            }
            for asked in self.plant.tables.pending().into_iter().filter(|p| p.process == OPERATOR) {
                self.answer(asked, How::Done)?;
            }
        };
        let entries = plan.entries().map_err(|fault| fault.to_string())?;
        self.plant.tables.write_ledger(epoch, &entries);
        self.plant.tables.set_incarnation(plan.incarnation);
        Ok(())
    }

    /// Other definitions are rolled out beside the live ones. Who runs goes on with those; who starts builds the candidate.
    pub(crate) fn begin_candidate(&mut self) {
        let plant = &mut self.plant;
        let live = std::mem::replace(&mut plant.definitions, other_definitions());
        plant.copied_from = Some(live.epoch);
        plant.filled_in = plant.definitions.fields_beyond(&live);
        plant.group = "candidates";
        for (number, truth) in (0..).zip(&mut self.truths) {
            let events = std::mem::take(&mut truth.events);
            *truth = Truth::new(&plant.definitions, number, plant.partitions);
            (0..).zip(events).for_each(|(offset, event)| truth.append(event, offset));
        }
    }
}

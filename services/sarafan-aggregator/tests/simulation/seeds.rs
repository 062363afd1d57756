//! Seeds: each is a world of its own.

#[cfg(not(feature = "planted"))]
use std::time::Instant;

use crate::aftermath::Aftermath;
use crate::faults::Coverage;
use crate::world::{World, with_ingest};

/// Things that happen before everything heals.
const STEPS: u32 = 300;
/// And where ingest runs, with which more can go wrong.
const STEPS_WITH_INGEST: u32 = 400;

/// And after the store was set back, or a candidate epoch began.
const STEPS_AFTER: u32 = 150;

/// So many seeds are to meet each pair of neighbouring faults 500 times.
#[cfg(not(feature = "planted"))]
const ENOUGH: u64 = 10_000;

/// Runs one seed; what is wrong names it.
pub(crate) fn run(seed: u64, traced: bool) -> Result<Coverage, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime
        .block_on(async {
            let mut world = World::new(seed, traced);
            world.coverage.seeds = 1;
            let steps = if with_ingest(seed) { STEPS_WITH_INGEST } else { STEPS };
            let mut aftermath = Aftermath::of(seed, steps);
            for step in 0..steps {
                aftermath.look(step, &world);
                world.act().await?;
            }
            world.heal().await?;
            if aftermath.come(&mut world)? {
                for _ in 0..STEPS_AFTER {
                    world.act().await?;
                }
                world.heal().await?;
            }
            Ok(world.coverage)
        })
        .map_err(|wrong: String| format!("seed {seed}: {wrong}"))
}

#[cfg(not(feature = "planted"))]
fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().expect(name))
}

/// `SEEDS` asks for another number of seeds, `FIRST` for other ones, and `TRACE` prints what happens.
#[cfg(not(feature = "planted"))]
#[test]
fn whatever_happens_the_tables_are_what_the_records_say() {
    let (first, seeds) = (number("FIRST", 0), number("SEEDS", 200));
    let traced = std::env::var_os("TRACE").is_some();
    let began = Instant::now();
    let threads = 2;
    let halves: Vec<_> = (0..threads)
        .map(|thread| {
            std::thread::spawn(move || {
                let mut coverage = Coverage::default();
                let mut wrong = Vec::new();
                for seed in (first..first + seeds).filter(|seed| seed % threads == thread) {
                    match run(seed, traced) {
                        Ok(seen) => coverage.add(&seen),
                        Err(error) => wrong.push(error),
                    }
                }
                (coverage, wrong)
            })
        })
        .collect();
    let mut coverage = Coverage::default();
    let mut wrong = Vec::new();
    for half in halves {
        let (seen, errors) = half.join().unwrap();
        coverage.add(&seen);
        wrong.extend(errors);
    }
    println!("{coverage}\n{:?}", began.elapsed());
    // Enough seeds must have met everything, and each right after everything.
    assert!(seeds < ENOUGH || coverage.rarest_pair().1 >= 500, "{:?}", coverage.rarest_pair());
    assert!(wrong.is_empty(), "{} of {seeds} seeds are wrong; the first: {}", wrong.len(), wrong[0]);
}

//! Faults of our own processes.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use super::Stage;
use crate::chaos::site::SESSION;

/// A kill comes within this time of its turn: at any moment of a flush.
const ANY_MOMENT: Duration = Duration::from_secs(1);
/// Members that a storm adds to the two.
const STORM_MEMBERS: usize = 4;
const STORM_STEP: Duration = Duration::from_secs(1);
/// How long others may take to go on with what a sleeper had.
const TAKEOVER: Duration = Duration::from_secs(180);

/// SIGKILL at a random moment, and a new start after a while.
pub(super) fn kill(stage: &mut Stage<'_>, command: &str) -> anyhow::Result<String> {
    let member = stage.any(command)?;
    thread::sleep(stage.up_to(ANY_MOMENT));
    member.kill()?;
    let away = stage.up_to(2 * SESSION);
    thread::sleep(away);
    member.start(None)?;
    Ok(format!("{}, away {:.1} s", member.name, away.as_secs_f64()))
}

/// SIGSTOP until others have its partitions, then SIGCONT: a zombie that believes that it still owns them.
pub(super) fn zombie(stage: &mut Stage<'_>, command: &str) -> anyhow::Result<String> {
    let member = stage.any(command)?;
    let before = live_owners(stage)?;
    thread::sleep(stage.up_to(ANY_MOMENT));
    member.freeze()?;
    thread::sleep(SESSION + stage.up_to(SESSION));
    if command == "aggregate" {
        let others_went_on = || Ok(live_owners(stage)?.difference(&before).next().is_some());
        stage.wait("others go on with the partitions of the sleeper", TAKEOVER, others_went_on)?;
    }
    member.thaw()?;
    Ok(format!("{} overslept", member.name))
}

/// Owners of live terms.
fn live_owners(stage: &Stage<'_>) -> anyhow::Result<BTreeSet<u64>> {
    let epoch = stage.site.deployment.definitions.epoch;
    let ledger = stage.site.block_on(stage.site.store.read_ledger(epoch))?;
    Ok(ledger.into_iter().filter(|entry| entry.live).map(|entry| entry.owner).collect())
}

/// More members come, go and die, one move each second, so that hardly a rebalance comes to its end before the next.
pub(super) fn storm(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let members = &stage.site.members;
    let extras = (0..STORM_MEMBERS)
        .map(|number| members.add("aggregate", &format!("aggregator-extra-{number}")))
        .collect::<Result<Vec<_>, _>>()?;
    let mut running = [false; STORM_MEMBERS];
    let until = Instant::now() + stage.hold;
    let mut moves = 0;
    while Instant::now() < until {
        let number = stage.random.usize(0..STORM_MEMBERS);
        match (running[number], stage.random.bool()) {
            (false, _) => extras[number].start(None)?,
            (true, true) => extras[number].stop()?,
            (true, false) => extras[number].kill()?,
        }
        running[number] = !running[number];
        moves += 1;
        thread::sleep(STORM_STEP);
    }
    extras.iter().try_for_each(|extra| members.dismiss(extra))?;
    Ok(format!("{moves} moves"))
}

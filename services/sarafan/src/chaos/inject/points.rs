//! Deaths at named points of the code.

use std::time::Duration;

use anyhow::Context as _;

use super::Stage;
use crate::chaos::member::Member;

/// A point in a flush is passed some times a second.
const FLUSHES: u32 = 30;
/// A point of a record is passed far more often.
const RECORDS: u32 = 400;
/// Long enough for a start, a rebalance and so many flushes.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often partitions are moved until a revoke was the last: one in a moment without records has nothing to write.
const MOVES: usize = 20;

/// An ingest dies between sending and committing.
pub(super) fn in_ingest(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let point = if stage.random.bool() { "relay.sent" } else { "relay.acknowledged" };
    let passes = stage.random.u32(0..if point == "relay.sent" { RECORDS } else { FLUSHES });
    let member = stage.any("ingest")?;
    die_at(stage, &member, point, passes)
}

/// An aggregator dies at a point of its flushes.
pub(super) fn in_flush(stage: &mut Stage<'_>, point: &str) -> anyhow::Result<String> {
    let passes = stage.random.u32(0..FLUSHES);
    let member = stage.any("aggregate")?;
    die_at(stage, &member, point, passes)
}

/// An aggregator dies when it has claimed its first terms.
pub(super) fn at_claim(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let member = stage.any("aggregate")?;
    die_at(stage, &member, "take.term_claimed", 0)
}

fn die_at(stage: &Stage<'_>, member: &Member, point: &str, passes: u32) -> anyhow::Result<String> {
    let before = deaths(stage);
    member.kill()?;
    member.start(Some(&armed(point, passes)))?;
    stage.wait(&format!("{} dies at {point}", member.name), PATIENCE, || Ok(deaths(stage) > before))?;
    Ok(format!("{} at {point}, passed {passes} times before", member.name))
}

/// An aggregator dies in a revoke: others join and leave until one of them takes partitions from it.
pub(super) fn in_revoke(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let point = if stage.random.bool() { "revoke.tables_written" } else { "revoke.recorded" };
    let member = stage.any("aggregate")?;
    let before = deaths(stage);
    member.kill()?;
    member.start(Some(&armed(point, 0)))?;
    member.wait_until_ready(PATIENCE)?;
    for _ in 0..MOVES {
        let joiner = stage.site.members.add("aggregate", "aggregator-joiner")?;
        joiner.start(None)?;
        let moved = || Ok(deaths(stage) > before || joiner.has_partitions());
        let waited = stage.wait("a revoke", PATIENCE, moved);
        stage.site.members.dismiss(&joiner)?;
        waited?;
        if deaths(stage) > before {
            return Ok(format!("{} at {point}", member.name));
        }
    }
    // All moved away while it had nothing to write: the point was not passed, and the fault did not happen.
    Err(anyhow::anyhow!("{MOVES} revokes")).context(format!("{} did not pass {point}", member.name))
}

/// Dies when it passes the point for the last of so many times and one.
fn armed(point: &str, passes: u32) -> String {
    match passes {
        0 => format!("{point}=return"),
        _ => format!("{point}={passes}*off->return"),
    }
}

fn deaths(stage: &Stage<'_>) -> usize {
    stage.site.members.ends().iter().filter(|end| end.by_point).count()
}

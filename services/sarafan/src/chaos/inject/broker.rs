//! Faults of Kafka.

use std::thread;
use std::time::Duration;

use super::Stage;

/// How long a dead broker stays away at most.
const AWAY: Duration = Duration::from_secs(8);

/// An orderly end and a new start.
pub(super) fn restart(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    stage.site.kafka.stop()?;
    back_after(stage)
}

/// SIGKILL and a new start: it had no time to flush or to say goodbye.
pub(super) fn kill(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    stage.site.kafka.kill()?;
    back_after(stage)
}

fn back_after(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let away = stage.up_to(AWAY);
    thread::sleep(away);
    stage.site.kafka.restart()?;
    Ok(format!("away {:.1} s and a start", away.as_secs_f64()))
}

/// Connections stay open, and nobody answers.
pub(super) fn freeze(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    stage.site.kafka.freeze()?;
    stage.last();
    stage.site.kafka.thaw()?;
    Ok(format!("for {} s", stage.hold.as_secs()))
}

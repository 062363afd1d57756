//! Faults between the services and ClickHouse.

use std::thread;
use std::time::Duration;

use anyhow::ensure;

use super::Stage;
use crate::chaos::proxy::Mode;
use crate::chaos::recovery;
use crate::chaos::site::ANSWER;

/// An insert of a small flush is some kilobytes long.
const CUT_WITHIN: usize = 30_000;
const SLOW: usize = 64_000;

/// Inserts happen, and two of three senders never hear of it.
pub(super) fn lose_answers(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    harm(stage, Mode::LoseAnswers, "answers lost")
}

/// Two of three inserts break off.
pub(super) fn cut(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    harm(stage, Mode::Cut(CUT_WITHIN), "inserts cut")
}

fn harm(stage: &mut Stage<'_>, mode: Mode, what: &str) -> anyhow::Result<String> {
    stage.site.proxy.harmed();
    stage.site.proxy.set(mode);
    stage.last();
    stage.site.proxy.set(Mode::Pass);
    let harmed = stage.site.proxy.harmed();
    ensure!(harmed > 0, "no insert came by: nothing was harmed");
    Ok(format!("{harmed} {what}"))
}

/// Everything is slow.
pub(super) fn slow(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    stage.site.proxy.set(Mode::Slow(SLOW));
    stage.last();
    stage.site.proxy.set(Mode::Pass);
    Ok(format!("for {} s", stage.hold.as_secs()))
}

/// Inserts are withheld until their senders have given up, and some have died; what others made of it meanwhile is
/// there, and then the old inserts arrive.
pub(super) fn late(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let site = stage.site;
    site.proxy.harmed();
    site.proxy.set(Mode::Withhold);
    let withheld = || Ok(site.proxy.withheld() > 0);
    stage.wait("an insert is withheld", stage.hold + 2 * ANSWER, withheld)?;
    thread::sleep(stage.up_to(ANSWER));
    let died = stage.random.bool();
    if died {
        for member in site.members.of("aggregate") {
            member.kill()?;
            member.start(None)?;
        }
    }
    site.proxy.set(Mode::Pass);
    recovery::caught_up(site)?;
    thread::sleep(stage.up_to(Duration::from_secs(2)));
    let waiting = site.proxy.withheld();
    let accepted = site.proxy.deliver();
    ensure!(accepted > 0, "none of {waiting} withheld inserts was accepted");
    Ok(format!("{accepted} inserts late{}", if died { ", their senders dead" } else { "" }))
}

//! ClickHouse is set back to an older copy of its files, as after a disk that died; then an operator does what the
//! runbook says. The only fault that needs a hand.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use sarafan_core::tenure::Entry;
use sarafan_store::{Backoff, Outcome, repeat};

use super::Stage;
use crate::chaos::recovery::caught_up;
use crate::chaos::site::Site;

/// How long owners may take to see that what they wrote is gone.
const SEEN_WITHIN: Duration = Duration::from_secs(120);
/// How long a server that was restarted may take to answer.
const READ_WITHIN: Duration = Duration::from_secs(120);

/// Copies the files of a stopped ClickHouse, lets it go on, and puts the copy back. Half the time the aggregators live on.
pub(super) fn restore(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let site = stage.site;
    let (files, copy) = (site.clickhouse.data_dir().join("data"), site.folder().join("older-files"));
    site.clickhouse.stop()?;
    let copied = copy_files(&files, &copy);
    site.clickhouse.restart()?;
    copied?;
    caught_up(site).context("after the copy was taken")?;
    let before = position(site)?;
    stage.wait("tables go on behind the copy", SEEN_WITHIN, || Ok(position(site)? > before))?;
    stage.last();
    let lives_on = stage.random.bool();
    let aggregators = site.members.of("aggregate");
    if !lives_on {
        aggregators.iter().try_for_each(|member| member.stop())?;
    }
    let (reached, terms) = (position(site)?, highest_term(site)?);
    site.clickhouse.stop()?;
    std::fs::remove_dir_all(&files)?;
    std::fs::rename(&copy, &files).or_else(|_| copy_files(&copy, &files))?;
    site.clickhouse.restart()?;
    if lives_on {
        // They take their partitions again, under a term that the copy does not know, or refuse them.
        let copied_term = highest_term(site)?;
        let seen = || Ok(highest_term(site)? > copied_term || refused(stage)? > 0.0);
        stage.wait("owners see that the store was set back", SEEN_WITHIN, seen)?;
    } else {
        let now = position(site)?;
        ensure!(now < reached, "the store was not set back: it was at {reached} and is at {now}");
    }
    adopt(site)?;
    if !lives_on {
        aggregators.iter().try_for_each(|member| member.start(None))?;
    }
    let lived = if lives_on { "aggregators lived on" } else { "aggregators stopped" };
    Ok(format!("set back from position {reached} (term {terms}), {lived}, adopted"))
}

/// What an operator types.
fn adopt(site: &Site) -> anyhow::Result<()> {
    let recipe = site.members.recipe();
    let output = Command::new(std::env::current_exe()?)
        .args(["adopt", "--yes", "--config", "sarafan.toml"])
        .envs(recipe.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&recipe.folder)
        .stdin(Stdio::null())
        .output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    ensure!(
        output.status.success(),
        "`sarafan adopt --yes`: {}: {} {}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    Ok(())
}

/// The ledger; a connection to the server that was stopped may break once more.
fn ledger(site: &Site) -> anyhow::Result<Vec<Entry>> {
    let epoch = site.deployment.definitions.epoch;
    let backoff = Backoff::default();
    let read = async {
        let enough = tokio::time::sleep(READ_WITHIN);
        repeat(&backoff, sarafan_store::spread, enough, |_, _| {}, || site.store.read_ledger(epoch)).await
    };
    match site.block_on(read)? {
        Outcome::Done(ledger) => Ok(ledger),
        Outcome::Stopped => bail!("the ledger could not be read within {READ_WITHIN:?}"),
    }
}

/// The sum of the positions in the ledger.
fn position(site: &Site) -> anyhow::Result<u64> {
    let ledger = ledger(site)?;
    let mut reached = std::collections::BTreeMap::new();
    for entry in ledger.iter().filter(|entry| entry.live) {
        let position: &mut u64 = reached.entry(entry.partition).or_default();
        *position = entry.position.max(*position);
    }
    Ok(reached.values().sum())
}

fn highest_term(site: &Site) -> anyhow::Result<u64> {
    let ledger = ledger(site)?;
    Ok(ledger.iter().map(|entry| u64::from(entry.term)).max().unwrap_or(0))
}

/// Partitions that the aggregators refuse.
fn refused(stage: &Stage<'_>) -> anyhow::Result<f64> {
    let of = |address| {
        crate::scrape::scrape(address)
            .map(|samples| crate::scrape::sum(&samples, sarafan_aggregator::PARTITION_REFUSED, &[]))
    };
    // One that does not answer refuses nothing that can be seen.
    Ok(stage.site.members.of("aggregate").iter().map(|member| of(member.address).unwrap_or(0.0)).sum())
}

/// With modes, times and links as they are: ClickHouse links parts to each other.
fn copy_files(from: &Path, to: &Path) -> anyhow::Result<()> {
    let output = Command::new("cp").arg("-a").arg(from).arg(to).output().context("cannot run `cp`")?;
    ensure!(
        output.status.success(),
        "cannot copy ClickHouse's files: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

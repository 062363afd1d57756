//! ClickHouse is away for long while records pour in: consumption has to pause, memory has to stay bounded, revokes have
//! to be answered in time.

use std::thread;
use std::time::Duration;

use anyhow::ensure;

use super::Stage;
use crate::chaos::member::Member;
use crate::chaos::site::SESSION;
use crate::scrape::{scrape, sum};

/// How many times as long as other faults it lasts.
const TIMES: u32 = 5;
/// How many times as many records come.
const FLOOD: u32 = 5;
/// What an aggregator may need beyond what it held before, MiB: one batch and its blocks, what the client fetched ahead
/// (64 MiB), and what the allocator keeps of it.
const MORE_MIB: u64 = 256;
/// How long consumption may go on after ClickHouse has gone: a batch that fills, and the queue behind it.
const PAUSED_WITHIN: Duration = Duration::from_secs(30);

/// See [`super::super::Fault::LongOutage`].
pub(super) fn long(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let site = stage.site;
    let aggregators = site.members.of("aggregate");
    site.members.take_peak("aggregate");
    thread::sleep(Duration::from_secs(1));
    let before = site.members.take_peak("aggregate");
    let lost_before = lost(&aggregators[0])?;
    stage.feed.flood(FLOOD);
    site.clickhouse.freeze()?;
    let paused = || {
        Ok(aggregators
            .iter()
            .any(|member| metric(member, sarafan_stream::metrics::PAUSED).unwrap_or(0.0) > 0.0))
    };
    let outcome = stage.wait("consumption pauses", PAUSED_WITHIN, paused).and_then(|()| {
        // The other one oversleeps and comes back: the first has to take its partitions, and to give some up again,
        // while nothing can be written.
        aggregators[1].freeze()?;
        thread::sleep(2 * SESSION);
        aggregators[1].thaw()?;
        thread::sleep((stage.hold * TIMES).saturating_sub(2 * SESSION));
        Ok(())
    });
    stage.feed.flood(1);
    site.clickhouse.thaw()?;
    outcome?;
    let peak = site.members.take_peak("aggregate");
    let lost = lost(&aggregators[0])? - lost_before;
    ensure!(
        lost == 0.0,
        "{} was thrown out of its group: it answered a revoke too late",
        aggregators[0].name
    );
    ensure!(
        peak <= before + MORE_MIB,
        "an aggregator grew from {before} MiB to {peak} MiB while ClickHouse was away; {MORE_MIB} more are allowed"
    );
    let seconds = (stage.hold * TIMES).as_secs();
    Ok(format!("{seconds} s, aggregators {before} -> {peak} MiB, consumption paused, revokes in time"))
}

fn metric(member: &Member, name: &str) -> anyhow::Result<f64> {
    Ok(sum(&scrape(member.address)?, name, &[]))
}

fn lost(member: &Member) -> anyhow::Result<f64> {
    Ok(sum(&scrape(member.address)?, sarafan_stream::metrics::REBALANCES, &[("kind", "lost")]))
}

//! How each fault is brought about. Every function returns when what was broken is whole again, and says what it did.

mod broker;
mod clickhouse;
mod network;
mod outage;
mod points;
mod restored;
mod services;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use fastrand::Rng;

use super::fault::Fault;
use super::feed::Feed;
use super::site::Site;

/// What a fault is done to, and what decides how.
pub(super) struct Stage<'a> {
    pub(super) site: &'a Site,
    pub(super) feed: &'a Feed,
    pub(super) random: &'a mut Rng,
    /// How long what lasts does last.
    pub(super) hold: Duration,
}

/// Brings a fault about, and takes it back; says what was done.
pub(super) fn inject(fault: Fault, stage: &mut Stage<'_>) -> anyhow::Result<String> {
    match fault {
        Fault::KillIngest => services::kill(stage, "ingest"),
        Fault::PointIngest => points::in_ingest(stage),
        Fault::ZombieIngest => services::zombie(stage, "ingest"),
        Fault::KillAggregator => services::kill(stage, "aggregate"),
        Fault::PointInsert => points::in_flush(stage, "flush.block_inserted"),
        Fault::PointTables => points::in_flush(stage, "flush.tables_written"),
        Fault::PointLedger => points::in_flush(stage, "flush.ledger_written"),
        Fault::PointClaim => points::at_claim(stage),
        Fault::PointRevoke => points::in_revoke(stage),
        Fault::ZombieAggregator => services::zombie(stage, "aggregate"),
        Fault::RebalanceStorm => services::storm(stage),
        Fault::BrokerRestart => broker::restart(stage),
        Fault::BrokerKill => broker::kill(stage),
        Fault::BrokerFreeze => broker::freeze(stage),
        Fault::ClickhouseKillInsert => clickhouse::kill_in_insert(stage),
        Fault::ClickhouseKillMerge => clickhouse::kill_in_merge(stage),
        Fault::ClickhouseFreeze => clickhouse::freeze(stage),
        Fault::ClickhouseRestored => restored::restore(stage),
        Fault::DiskFull => clickhouse::fill_disk(stage),
        Fault::TooManyParts => clickhouse::too_many_parts(stage),
        Fault::AnswerLost => network::lose_answers(stage),
        Fault::RequestCut => network::cut(stage),
        Fault::SlowNetwork => network::slow(stage),
        Fault::LateDelivery => network::late(stage),
        Fault::PoisonFlood => poison(stage),
        Fault::LongOutage => outage::long(stage),
    }
}

fn poison(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let before = stage.feed.sent();
    stage.feed.poison(true);
    stage.last();
    stage.feed.poison(false);
    Ok(format!("among {} records", stage.feed.sent() - before))
}

impl Stage<'_> {
    /// For as long as a fault lasts.
    fn last(&self) {
        thread::sleep(self.hold);
    }

    /// A random time up to so long.
    fn up_to(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.random.f64())
    }

    /// A service of this command, any.
    fn any(&mut self, command: &str) -> anyhow::Result<std::sync::Arc<super::member::Member>> {
        let members = self.site.members.of(command);
        ensure!(!members.is_empty(), "there is no `sarafan {command}` left");
        let chosen = self.random.usize(0..members.len());
        members.into_iter().nth(chosen).ok_or_else(|| anyhow::anyhow!("no member {chosen}"))
    }

    /// Polls until it is so.
    fn wait(
        &self,
        what: &str,
        patience: Duration,
        mut so: impl FnMut() -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            if so()? {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "not within {} s: {what}", patience.as_secs());
            thread::sleep(POLL);
        }
    }
}

const POLL: Duration = Duration::from_millis(10);

//! `sarafan rebuild`

use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use indicatif::ProgressBar;
use sarafan_aggregator::{Beginning, Config};
use sarafan_core::Epoch;
use sarafan_runtime::config::ConfigErrors;
use sarafan_runtime::shutdown::Shutdown;
use sarafan_store::Store;
use sarafan_stream::Admin;

use super::block_on;
use super::migrate::{SourceTopics, make_tables, make_topics, present};
use crate::cli::ConfigPath;
use crate::deployment::Deployment;
use crate::failure::CheckFailed;
use crate::settled::{Reached, reached, shown_positions};
use crate::terminal::{self, Unit};

const EXAMPLES: &str = "\
Examples:
  sarafan rebuild                 after [metrics], [[survey]] or [[dimension]] were changed, and before the aggregators
                                  are started with them
  sarafan rebuild --stay          go on as an aggregator until others have been started
  sarafan rebuild --from topic    do not begin with the entities that there are: fold every record again
  sarafan rebuild --abort         forget the candidate: what was built of it is dropped

Builds the figures of the configuration's definitions beside those that views show, in a consumer group of its own, and
when it has caught up switches all views in one step. Until then nobody sees anything of it. It may be broken off and run
again: it goes on where it was. Aggregators with the old definitions run on untouched; those with the new ones may be
started as soon as the rebuild has begun. Does what `sarafan migrate` does, and no more when the definitions are those that
views show.";

/// Between two looks at how far it has come.
const LOOK: Duration = Duration::from_secs(1);
/// And when it has caught up but for what the live owners have just written.
const NEAR: Duration = Duration::from_millis(50);

/// Arguments of `sarafan rebuild`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// What to begin with, where both are possible.
    #[arg(long, value_enum, default_value_t = From::Entities)]
    from: From,
    /// Go on as an aggregator after the switch, until told to stop.
    #[arg(long, conflicts_with = "abort")]
    stay: bool,
    /// Drop what was built of the configuration's definitions.
    #[arg(long)]
    abort: bool,
    /// Create the topics of the sources too, when they are missing.
    #[arg(long, conflicts_with = "abort")]
    create_source_topics: bool,
}

/// What to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum From {
    /// The entities that are there, and the details for the attributes that they lack.
    Entities,
    /// The canonical topic from its start.
    Topic,
}

/// Builds the candidate and switches to it, or drops it.
pub(crate) fn run(place: &ConfigPath, arguments: &Arguments) -> anyhow::Result<()> {
    let deployment = Deployment::load(&place.path)?;
    let mut errors = ConfigErrors::default();
    let config = Config::read(&deployment.document, &mut errors);
    let Some(mut config) = config else { return Err(errors.into()) };
    if arguments.from == From::Topic {
        config.beginning = Beginning::Topic;
    }
    sarafan_runtime::tracing::init(&config.service.log)?;
    block_on(async {
        let store = Store::new(&deployment.clickhouse)?;
        if arguments.abort {
            return abort(&deployment, &config, &store).await;
        }
        rebuild(&deployment, config, &store, arguments).await
    })
}

async fn rebuild(
    deployment: &Deployment,
    mut config: Config,
    store: &Store,
    arguments: &Arguments,
) -> anyhow::Result<()> {
    let (stay, epoch) = (arguments.stay, deployment.definitions.epoch);
    let sources = SourceTopics::wanted(arguments.create_source_topics);
    terminal::say(make_tables(store).await?)?;
    terminal::say(make_topics(deployment, store, sources).await?.join("\n"))?;
    store.register_epoch(&deployment.definitions).await?;
    let live = store.live_epoch().await?;
    let Some(live) = live.filter(|live| *live != epoch) else {
        store.set_live_epoch(epoch).await?;
        terminal::say(format!("epoch {epoch}: live; there is nothing to rebuild"))?;
        return Ok(terminal::say(present(deployment, store).await?)?);
    };
    if !stay {
        // Nobody scrapes it, and an aggregator on the same host has the port.
        config.service.listen.set_port(0);
    }
    let shutdown = Shutdown::on_signals()?;
    let aggregate = async {
        let aggregated = sarafan_aggregator::run(config, shutdown.clone()).await;
        // A candidate that has failed never catches up.
        shutdown.request("the candidate has ended");
        aggregated
    };
    let switch = async {
        let switched = switch(deployment, store, live, &shutdown).await;
        if !stay || switched.is_err() {
            shutdown.request("the rebuild has ended");
        }
        switched
    };
    let (aggregated, switched) = tokio::join!(aggregate, switch);
    aggregated.context("build the candidate; it is safe to run this again")?;
    switched
}

/// Waits until the candidate has caught up, then has every view show it.
async fn switch(
    deployment: &Deployment,
    store: &Store,
    live: Epoch,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let epoch = deployment.definitions.epoch;
    let bar = terminal::bar(&format!("building {epoch}"), Some(0), Unit::Records);
    let caught_up = tokio::select! {
        biased;
        () = shutdown.requested() => false,
        caught_up = catch_up(deployment, store, live, &bar) => { caught_up?; true }
    };
    bar.finish_and_clear();
    if !caught_up {
        let text = "broken off before the switch: views show what they showed; run it again to go on";
        return Err(CheckFailed(text.to_owned()).into());
    }
    store.set_live_epoch(epoch).await?;
    terminal::say(format!("epoch {epoch}: live"))?;
    Ok(terminal::say(present(deployment, store).await?)?)
}

/// Until every partition has reached what its topic held a moment ago, and what views show of it now: at the switch, no
/// figure is to go back by more than what the live owners write between the look and the switch.
async fn catch_up(
    deployment: &Deployment,
    store: &Store,
    live: Epoch,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let admin = Admin::open(&deployment.kafka)?;
    let mut goal: Option<Vec<u64>> = None;
    loop {
        let Reached { positions, ends } = reached(deployment, &admin, store).await?;
        bar.set_length(ends.iter().sum());
        bar.set_position(positions.iter().flatten().sum());
        let past = |goal: &[u64]| {
            goal.len() == positions.len()
                && positions.iter().zip(goal).all(|(at, to)| at.is_some_and(|at| at >= *to))
        };
        let there = goal.as_deref().is_some_and(past);
        if there && past(&shown(store, live, positions.len()).await?) {
            return Ok(());
        }
        if there {
            tokio::time::sleep(NEAR).await;
        } else {
            goal = Some(ends);
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The positions that views show of an epoch; 0 where nobody is live.
async fn shown(store: &Store, epoch: Epoch, partitions: usize) -> anyhow::Result<Vec<u64>> {
    let shown = shown_positions(store, epoch).await?;
    Ok((0_u16..).take(partitions).map(|partition| shown.get(&partition).copied().unwrap_or(0)).collect())
}

/// Drops the candidate, if nobody shows or builds it.
async fn abort(deployment: &Deployment, config: &Config, store: &Store) -> anyhow::Result<()> {
    let epoch = deployment.definitions.epoch;
    ensure!(
        store.live_epoch().await? != Some(epoch),
        CheckFailed(format!("views show epoch {epoch}: it is no candidate; nothing was dropped"))
    );
    drop_unused(&Admin::open(&deployment.kafka)?, store, &config.group(), epoch).await?;
    Ok(terminal::say(format!("epoch {epoch}: dropped"))?)
}

/// Drops an epoch and its consumer group, unless the group has members.
pub(crate) async fn drop_unused(
    admin: &Admin,
    store: &Store,
    group: &str,
    epoch: Epoch,
) -> anyhow::Result<()> {
    let members = admin.members(group).await?;
    if members > 0 {
        let text =
            format!("{members} members of the group {group} still build epoch {epoch}: stop them first");
        return Err(anyhow!(CheckFailed(text)));
    }
    store.drop_epoch(epoch).await?;
    Ok(admin.delete_group(group).await?)
}

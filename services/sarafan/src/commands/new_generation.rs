//! `sarafan migrate --new-generation`

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use sarafan_aggregator::{group_of, move_cells};
use sarafan_core::Epoch;
use sarafan_core::tenure::Entry;
use sarafan_store::{Generation, Store};
use sarafan_stream::{Admin, fail_point};

use super::migrate::{check_live_epoch, create, make_tables, own_topics};
use crate::deployment::Deployment;
use crate::failure::CheckFailed;
use crate::terminal::{self, Unit};

/// What is to be held of the topic that views were filled from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Earlier {
    /// It is there, and views show all of it.
    Drained,
    /// It is gone.
    Lost,
}

/// Goes on over the topic that the configuration names. Safe to run again wherever it was broken off.
pub(crate) async fn new_generation(deployment: &Deployment, earlier: Earlier) -> anyhow::Result<Vec<String>> {
    let store = Store::new(&deployment.clickhouse)?;
    let admin = Admin::open(&deployment.kafka)?;
    let mut done = vec![make_tables(&store).await?];
    check_live_epoch(deployment, &store).await?;
    let [events, _] = own_topics(deployment)?;
    let Some((from, number)) = next(deployment, &store).await? else {
        done.push(format!("topic {}: views show it; there is nothing to move", events.name));
        return Ok(done);
    };
    check_stopped(deployment, &admin, &store).await?;
    check_drained(deployment, &admin, &store, &from, earlier).await?;
    // An ingest that is started late would write where nobody reads.
    if admin.describe(&from.topic).await?.is_some() {
        admin
            .close_topic(&from.topic)
            .await
            .context("close the earlier topic; it is safe to run this again")?;
    }
    fail_point::pass("generation.earlier_closed");
    done.push(create(&admin, &events).await?);
    let found = admin.describe(&events.name).await?.context("the new topic was created and is not there")?;
    let partitions = u32::from(u16::try_from(found.partitions.len()).context("more partitions than 65535")?);
    let to = Generation { topic: events.name, generation: number, partitions, topic_id: String::new() };
    let bar = terminal::bar("moving", Some(u64::from(partitions)), Unit::Partitions);
    fail_point::pass("generation.topic_made");
    let step = |_| {
        bar.inc(1);
        fail_point::pass("generation.partition_moved");
    };
    let incarnation = move_cells(&store, &deployment.definitions, &to, step).await?;
    bar.finish_and_clear();
    fail_point::pass("generation.moved");
    // Whoever wrote before it was closed is seen now; nobody did since.
    check_stopped(deployment, &admin, &store).await?;
    check_drained(deployment, &admin, &store, &from, earlier).await?;
    // From here on owners of either generation are refused, until the next row.
    store.register_generation(&to).await?;
    fail_point::pass("generation.registered");
    store.carry_arrivals(number).await?;
    fail_point::pass("generation.arrivals_carried");
    store.set_incarnation(incarnation).await?;
    done.push(format!(
        "topic {}: generation {number} with {partitions} partitions, after {} with {}; start ingest and aggregators with this \
         configuration",
        to.topic, from.topic, from.partitions
    ));
    Ok(done)
}

/// The generation that views show, and the number of the one to make; nothing if that is shown already.
async fn next(deployment: &Deployment, store: &Store) -> anyhow::Result<Option<(Generation, u16)>> {
    let topic = &deployment.topics.events;
    let mut all = store.every_generation().await?;
    let latest =
        all.pop().context("no topic is registered: there is nothing to move; run `sarafan migrate`")?;
    if latest.topic != *topic {
        ensure!(
            all.iter().all(|earlier| earlier.topic != *topic),
            "topic {topic} was an earlier generation: name a new topic in topics.events"
        );
        let number = latest.generation.checked_add(1).context("no generation follows 65535")?;
        return Ok(Some((latest, number)));
    }
    let incarnation = store.incarnation().await?;
    let ledger = store.read_ledger(deployment.definitions.epoch).await?;
    let shown = ledger.iter().any(|e| e.incarnation == incarnation && e.generation == latest.generation);
    Ok(all.pop().filter(|_| !shown).map(|from| (from, latest.generation)))
}

/// Nobody may write to the earlier topic, nor fold it, also not for a candidate.
async fn check_stopped(deployment: &Deployment, admin: &Admin, store: &Store) -> anyhow::Result<()> {
    let epochs = store.epochs().await?;
    let aggregators = epochs.iter().map(|row| group_of(&deployment.groups.aggregator, Epoch(row.epoch)));
    for group in [deployment.groups.ingest.clone()].into_iter().chain(aggregators) {
        let members = admin.members(&group).await?;
        ensure!(
            members == 0,
            CheckFailed(format!(
                "{members} members of the group {group} run: stop them first, ingest before the aggregators (one that has \
                 stopped counts until its session times out); views show what they showed"
            ))
        );
    }
    Ok(())
}

/// Views show all that the earlier topic holds.
async fn check_drained(
    deployment: &Deployment,
    admin: &Admin,
    store: &Store,
    from: &Generation,
    earlier: Earlier,
) -> anyhow::Result<()> {
    if earlier == Earlier::Lost {
        return Ok(());
    }
    let topic = &from.topic;
    let found = admin.describe(topic).await?;
    let found = found.with_context(|| format!("topic {topic} is gone: run it with --lost, if so it is"))?;
    let incarnation = store.incarnation().await?;
    let ledger = store.read_ledger(deployment.definitions.epoch).await?;
    let mut live: Vec<&Entry> = ledger.iter().filter(|e| e.live && e.incarnation == incarnation).collect();
    live.sort_by_key(|entry| entry.rank());
    let shown: BTreeMap<u16, u64> = live.into_iter().map(|e| (e.partition, e.resume_at())).collect();
    let behind: u64 = (0_u16..)
        .zip(&found.partitions)
        .map(|(number, ends)| {
            ends.high.cast_unsigned().saturating_sub(shown.get(&number).copied().unwrap_or(0))
        })
        .sum();
    ensure!(
        behind == 0,
        CheckFailed(format!(
            "{behind} records of topic {topic} are not in the tables yet: with ingest stopped, start the aggregators with \
             topics.events = \"{topic}\", wait until they have caught up, stop them and run this again"
        ))
    );
    Ok(())
}

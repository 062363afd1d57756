//! How long it takes until the views show everything that had arrived.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::site::{INGEST_GROUP, Site};
use crate::settled::shown_positions;

/// More than any recovery takes that needs no hand, also on a machine that is busy with other things: it says that a
/// recovery never comes, not that it is slow.
const PATIENCE: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(100);

/// Waits until the views show everything that the source topics held at the time of the call; says how long it took.
///
/// # Errors
///
/// When it does not happen: then somebody would have to lend a hand.
pub(super) fn caught_up(site: &Site) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let sources: Vec<String> = site.deployment.mapping.topics().map(str::to_owned).collect();
    let mut ends = BTreeMap::new();
    for topic in &sources {
        ends.insert(
            topic,
            eventually(site, began, "the ends of the sources are known", || ends_of(site, topic).map(Some))?,
        );
    }
    for topic in &sources {
        let wanted = &ends[topic];
        eventually(site, began, &format!("ingest has read {topic}"), || {
            let committed = site.block_on(site.admin.committed(INGEST_GROUP, topic))?;
            Ok(reached(wanted, |partition| committed.get(&partition).copied().unwrap_or(0)).then_some(()))
        })?;
    }
    let events = &site.deployment.topics.events;
    let wanted =
        eventually(site, began, "the canonical topic's ends are known", || ends_of(site, events).map(Some))?;
    eventually(site, began, "views show the canonical topic", || {
        let shown = site.block_on(shown_positions(&site.store, site.deployment.definitions.epoch))?;
        let shown = |partition: i32| {
            let partition = u16::try_from(partition).unwrap_or(u16::MAX);
            shown.get(&partition).copied().unwrap_or(0).cast_signed()
        };
        Ok(reached(&wanted, shown).then_some(()))
    })?;
    // What `freshness` shows of dead letters has owners of its own, who may be later than those of the figures.
    let letters = &site.deployment.topics.dead_letters;
    let wanted = eventually(site, began, "the ends of the dead letters are known", || {
        ends_of(site, letters).map(Some)
    })?;
    eventually(site, began, "dead letters are in the index", || {
        let committed = site.block_on(site.admin.committed(&site.deployment.groups.dead_letters, letters))?;
        Ok(reached(&wanted, |partition| committed.get(&partition).copied().unwrap_or(0)).then_some(()))
    })?;
    Ok(began.elapsed())
}

/// The end of each partition.
fn ends_of(site: &Site, topic: &str) -> anyhow::Result<Vec<i64>> {
    let info = site.block_on(site.admin.describe(topic))?.with_context(|| format!("no topic {topic}"))?;
    Ok(info.partitions.iter().map(|ends| ends.high).collect())
}

fn reached(wanted: &[i64], position: impl Fn(i32) -> i64) -> bool {
    (0..).zip(wanted).all(|(partition, wanted)| position(partition) >= *wanted)
}

/// Asks until there is an answer; servers that do not answer yet are asked again.
fn eventually<T>(
    site: &Site,
    began: Instant,
    what: &str,
    mut ask: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    loop {
        site.revive()?;
        let answer = ask();
        if let Ok(Some(answer)) = answer {
            return Ok(answer);
        }
        if began.elapsed() > PATIENCE {
            let why = answer.err().map(|error| format!(" ({error:#})")).unwrap_or_default();
            bail!("not within {} s: {what}{why}", PATIENCE.as_secs());
        }
        thread::sleep(POLL);
    }
}

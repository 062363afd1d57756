//! Whether the views show everything that the canonical topic holds.

use std::collections::BTreeMap;

use sarafan_core::Epoch;
use sarafan_core::tenure::Entry;
use sarafan_store::Store;
use sarafan_stream::{Admin, PartitionEnds};

use crate::deployment::Deployment;

/// How far the views are behind the canonical topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Canonical records there are, over all partitions.
    pub records: u64,
    /// Of these, those that the views do not show yet.
    pub behind: u64,
}

/// How far an epoch has come, by partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    /// The position that its live term has reached; nothing before there is one.
    pub(crate) positions: Vec<Option<u64>>,
    /// The end of the canonical topic. Older than the positions, so that they can reach it.
    pub(crate) ends: Vec<u64>,
}

/// How far the configuration's definitions have come, whether views show them or not.
///
/// # Errors
///
/// When the brokers or ClickHouse do not answer, or there is no such topic.
pub(crate) async fn reached(
    deployment: &Deployment,
    admin: &Admin,
    store: &Store,
) -> anyhow::Result<Reached> {
    let ends =
        ends(deployment, admin).await?.into_iter().map(|ends| ends.high.cast_unsigned()).collect::<Vec<_>>();
    let shown = shown_positions(store, deployment.definitions.epoch).await?;
    let positions = (0_u16..).take(ends.len()).map(|partition| shown.get(&partition).copied()).collect();
    Ok(Reached { positions, ends })
}

async fn ends(deployment: &Deployment, admin: &Admin) -> anyhow::Result<Vec<PartitionEnds>> {
    let topic = &deployment.topics.events;
    let info = admin.describe(topic).await?;
    let info =
        info.ok_or_else(|| anyhow::anyhow!("topic {topic} does not exist; run `sarafan migrate` first"))?;
    Ok(info.partitions)
}

/// Compares the ends of the canonical topic with what the live terms of the ledger have shown.
///
/// # Errors
///
/// When the brokers or ClickHouse do not answer, or there is no such topic.
pub async fn backlog(deployment: &Deployment, admin: &Admin, store: &Store) -> anyhow::Result<Backlog> {
    let ends = ends(deployment, admin).await?;
    let shown = shown_positions(store, deployment.definitions.epoch).await?;
    let mut backlog = Backlog { records: 0, behind: 0 };
    for (partition, ends) in (0_u16..).zip(&ends) {
        let end = u64::try_from(ends.high).unwrap_or(0);
        backlog.records += end - u64::try_from(ends.low).unwrap_or(0);
        backlog.behind += end.saturating_sub(shown.get(&partition).copied().unwrap_or(0));
    }
    Ok(backlog)
}

/// The position up to which each partition of an epoch that has an owner is shown, by views or by nobody.
pub(crate) async fn shown_positions(store: &Store, epoch: Epoch) -> anyhow::Result<BTreeMap<u16, u64>> {
    let ledger = store.read_ledger(epoch).await?;
    Ok(shown(&ledger, store.incarnation().await?))
}

/// The position that views show of each partition: that of the highest live term, in all of its tables.
fn shown(ledger: &[Entry], incarnation: u64) -> BTreeMap<u16, u64> {
    let mut live: Vec<&Entry> =
        ledger.iter().filter(|entry| entry.live && entry.incarnation == incarnation).collect();
    live.sort_by_key(|entry| entry.rank());
    live.into_iter().map(|entry| (entry.partition, entry.resume_at())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sarafan_core::tenure::TableHeight;

    fn entry(term: u32, live: bool, position: u64, lowest_table: u64) -> Entry {
        let table = |position| TableHeight { table: "orders".to_owned(), position, highest: 0 };
        Entry {
            generation: 0,
            partition: 3,
            term,
            owner: 1,
            sequence: 1,
            incarnation: 0,
            live,
            position,
            last_record: 0,
            entities: 0,
            tables: vec![table(position), table(lowest_table)],
        }
    }

    #[test]
    fn what_is_shown_is_the_lowest_table_of_the_highest_live_term() {
        let ledger = [entry(2, true, 70, 60), entry(1, true, 90, 90), entry(3, false, 99, 99)];
        assert_eq!(shown(&ledger, 0), BTreeMap::from([(3, 60)]));
        assert_eq!(shown(&ledger, 1), BTreeMap::new());
    }
}

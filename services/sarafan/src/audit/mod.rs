//! The audit of a deployment: every figure recounted from the facts, every record accounted for.
//!
//! | part | what must hold |
//! |---|---|
//! | [`ledger`] | positions lie in the topic and behind the record that was applied there; entities are as many as it says; terms, markers and ledger agree |
//! | [`figures`] | rollups and derived columns are what the entities' own fields say, recounted by SQL that knows only METRICS |
//! | [`records`] | no id lives under two keys; every dead letter is in the index |
//! | [`deep`] | entities and details are the join of the canonical topic; every source record went to it, to the dead letters, or out by a rule |
//!
//! All of it reads only, and beside a live system: [`settle`] says when a difference is one.

mod deep;
mod figures;
mod ledger;
pub(crate) mod metrics;
mod records;
mod settle;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use sarafan_core::tenure::{Entry, LiveTerm};
use sarafan_core::{rows, version};
use sarafan_store::{Compared, Difference, Generation, Scope, Store};
use sarafan_stream::{Admin, TopicInfo};

use crate::deployment::Deployment;

/// What an audit is asked to do.
#[derive(Debug, Clone)]
pub(crate) struct Extent {
    /// Whether the topics are read from their start.
    pub(crate) deep: bool,
    /// How long a difference may go on moving before it is left for the next audit.
    pub(crate) patience: Duration,
    /// About how many entities one query recounts: whole partitions, one at least.
    pub(crate) entities_at_once: u64,
}

/// What one check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The check: a table, or what is compared.
    pub(crate) check: String,
    /// Rows, cells, offsets compared.
    pub(crate) compared: u64,
    /// Of these, those that differ and hold still.
    pub(crate) differing: u64,
    /// Those that were still moving when patience ended.
    pub(crate) moving: u64,
    /// Some of those that differ.
    pub(crate) differences: Vec<Difference>,
    /// What was left out, and why; empty when nothing was.
    pub(crate) left_out: String,
}

impl Finding {
    fn of(check: &str, compared: u64, differences: Vec<Difference>) -> Self {
        let differing = differences.len() as u64;
        Self { check: check.to_owned(), compared, differing, differences, ..Self::default() }
    }

    fn left_out(check: &str, why: impl Into<String>) -> Self {
        Self { check: check.to_owned(), left_out: why.into(), ..Self::default() }
    }

    fn add(&mut self, other: Self) {
        self.compared += other.compared;
        self.differing += other.differing;
        self.moving += other.moving;
        self.differences.extend(other.differences);
    }
}

/// A deployment under audit.
pub(crate) struct Audit<'a> {
    deployment: &'a Deployment,
    store: Store,
    admin: Admin,
    extent: Extent,
}

/// What an audit stands on, as of its beginning.
struct Ground {
    generation: u16,
    partitions: u32,
    topic: TopicInfo,
    /// Topics of earlier generations that are still there.
    earlier: Vec<TopicInfo>,
    /// Why the topics do not hold all that ever was applied; empty when they do.
    incomplete: String,
}

/// The ledger at one moment: of each partition the highest live term of this incarnation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Live {
    entries: BTreeMap<u16, Entry>,
}

impl Live {
    fn terms(&self) -> Vec<LiveTerm> {
        let term = |e: &Entry| LiveTerm { partition: e.partition, term: e.term, owner: e.owner };
        self.entries.values().map(term).collect()
    }

    /// The version that rows have at most when nothing is being written.
    fn version(&self, partition: u16) -> u64 {
        self.entries.get(&partition).map_or(0, |e| version(e.generation, e.position))
    }
}

impl<'a> Audit<'a> {
    pub(crate) fn new(deployment: &'a Deployment, extent: Extent) -> anyhow::Result<Self> {
        let store = Store::new(&deployment.clickhouse)?;
        let admin = Admin::open(&deployment.kafka)?;
        Ok(Self { deployment, store, admin, extent })
    }

    /// Runs every check; `done` is told how many of how many are behind, and what comes next.
    pub(crate) async fn run(&self, done: impl Fn(usize, usize, &str)) -> anyhow::Result<Vec<Finding>> {
        let ground = self.ground().await?;
        let slices = self.slices(&ground).await?;
        let whole = self.scope(&ground, (0..u16::try_from(ground.partitions)?).collect());
        let figures = figures::names();
        let total = 3 + figures.len() + if self.extent.deep { 2 } else { 0 };
        let mut findings = Vec::new();
        done(0, total, "ledger");
        findings.extend(self.ledger(&ground).await?);
        for (place, name) in figures.iter().enumerate() {
            done(1 + place, total, name);
            findings.push(self.figures(name, &slices).await?);
        }
        done(1 + figures.len(), total, "identities");
        findings.extend(self.conflicts(&whole).await?);
        done(2 + figures.len(), total, "dead letters");
        findings.push(self.dead_letters().await?);
        if self.extent.deep {
            done(3 + figures.len(), total, "canonical topic");
            let (compared, origins) = self.entities(&ground).await?;
            findings.extend(compared);
            done(4 + figures.len(), total, "sources");
            findings.extend(self.sources(origins).await?);
        }
        done(total, total, "done");
        Ok(findings)
    }

    async fn ground(&self) -> anyhow::Result<Ground> {
        let topic = &self.deployment.topics.events;
        let configured = self.deployment.definitions.epoch;
        let live =
            self.store.live_epoch().await.context("read the live epoch; has `sarafan migrate` run?")?;
        anyhow::ensure!(
            live == Some(configured),
            "views show epoch {} and the configuration is epoch {configured}: audit with the configuration that the \
             aggregators run with",
            live.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string())
        );
        let missing = || format!("topic {topic} is not registered; run `sarafan migrate` first");
        let registered = self.store.generations(topic).await?.pop().with_context(missing)?;
        let gone = || {
            format!(
                "topic {topic} does not exist and was registered; restore it, or see `sarafan migrate --help`"
            )
        };
        let found = self.admin.describe(topic).await?.with_context(gone)?;
        let Generation { generation, partitions, .. } = registered;
        let (mut earlier, mut incomplete) = (Vec::new(), String::new());
        for Generation { topic, .. } in
            self.store.every_generation().await?.iter().filter(|g| g.generation < generation)
        {
            match self.admin.describe(topic).await? {
                Some(found) => earlier.push(found),
                None => incomplete = format!("topic {topic}, of an earlier generation, is gone"),
            }
        }
        for topic in earlier.iter().chain([&found]) {
            if let Some((partition, ends)) =
                topic.partitions.iter().enumerate().find(|(_, ends)| ends.low > 0)
            {
                incomplete =
                    format!("topic {} begins at offset {} of partition {partition}", topic.name, ends.low);
            }
        }
        Ok(Ground { generation, partitions, topic: found, earlier, incomplete })
    }

    async fn live(&self) -> anyhow::Result<Live> {
        let ledger = self.store.read_ledger(self.deployment.definitions.epoch).await?;
        let incarnation = self.store.incarnation().await?;
        let mut live: Vec<Entry> =
            ledger.into_iter().filter(|entry| entry.live && entry.incarnation == incarnation).collect();
        live.sort_by_key(Entry::rank);
        Ok(Live { entries: live.into_iter().map(|entry| (entry.partition, entry)).collect() })
    }

    /// Partitions in groups of so many entities that one query recounts them.
    async fn slices(&self, ground: &Ground) -> anyhow::Result<Vec<Scope>> {
        let live = self.live().await?;
        let mut slices: Vec<Scope> = Vec::new();
        let mut room = 0;
        for partition in 0..u16::try_from(ground.partitions)? {
            let entities = live.entries.get(&partition).map_or(0, |entry| entry.entities);
            match slices.last_mut().filter(|_| entities <= room) {
                Some(slice) => slice.partitions.push(partition),
                None => {
                    slices.push(self.scope(ground, vec![partition]));
                    room = self.extent.entities_at_once;
                }
            }
            room = room.saturating_sub(entities);
        }
        Ok(slices)
    }

    fn scope(&self, ground: &Ground, partitions: Vec<u16>) -> Scope {
        Scope { epoch: self.deployment.definitions.epoch, partitions, partition_count: ground.partitions }
    }

    /// The highest version of any row of entities or customers, by partition.
    async fn heights(&self, scope: &Scope) -> anyhow::Result<BTreeMap<u16, u64>> {
        let mut heights: BTreeMap<u16, u64> = BTreeMap::new();
        for table in rows::versioned() {
            for height in self.store.heights(scope, table).await? {
                let highest = heights.entry(height.partition).or_default();
                *highest = height.highest.max(*highest);
            }
        }
        Ok(heights)
    }
}

impl From<(&str, Compared)> for Finding {
    fn from((check, found): (&str, Compared)) -> Self {
        let Compared { compared, differing, examples } = found;
        Self { check: check.to_owned(), compared, differing, differences: examples, ..Self::default() }
    }
}

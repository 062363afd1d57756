//! Entities and details against the canonical topic, partition by partition: memory is that of one partition's state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sarafan_core::Placement;
use sarafan_core::event::Event;
use sarafan_core::rows;
use sarafan_core::table::Table;
use sarafan_core::vocabulary::Subject;
use sarafan_store::Difference;
use sarafan_stream::{OwnedRecord, ReadFrom, TopicInfo, TopicReader};

use super::offsets::Origins;
use super::truth::{Identity, Truth};
use crate::audit::{Audit, Finding, Ground};

/// Between two looks at a partition that is being written.
const PAUSE: Duration = Duration::from_millis(500);

/// What was found of a partition, and whether some of it was written after the position it was compared at.
struct Look {
    findings: Vec<Finding>,
    moving: u64,
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a.max(1) } else { common_divisor(b, a % b) }
}

fn decoded(topic: &str, record: &OwnedRecord) -> anyhow::Result<Event> {
    sarafan_wire::decode(record.value.as_deref().unwrap_or_default()).with_context(|| {
        let OwnedRecord { partition, offset, .. } = record;
        format!("{topic}, partition {partition}, offset {offset}: not a canonical record; find out who writes there")
    })
}

fn check_of(table: &str) -> String {
    format!("canonical topic and {table}")
}

impl Audit<'_> {
    /// Compares every partition; the second is where the canonical records came from.
    pub(in crate::audit) async fn entities(
        &self,
        ground: &Ground,
    ) -> anyhow::Result<(Vec<Finding>, Origins)> {
        let mut origins = Origins::default();
        origins.incomplete.clone_from(&ground.incomplete);
        let mut sums: BTreeMap<String, Finding> = BTreeMap::new();
        for partition in (0_u16..).take(ground.topic.partitions.len()) {
            for found in self.partition(ground, partition, &mut origins).await? {
                let sum = sums.entry(found.check.clone()).or_default();
                sum.check.clone_from(&found.check);
                sum.add(found);
            }
        }
        Ok((sums.into_values().collect(), origins))
    }

    async fn partition(
        &self,
        ground: &Ground,
        partition: u16,
        origins: &mut Origins,
    ) -> anyhow::Result<Vec<Finding>> {
        let low =
            ground.topic.partitions.get(usize::from(partition)).map_or(0, |ends| ends.low).cast_unsigned();
        let placement = Placement {
            epoch: self.deployment.definitions.epoch,
            generation: ground.generation,
            partition,
            partitions: ground.partitions,
        };
        let complete = ground.incomplete.is_empty();
        let mut truth = Truth::new(Arc::new(self.deployment.definitions.clone()), placement, low);
        for topic in &ground.earlier {
            truth = self.read_earlier(truth, topic, placement, origins).await?;
        }
        let deadline = Instant::now() + self.extent.patience;
        loop {
            let position = self.live().await?.entries.get(&partition).map_or(low, |entry| entry.position);
            truth = self.read_to(truth, partition, position, origins).await?;
            let look = self.look(ground, partition, &truth, complete).await?;
            if look.moving == 0 || Instant::now() >= deadline {
                return Ok(look.findings);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Applies all records of an earlier topic that are of this partition of the present one.
    async fn read_earlier(
        &self,
        mut truth: Truth,
        topic: &TopicInfo,
        placement: Placement,
        origins: &mut Origins,
    ) -> anyhow::Result<Truth> {
        let kafka = self.deployment.kafka.clone();
        let Placement { partition, partitions, .. } = placement;
        // A key lies in two partitions that are the same by whatever divides both counts.
        let count = topic.partitions.len();
        let common = common_divisor(count, partitions as usize);
        let from: BTreeMap<i32, i64> = (0_i32..)
            .zip(&topic.partitions)
            .filter(|(other, _)| (*other as usize) % common == usize::from(partition) % common)
            .map(|(other, ends)| (other, ends.low))
            .collect();
        let topic = topic.name.clone();
        let mut seen = std::mem::take(origins);
        let read = tokio::task::spawn_blocking(move || {
            for record in TopicReader::open(&kafka, &topic, &ReadFrom::Only(from))? {
                let record = record?;
                let event = decoded(&topic, &record)?;
                seen.add(&event.origin.topic, event.origin.partition, event.origin.offset);
                if event.key().partition(partitions) == u32::from(partition) {
                    truth.apply_earlier(&event)?;
                }
            }
            anyhow::Ok((truth, seen))
        });
        let (truth, seen) = read.await??;
        *origins = seen;
        Ok(truth)
    }

    /// Applies the records before `position` that were not applied yet.
    async fn read_to(
        &self,
        mut truth: Truth,
        partition: u16,
        position: u64,
        origins: &mut Origins,
    ) -> anyhow::Result<Truth> {
        if truth.position() >= position {
            truth.settle();
            return Ok(truth);
        }
        let (kafka, topic) = (self.deployment.kafka.clone(), self.deployment.topics.events.clone());
        let mut seen = std::mem::take(origins);
        let read = tokio::task::spawn_blocking(move || {
            let from = BTreeMap::from([(i32::from(partition), truth.position().cast_signed())]);
            for record in TopicReader::open(&kafka, &topic, &ReadFrom::Only(from))? {
                let record = record?;
                let offset = record.offset.cast_unsigned();
                if offset >= position {
                    break;
                }
                let event = decoded(&topic, &record)?;
                seen.add(&event.origin.topic, event.origin.partition, event.origin.offset);
                truth.apply(&event, offset)?;
            }
            truth.settle();
            anyhow::Ok((truth, seen))
        });
        let (truth, seen) = read.await??;
        *origins = seen;
        Ok(truth)
    }

    async fn look(
        &self,
        ground: &Ground,
        partition: u16,
        truth: &Truth,
        complete: bool,
    ) -> anyhow::Result<Look> {
        let scope = self.scope(ground, vec![partition]);
        let mut found: BTreeMap<Subject, Vec<Difference>> = BTreeMap::new();
        let mut seen: BTreeMap<Subject, BTreeSet<Identity>> = BTreeMap::new();
        let mut compared: BTreeMap<Subject, u64> = BTreeMap::new();
        let piece = |subject: Subject, _: u16, table: Table| {
            for row in 0..table.len() {
                let Some((identity, difference)) = truth.entity(subject, &table, row, complete) else {
                    continue;
                };
                *compared.entry(subject).or_default() += 1;
                found.entry(subject).or_default().extend(difference);
                seen.entry(subject).or_default().insert(identity);
            }
        };
        self.store.read_entities(&scope, piece).await?;
        let (mut findings, mut moving) = (Vec::new(), 0);
        for subject in rows::folded() {
            let Some(table) = rows::entity_table(subject) else { continue };
            let held = seen.remove(&subject).unwrap_or_default();
            let missing: Vec<Difference> = truth
                .identities(subject)
                .filter(|identity| !held.contains(*identity))
                .map(Truth::missing)
                .collect();
            let compared = compared.get(&subject).copied().unwrap_or(0) + missing.len() as u64;
            let (late, mut differences): (Vec<Difference>, Vec<Difference>) = found
                .remove(&subject)
                .unwrap_or_default()
                .into_iter()
                .partition(|d| d.version > truth.version());
            moving += late.len() as u64;
            differences.extend(missing);
            differences.sort();
            let mut finding = Finding::of(&check_of(table.name), compared, differences);
            finding.moving = late.len() as u64;
            findings.push(finding);
        }
        for table in [&*rows::DETAILS, &*rows::ORDER_ITEMS] {
            let held = self.store.read_details(table, &scope).await?;
            let against = truth.details(table.name, &held);
            findings.push(Finding::of(&check_of(table.name), against.compared, against.differences));
        }
        Ok(Look { findings, moving })
    }
}

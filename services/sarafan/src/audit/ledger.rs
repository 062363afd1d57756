//! The ledger against the topic and the tables: positions, counts, terms, markers.

use std::collections::BTreeMap;

use sarafan_core::rollup::Rollup;
use sarafan_core::rows;
use sarafan_core::tenure::Entry;
use sarafan_store::{Compared, Difference, Scope};
use sarafan_stream::TopicReader;

use super::{Audit, Finding, Ground, Live};

fn difference(partition: u16, held: String, expected: String) -> Difference {
    Difference { place: format!("partition {partition}"), held, recounted: expected, version: 0 }
}

impl Audit<'_> {
    /// Everything that must hold of the ledger.
    pub(super) async fn ledger(&self, ground: &Ground) -> anyhow::Result<Vec<Finding>> {
        let partitions: Vec<u16> = (0..u16::try_from(ground.partitions)?).collect();
        let whole = self.scope(ground, partitions.clone());
        Ok(vec![
            self.positions(ground, &partitions).await?,
            self.counts(&whole).await?,
            self.table_heights(&whole).await?,
            self.markers(&whole).await?,
            self.terms(&whole).await?,
        ])
    }

    /// A position lies within the topic, behind the record that was applied there, and no record was left out before it.
    async fn positions(&self, ground: &Ground, partitions: &[u16]) -> anyhow::Result<Finding> {
        let live = self.live().await?;
        let applied = self.store.records_applied(ground.generation, partitions).await?;
        // The topic may have grown since the ledger was read, never shrunk.
        let ends = self.admin.describe(&ground.topic.name).await?.unwrap_or_else(|| ground.topic.clone());
        let before = self.records_before(&live, &ends.partitions).await?;
        let mut differences = Vec::new();
        for (partition, ends) in (0_u16..).zip(&ends.partitions) {
            let Some(entry) = live.entries.get(&partition) else {
                if ends.high > 0 {
                    let expected = format!("a live term: the topic holds records up to offset {}", ends.high);
                    differences.push(difference(partition, "no live term".to_owned(), expected));
                }
                continue;
            };
            let position = entry.position;
            let mut wrong = |held, expected| differences.push(difference(partition, held, expected));
            if position > ends.high.cast_unsigned() {
                wrong(format!("position {position}"), format!("at most {}, where the topic ends", ends.high));
            }
            if entry.resume_at() < ends.low.cast_unsigned() {
                wrong(
                    format!("resumes at {}", entry.resume_at()),
                    format!("at least {}, where the topic begins", ends.low),
                );
            }
            let applied = applied.get(&partition).copied().unwrap_or(0);
            if applied < position {
                wrong(format!("position {position}"), format!("{applied}, the records that were applied"));
            }
            if entry.last_record != 0
                && before.get(&partition).is_some_and(|found| *found != entry.last_record)
            {
                wrong(
                    format!("position {position} behind record {:016x}", entry.last_record),
                    format!("record {:016x}, which stands before that offset", before[&partition]),
                );
            }
        }
        Ok(Finding::of("ledger positions", partitions.len() as u64, differences))
    }

    /// Fingerprints of the records before the positions, where the topic holds them.
    async fn records_before(
        &self,
        live: &Live,
        ends: &[sarafan_stream::PartitionEnds],
    ) -> anyhow::Result<BTreeMap<u16, u64>> {
        let offset = |entry: &Entry| {
            let offset = entry.position.cast_signed() - 1;
            let held =
                ends.get(usize::from(entry.partition)).is_some_and(|e| (e.low..e.high).contains(&offset));
            held.then_some((i32::from(entry.partition), offset))
        };
        let offsets: BTreeMap<i32, i64> = live.entries.values().filter_map(offset).collect();
        if offsets.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (kafka, topic) = (self.deployment.kafka.clone(), self.deployment.topics.events.clone());
        let wanted = offsets.clone();
        let records =
            tokio::task::spawn_blocking(move || TopicReader::first_records(&kafka, &topic, wanted)).await??;
        let exact = records.into_iter().filter(|(partition, r)| offsets.get(partition) == Some(&r.offset));
        let known = exact.filter_map(|(partition, record)| {
            Some((u16::try_from(partition).ok()?, sarafan_aggregator::fingerprint(&record.as_record())))
        });
        Ok(known.collect())
    }

    /// Entities that were there at the ledger's position are exactly as many as it says.
    async fn counts(&self, whole: &Scope) -> anyhow::Result<Finding> {
        self.settled("ledger entities", whole, async |live| {
            let bases: BTreeMap<u16, u64> =
                live.entries.keys().map(|partition| (*partition, live.version(*partition))).collect();
            let counted = self.store.entities_up_to(whole, &bases).await?;
            let found = |partition: u16| counted.get(&partition).copied().unwrap_or(0);
            let wrong = live.entries.values().filter(|e| found(e.partition) != e.entities);
            let examples: Vec<Difference> = wrong
                .map(|e| {
                    difference(
                        e.partition,
                        format!("{} entities", found(e.partition)),
                        format!("{}, as the ledger says", e.entities),
                    )
                })
                .collect();
            Ok(compared(counted.values().sum(), examples))
        })
        .await
    }

    /// What was acknowledged is there: no table ends below the version that the ledger has of it.
    async fn table_heights(&self, whole: &Scope) -> anyhow::Result<Finding> {
        let live = self.live().await?;
        let (mut count, mut differences) = (0, Vec::new());
        for table in rows::versioned() {
            let heights = self.store.heights(whole, table).await?;
            for entry in live.entries.values() {
                let told = entry.tables.iter().find(|t| t.table == table.name).map_or(0, |t| t.highest);
                let found = heights.iter().find(|h| h.partition == entry.partition).map_or(0, |h| h.highest);
                count += 1;
                if found < told {
                    let held = format!("{} ends at version {found}", table.name);
                    differences.push(difference(
                        entry.partition,
                        held,
                        format!("{told}, which was acknowledged"),
                    ));
                }
            }
        }
        Ok(Finding::of("versions acknowledged", count, differences))
    }

    /// Every rollup shows the ledger's live term.
    async fn markers(&self, whole: &Scope) -> anyhow::Result<Finding> {
        self.settled("markers of terms", whole, async |live| {
            let incarnation = self.store.incarnation().await?;
            let mut examples = Vec::new();
            for rollup in Rollup::ALL {
                let name = rollup.spec().name;
                let mut markers = self.store.markers(rollup, whole.epoch, incarnation).await?;
                for term in live.terms() {
                    let marked = markers.remove(&term.partition);
                    if marked != Some(term) {
                        let held = marked.map_or_else(
                            || format!("{name} shows no term"),
                            |m| format!("{name} shows term {} of owner {:x}", m.term, m.owner),
                        );
                        let expected = format!("term {} of owner {:x}, which is live", term.term, term.owner);
                        examples.push(difference(term.partition, held, expected));
                    }
                }
                examples.extend(markers.into_values().map(|m| {
                    let held = format!("{name} shows term {} of owner {:x}", m.term, m.owner);
                    difference(m.partition, held, "no live term in the ledger".to_owned())
                }));
            }
            Ok(compared((Rollup::ALL.len() * live.entries.len()) as u64, examples))
        })
        .await
    }

    /// No cell stands under a term that nobody claimed and that would be shown if it had a marker. What is below the live
    /// term is nobody's any more, and collected with its row of the ledger.
    async fn terms(&self, whole: &Scope) -> anyhow::Result<Finding> {
        self.settled("terms of cells", whole, async |live| {
            let rank = |partition: u16| live.entries.get(&partition).map_or((0, 0), Entry::rank);
            let mut examples = Vec::new();
            for rollup in Rollup::ALL {
                let name = rollup.spec().name;
                let unknown = self.store.unknown_terms(rollup, whole.epoch).await?;
                for found in unknown.into_iter().filter(|u| (u.term, u.owner) > rank(u.partition)) {
                    let (rows, term, owner) = (found.rows, found.term, found.owner);
                    let held = format!("{rows} rows of {name} under term {term} of owner {owner:x}");
                    examples.push(difference(
                        found.partition,
                        held,
                        "a term that the ledger knows".to_owned(),
                    ));
                }
            }
            Ok(compared(Rollup::ALL.len() as u64, examples))
        })
        .await
    }
}

fn compared(compared: u64, examples: Vec<Difference>) -> Compared {
    Compared { compared, differing: examples.len() as u64, examples }
}

//! Where every source record went: to the canonical topic, to the dead letters, or out by a rule of the configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use sarafan_store::Difference;
use sarafan_stream::{OwnedRecord, ReadFrom, TopicReader, dead_letter};
use sarafan_wire::Outcome;

use super::offsets::Origins;
use crate::audit::{Audit, Finding};

impl Audit<'_> {
    /// Reads every source topic as far as ingest has committed it. A record that was produced again counts once: it is
    /// known by topic, partition and offset.
    pub(in crate::audit) async fn sources(&self, origins: Origins) -> anyhow::Result<Vec<Finding>> {
        let origins = Arc::new(self.with_dead_letters(origins).await?);
        let mut findings = Vec::new();
        for topic in self.deployment.mapping.topics() {
            let source = self.deployment.mapping.source_of(topic).unwrap_or(topic);
            let check = format!("records of source {source}");
            findings.push(if origins.incomplete.is_empty() {
                self.source(&check, topic, &origins).await?
            } else {
                Finding::left_out(&check, &origins.incomplete)
            });
        }
        Ok(findings)
    }

    /// Adds what is in the dead-letter topic, and in its index where the topic no longer holds it.
    async fn with_dead_letters(&self, mut origins: Origins) -> anyhow::Result<Origins> {
        for (topic, partition, offset) in self.store.indexed_origins().await? {
            origins.add(&topic, partition, offset);
        }
        let (kafka, topic) = (self.deployment.kafka.clone(), self.deployment.topics.dead_letters.clone());
        tokio::task::spawn_blocking(move || {
            for letter in TopicReader::open(&kafka, &topic, &ReadFrom::Beginning)? {
                if let Some((topic, partition, offset)) = origin_of(&letter?) {
                    origins.add(&topic, partition, offset);
                }
            }
            anyhow::Ok(origins)
        })
        .await?
    }

    async fn source(&self, check: &str, topic: &str, origins: &Arc<Origins>) -> anyhow::Result<Finding> {
        let Some(info) = self.admin.describe(topic).await? else {
            return Ok(Finding::left_out(check, format!("topic {topic} does not exist")));
        };
        let committed = self.admin.committed(&self.deployment.groups.ingest, topic).await?;
        let ends = |partition: &i32| usize::try_from(*partition).ok().and_then(|p| info.partitions.get(p));
        // A topic that was made anew may end before what was committed of the old one.
        let until: BTreeMap<i32, i64> =
            committed.iter().filter_map(|(p, offset)| Some((*p, (*offset).min(ends(p)?.high)))).collect();
        let from: BTreeMap<i32, i64> =
            until.iter().filter_map(|(p, until)| Some((*p, ends(p)?.low.min(*until)))).collect();
        let (kafka, mapping) = (self.deployment.kafka.clone(), self.deployment.mapping.clone());
        let (topic, origins, check) = (topic.to_owned(), Arc::clone(origins), check.to_owned());
        tokio::task::spawn_blocking(move || {
            let (mut compared, mut differences) = (0, Vec::new());
            for record in TopicReader::open(&kafka, &topic, &ReadFrom::Only(from))? {
                let record = record?;
                if until.get(&record.partition).is_none_or(|until| record.offset >= *until) {
                    continue;
                }
                compared += 1;
                if origins.contains(&topic, record.partition, record.offset) {
                    continue;
                }
                let expected = match mapping.apply(&sarafan_ingest::source_record(&record.as_record())) {
                    Outcome::Filtered { .. } => continue,
                    Outcome::Mapped(events) => {
                        format!("{} canonical events, as the mapping reads it", events.len())
                    }
                    Outcome::Rejected(rejection) => format!("a dead letter: {rejection}"),
                };
                differences.push(Difference {
                    place: format!("{topic} partition {} offset {}", record.partition, record.offset),
                    held: "no trace".to_owned(),
                    recounted: expected,
                    version: 0,
                });
            }
            Ok(Finding::of(&check, compared, differences))
        })
        .await?
    }
}

fn origin_of(letter: &OwnedRecord) -> Option<(String, i32, i64)> {
    let letter = letter.as_record();
    let text = |name: &str| std::str::from_utf8(letter.headers.last(name)?).ok();
    let partition = text(dead_letter::PARTITION)?.parse().ok()?;
    let offset = text(dead_letter::OFFSET)?.parse().ok()?;
    Some((text(dead_letter::TOPIC)?.to_owned(), partition, offset))
}

//! What became of every record and of every entity, and whether every figure is right.
//!
//! *Lost* is a source record of which something is missing (an event on the canonical topic, its dead letter), or an entity
//! of the canonical topic that has no row. *Double* is what nothing gave: an event or dead letter that no source record
//! makes, an entity without a record, or one with two rows. *Wrong* is a row of a view that is not what the shop's own program says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use sarafan_core::event::Origin;
use sarafan_core::rows;
use sarafan_stream::{OwnedRecord, ReadFrom, TopicReader, dead_letter};
use sarafan_wire::{Mapping, Outcome, SourceRecord, decode, encode};

use super::site::Site;
use crate::oracle;

/// How many differences of a kind are told.
const TOLD: usize = 8;

/// The sums of an accounting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Records that the source topics hold.
    pub(crate) source_records: u64,
    /// Of these, those left out by a rule of the configuration.
    pub(crate) filtered: u64,
    /// Of these, those that cannot be read.
    pub(crate) dead_letters: u64,
    /// Records of the canonical topic.
    pub(crate) canonical: u64,
    /// Of these, those that were there already: sent again after a fault, which the law allows.
    pub(crate) repeated: u64,
    /// Entities.
    pub(crate) entities: u64,
    /// Rows of views that were compared.
    pub(crate) rows: u64,
    /// One line for each.
    pub(crate) lost: Vec<String>,
    /// One line for each.
    pub(crate) double: Vec<String>,
    /// One line for each.
    pub(crate) wrong: Vec<String>,
}

impl Account {
    /// Whether nothing is lost, double or wrong.
    pub(crate) fn is_right(&self) -> bool {
        self.lost.is_empty() && self.double.is_empty() && self.wrong.is_empty()
    }

    /// `lost/double/wrong`.
    pub(crate) fn verdict(&self) -> String {
        format!("{}/{}/{}", self.lost.len(), self.double.len(), self.wrong.len())
    }

    /// The first differences of each kind.
    pub(crate) fn told(&self) -> impl Iterator<Item = String> {
        let kinds = [("lost", &self.lost), ("double", &self.double), ("wrong", &self.wrong)];
        kinds
            .into_iter()
            .flat_map(|(kind, lines)| lines.iter().take(TOLD).map(move |line| format!("{kind}: {line}")))
    }

    /// Compares what has to be with what is.
    fn compare(&mut self, what: &str, expected: &BTreeSet<String>, found: &BTreeSet<String>) {
        self.lost.extend(expected.difference(found).map(|one| format!("{what} {one}")));
        self.double.extend(found.difference(expected).map(|one| format!("{what} {one}")));
    }
}

/// Accounts for everything, once the views show everything; `files` is what the sources wrote.
pub(super) fn account(site: &Site, files: &Path) -> anyhow::Result<Account> {
    let mut account = Account::default();
    let due = due(site, &mut account)?;
    let canonical = canonical(site, &mut account)?;
    account.compare("event", &due.events, &canonical.events);
    let letters = dead_letters(site)?;
    account.compare("dead letter", &due.letters, &letters);
    account.compare("indexed dead letter", &letters, &indexed(site)?);
    entities(site, &canonical.entities, &mut account)?;
    views(site, files, &mut account)?;
    Ok(account)
}

/// What the source topics have to become.
#[derive(Debug, Default, PartialEq, Eq)]
struct Due {
    /// Events, by their content.
    events: BTreeSet<String>,
    /// Dead letters: place and reason.
    letters: BTreeSet<String>,
}

impl Due {
    /// Maps one record as ingest does; false when a rule leaves it out.
    fn add(&mut self, mapping: &Mapping, record: &OwnedRecord) -> anyhow::Result<bool> {
        let borrowed = record.as_record();
        let source = SourceRecord {
            topic: borrowed.topic,
            partition: borrowed.partition,
            offset: borrowed.offset,
            timestamp_micros: borrowed.timestamp_ms.map(|ms| ms.saturating_mul(1_000)),
            received_micros: borrowed.appended_ms().map(|ms| ms.saturating_mul(1_000)),
            value: borrowed.value,
        };
        match mapping.apply(&source) {
            Outcome::Filtered { .. } => return Ok(false),
            Outcome::Rejected(rejection) => {
                let OwnedRecord { topic, partition, offset, .. } = record;
                self.letters.insert(letter(topic, *partition, *offset, rejection.reason.code()));
            }
            Outcome::Mapped(events) => {
                for event in events {
                    self.events.insert(content(&encode(&event)?)?);
                }
            }
        }
        Ok(true)
    }
}

fn due(site: &Site, account: &mut Account) -> anyhow::Result<Due> {
    let mut due = Due::default();
    let mapping = &site.deployment.mapping;
    for topic in mapping.topics() {
        for record in read(site, topic)? {
            account.source_records += 1;
            account.filtered += u64::from(!due.add(mapping, &record?)?);
        }
    }
    account.dead_letters = due.letters.len() as u64;
    Ok(due)
}

/// What the canonical topic holds, each once.
struct Canonical {
    events: BTreeSet<String>,
    /// Entities that have rows, by their table.
    entities: BTreeMap<&'static str, BTreeSet<String>>,
}

fn canonical(site: &Site, account: &mut Account) -> anyhow::Result<Canonical> {
    let mut canonical = Canonical { events: BTreeSet::new(), entities: BTreeMap::new() };
    for record in read(site, &site.deployment.topics.events)? {
        let value = record?.value.unwrap_or_default();
        let event = decode(&value)?;
        account.canonical += 1;
        account.repeated += u64::from(!canonical.events.insert(content(&value)?));
        if let Some(table) =
            rows::folded().find(|subject| *subject == event.subject).and_then(rows::entity_table)
        {
            canonical.entities.entry(table.name).or_default().insert(entity(event.key().as_str(), &event.id));
        }
    }
    Ok(canonical)
}

/// An event as a text that names it to a person and tells it from every other: where it came from, and what it says.
fn content(encoded: &[u8]) -> anyhow::Result<String> {
    let event = decode(encoded)?;
    let Origin { topic, partition, offset, .. } = &event.origin;
    Ok(format!("{topic}/{partition} offset {offset}: {}", sarafan_wire::export_json(&event)))
}

fn letter(topic: &str, partition: i32, offset: i64, reason: &str) -> String {
    format!("{topic}/{partition} offset {offset}: {reason}")
}

fn entity(key: &str, id: &str) -> String {
    format!("{key} {id}")
}

fn dead_letters(site: &Site) -> anyhow::Result<BTreeSet<String>> {
    let mut letters = BTreeSet::new();
    for record in read(site, &site.deployment.topics.dead_letters)? {
        let record = record?;
        let headers = record.as_record().headers;
        let text = |name: &str| String::from_utf8_lossy(headers.last(name).unwrap_or_default()).into_owned();
        let number =
            |name: &str| text(name).parse::<i64>().context("a dead letter does not say where it came from");
        let partition = i32::try_from(number(dead_letter::PARTITION)?)?;
        letters.insert(letter(
            &text(dead_letter::TOPIC),
            partition,
            number(dead_letter::OFFSET)?,
            &text(dead_letter::REASON),
        ));
    }
    Ok(letters)
}

/// Dead letters as analysts see them.
fn indexed(site: &Site) -> anyhow::Result<BTreeSet<String>> {
    let sql = format!(
        "SELECT DISTINCT topic || '/' || toString(partition) || ' offset ' || toString(offset) || ': ' || reason AS letter \
         FROM {}.dead_letters",
        site.store.store_database()
    );
    texts(site, &sql, "letter").map(|letters| letters.into_iter().collect())
}

/// Rows of entities against the entities that there are.
fn entities(
    site: &Site,
    expected: &BTreeMap<&'static str, BTreeSet<String>>,
    account: &mut Account,
) -> anyhow::Result<()> {
    let none = BTreeSet::new();
    for table in rows::folded().filter_map(rows::entity_table).map(|table| table.name) {
        let sql = format!(
            "SELECT key || ' ' || id AS entity FROM {store}.{table} FINAL \
             WHERE epoch = (SELECT epoch FROM {store}.current)",
            store = site.store.store_database()
        );
        let mut found = BTreeSet::new();
        for entity in texts(site, &sql, "entity")? {
            if let Some(entity) = found.replace(entity) {
                account.double.push(format!("row of {table} {entity}"));
            }
        }
        account.entities += found.len() as u64;
        account.compare(&format!("entity of {table}"), expected.get(table).unwrap_or(&none), &found);
    }
    Ok(())
}

/// Every view against the shop's program. Dead letters were asked for one by one.
fn views(site: &Site, files: &Path, account: &mut Account) -> anyhow::Result<()> {
    let today =
        site.scalar(&format!("SELECT toString(today) FROM {}.current", site.store.store_database()))?;
    let figures = oracle::shop_figures(files, &site.deployment.definitions, today.parse()?, site.folder())?;
    let comparisons = site.block_on(oracle::compare_shop(&site.store, &figures))?;
    for comparison in comparisons.into_iter().filter(|comparison| comparison.view != "dead_letters") {
        account.rows += comparison.expected as u64;
        account.wrong.extend(comparison.differences);
    }
    Ok(())
}

fn read(site: &Site, topic: &str) -> anyhow::Result<TopicReader> {
    Ok(TopicReader::open(&site.deployment.kafka, topic, &ReadFrom::Beginning)?)
}

fn texts(site: &Site, sql: &str, column: &str) -> anyhow::Result<Vec<String>> {
    let rows = site.block_on(site.store.query(sql, &[]))?;
    Ok((0..rows.rows.len()).filter_map(|row| rows.text(row, column)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(of: &[&str]) -> BTreeSet<String> {
        of.iter().map(|&one| one.to_owned()).collect()
    }

    #[test]
    fn what_is_missing_is_lost_and_what_nothing_gave_is_double() {
        let mut account = Account::default();
        account.compare("event", &set(&["a", "b"]), &set(&["b", "c"]));
        assert_eq!(
            (account.lost.as_slice(), account.double.as_slice()),
            (&["event a".to_owned()][..], &["event c".to_owned()][..])
        );
        assert_eq!(account.verdict(), "1/1/0");
        assert!(!account.is_right() && Account::default().is_right());
    }
}

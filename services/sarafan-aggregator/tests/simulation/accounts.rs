//! What sources said, and what has become of it: every record its events or its dead letter, once or more often, nothing
//! that no source said, and no commit ahead of it.

use std::collections::BTreeMap;

use sarafan_core::Event;
use sarafan_core::vocabulary::Instant;
use sarafan_stream::simulated::{Cluster, Written};
use sarafan_stream::{OwnedHeader, OwnedRecord, TopicPartition, dead_letter};

use crate::ingest::{DEAD_LETTERS, GROUP};
use crate::process::{TOPIC, partition};
use crate::source::{Meaning, Statement, TOPICS, statement};
use crate::world::{World, placed};

/// One source record.
struct Account {
    statement: Statement,
    written: Written,
    /// Its events, with where they come from.
    events: Vec<Event>,
    /// Which of its events, or its dead letter, have arrived.
    arrived: Vec<bool>,
}

impl Account {
    fn is_settled(&self) -> bool {
        self.arrived.iter().all(|arrived| *arrived)
    }
}

/// The records of one partition of a source.
#[derive(Default)]
struct Page {
    accounts: Vec<Account>,
    /// All before this one are settled.
    settled: usize,
}

/// All that sources said.
pub(crate) struct Accounts {
    pages: BTreeMap<(&'static str, i32), Page>,
    /// Up to where canonical records and dead letters are accounted for.
    seen: BTreeMap<TopicPartition, i64>,
}

impl Accounts {
    pub(crate) fn new(sources: [u32; 2], partitions: u32) -> Self {
        let of_topic =
            |(topic, count): (&'static str, u32)| (0..count.cast_signed()).map(move |number| (topic, number));
        let pages = TOPICS.into_iter().zip(sources).flat_map(of_topic).map(|name| (name, Page::default()));
        let events = (0..partitions).map(|number| (partition(number), 0));
        let dead = (0..2).map(|number| (TopicPartition::new(DEAD_LETTERS, number), 0));
        Self { pages: pages.collect(), seen: events.chain(dead).collect() }
    }

    /// The partitions of sources, and where each ends.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (TopicPartition, i64)> {
        self.pages
            .iter()
            .map(|((topic, number), page)| (TopicPartition::new(*topic, *number), page.accounts.len() as i64))
    }

    /// The events of all records: what the tables are to be made of.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.pages.values().flat_map(|page| &page.accounts).flat_map(|account| &account.events)
    }

    fn any(&self, random: &mut fastrand::Rng) -> Option<Statement> {
        let all = self.pages.values().flat_map(|page| &page.accounts);
        random.choice(all.collect::<Vec<_>>()).map(|account| account.statement.clone())
    }

    fn write(&mut self, statement: Statement, cluster: &Cluster, random: &mut fastrand::Rng) {
        let numbers = self.pages.keys().filter(|(topic, _)| *topic == statement.topic).count();
        let number = random.i32(0..i32::try_from(numbers).unwrap());
        let Statement { topic, value, timestamp_ms, .. } = statement.clone();
        let key = random.bool().then(|| vec![random.u8(..)]);
        let headers = if random.bool() { vec![OwnedHeader::new("trace", "1")] } else { Vec::new() };
        let written = Written { key, value, headers, timestamp_ms, by_broker: false };
        let offset = cluster.append(&TopicPartition::new(topic, number), written.clone()).unwrap();
        let mut events = match &statement.meaning {
            Meaning::Events(events) => events.clone(),
            _ => Vec::new(),
        };
        for event in &mut events {
            (event.origin.partition, event.origin.offset) = (number, offset);
        }
        let arrivals = if let Meaning::DeadLetter(_) = statement.meaning { 1 } else { events.len() };
        let account = Account { statement, written, events, arrived: vec![false; arrivals] };
        self.pages.get_mut(&(topic, number)).unwrap().accounts.push(account);
    }

    fn account(&mut self, topic: &str, number: i32, offset: i64) -> Option<&mut Account> {
        let page = self.pages.iter_mut().find(|((name, at), _)| *name == topic && *at == number)?.1;
        page.accounts.get_mut(usize::try_from(offset).ok()?)
    }

    /// An event arrived on the canonical topic.
    fn event(&mut self, record: &OwnedRecord, partitions: u32) -> Result<Event, String> {
        let at = format!("canonical record {} of partition {}", record.offset, record.partition);
        let value = record.value.as_deref().unwrap_or_default();
        let event = sarafan_wire::decode(value).map_err(|error| format!("{at}: {error}"))?;
        let origin = &event.origin;
        let account = self.account(&origin.topic, origin.partition, origin.offset);
        let account = account.ok_or_else(|| format!("{at}: comes from no record: {event:?}"))?;
        let place = account.events.iter().position(|expected| *expected == event);
        let Some(place) = place else {
            return Err(format!("{at}: {event:?}\n  must be one of {:?}", account.events));
        };
        account.arrived[place] = true;
        let key = event.key();
        if record.key.as_deref() != Some(key.as_str().as_bytes()) {
            return Err(format!("{at}: its key is {:?}, must be {key}", record.key));
        }
        let number = placed(key.as_str(), partitions).cast_signed();
        if number != record.partition {
            return Err(format!("{at}: {key} belongs into partition {number}"));
        }
        Ok(event)
    }

    /// A dead letter arrived.
    fn dead_letter(&mut self, record: &OwnedRecord) -> Result<(), String> {
        let header = |name: &str| {
            let found = record.headers.iter().rfind(|header| header.name == name)?;
            String::from_utf8(found.value.clone()?).ok()
        };
        let number = |name: &str| header(name)?.parse::<i64>().ok();
        let (topic, offset) = (header(dead_letter::TOPIC), number(dead_letter::OFFSET));
        let from = number(dead_letter::PARTITION).and_then(|number| i32::try_from(number).ok());
        let reason = header(dead_letter::REASON);
        let at = format!("dead letter {reason:?} of {topic:?} {from:?} at {offset:?}");
        let account = self.account(
            &topic.unwrap_or_default(),
            from.ok_or_else(|| format!("{at}: has no partition"))?,
            offset.ok_or_else(|| format!("{at}: has no offset"))?,
        );
        let account = account.ok_or_else(|| format!("{at}: comes from no record"))?;
        let Meaning::DeadLetter(expected) = account.statement.meaning else {
            return Err(format!("{at}: means {:?}", account.statement.meaning));
        };
        let written = &account.written;
        let headers = record.headers.get(..written.headers.len());
        let untouched = record.key == written.key
            && record.value == written.value
            && headers == Some(&written.headers[..]);
        if reason.as_deref() != Some(expected) || !untouched {
            return Err(format!("{at}: must be {expected}, untouched is {untouched}"));
        }
        account.arrived[0] = true;
        Ok(())
    }
}

impl World {
    /// A source says something.
    pub(crate) fn tell(&mut self) {
        let statement = statement(&mut self.random);
        let Some(ingest) = &mut self.ingest else { return };
        ingest.accounts.write(statement, &self.plant.cluster, &mut self.random);
        self.coverage.records += 1;
    }

    /// A source says something again: later, elsewhere, after what has replaced it.
    pub(crate) fn tell_again(&mut self) -> bool {
        let Some(ingest) = &mut self.ingest else { return false };
        let Some(statement) = ingest.accounts.any(&mut self.random) else { return false };
        ingest.accounts.write(statement, &self.plant.cluster, &mut self.random);
        true
    }

    /// Accounts for what has arrived of ingest's records.
    pub(crate) fn account(&mut self) -> Result<(), String> {
        let Some(ingest) = &mut self.ingest else { return Ok(()) };
        let accounts = &mut ingest.accounts;
        let mut seen = std::mem::take(&mut accounts.seen);
        for (partition, next) in &mut seen {
            while let Some(record) = self.plant.cluster.first_record(partition, *next) {
                *next += 1;
                self.coverage.arrived[usize::from(self.healing)] += 1;
                if &*partition.topic != TOPIC {
                    accounts.dead_letter(&record)?;
                    continue;
                }
                let mut event = accounts.event(&record, self.plant.partitions)?;
                // As the keeper has it: arrived when it was appended.
                let arrived = record.timestamp_ms.map(|ms| Instant::from_micros(ms * 1_000));
                event.origin.received_at = event.origin.received_at.or(arrived);
                self.truths[partition.partition as usize].append(event, record.offset.cast_unsigned());
            }
        }
        accounts.seen = seen;
        Ok(())
    }

    /// What ingest's group has committed has arrived.
    pub(crate) fn check_sources(&mut self) -> Result<(), String> {
        let Some(ingest) = &mut self.ingest else { return Ok(()) };
        for ((topic, number), page) in &mut ingest.accounts.pages {
            while page.accounts.get(page.settled).is_some_and(Account::is_settled) {
                page.settled += 1;
            }
            let committed = self.plant.cluster.committed(GROUP, &TopicPartition::new(*topic, *number));
            let committed = usize::try_from(committed.unwrap_or(0)).unwrap();
            if let Some(lost) = page.accounts[page.settled..].first().filter(|_| committed > page.settled) {
                let (at, said) = (page.settled, lost.statement.value.as_deref().unwrap_or_default());
                return Err(format!(
                    "{topic} {number}: {committed} is committed, {at} has not arrived: {} means {:?}, arrived {:?}",
                    String::from_utf8_lossy(said),
                    lost.statement.meaning,
                    lost.arrived,
                ));
            }
        }
        Ok(())
    }
}

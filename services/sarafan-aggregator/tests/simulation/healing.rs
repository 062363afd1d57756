//! The end: nothing goes wrong any more, everybody works until all is written, and then every table must be what the naive
//! recount says.

use std::collections::BTreeMap;
use std::time::Duration;

use sarafan_core::rollup::Rollup;
use sarafan_core::rows;
use sarafan_core::table::{TableSpec, Value};
use sarafan_store::simulated as store;
use sarafan_stream::simulated::How;

use crate::ingest::{self, Ingest};
use crate::naive::{self, Cells, Expected};
use crate::plain::Plain;
use crate::process::partition;
use crate::world::World;

/// Rounds of 50 ms after which everybody has looked at the ledger once more.
const QUIET: u32 = 30;
const MOST_ROUNDS: u32 = 2_000;

impl World {
    /// Heals, lets what is on its way land before, after or between, and compares.
    pub(crate) async fn heal(&mut self) -> Result<(), String> {
        self.healing = true;
        (self.frozen, self.deaf) = (None, None);
        if let Some(ingest) = &mut self.ingest {
            (ingest.frozen, ingest.deaf) = (None, None);
        }
        let late = |world: &Self| world.plant.tables.pending().iter().filter(|p| p.abandoned).count();
        let before = match self.random.u32(0..3) {
            0 => 0,
            1 => late(self),
            _ => late(self) / 2,
        };
        for _ in 0..before {
            self.land_one()?;
        }
        self.settle().await?;
        while self.land_one()? {
            if self.random.u32(0..4) == 0 {
                self.settle().await?;
            }
        }
        self.settle().await?;
        self.compare()
    }

    async fn settle(&mut self) -> Result<(), String> {
        let mut quiet = 0;
        for round in 0..MOST_ROUNDS {
            // A named member that died between the two rounds of a rebalance left partitions to nobody.
            if round % 200 == 100 {
                let protocol = sarafan_stream::simulated::Protocol::Cooperative;
                for group in [self.plant.group, ingest::GROUP] {
                    self.plant.cluster.begin_rebalance(group, protocol, 0);
                }
                quiet = 0;
            }
            self.leave();
            self.leave_ingest();
            for place in 0..self.processes.len() {
                self.step(place);
                self.poll(place)?;
            }
            for place in 0..self.ingest.as_ref().map_or(0, Ingest::count) {
                self.step_ingest(place);
                self.poll_ingest(place)?;
            }
            while self.plant.questions.waiting() > 0 {
                self.plant.questions.answer(0, true);
            }
            for pending in self.plant.cluster.pending() {
                self.answer_kafka_with(pending, How::Done)?;
            }
            for pending in self.plant.tables.pending().into_iter().filter(|pending| !pending.abandoned) {
                self.answer(pending, store::How::Done)?;
            }
            quiet = if self.is_done() { quiet + 1 } else { 0 };
            if quiet > QUIET {
                self.check_sources()?;
                return self.check_commits();
            }
            let wait = if round < 10 { 1_500 } else { 50 };
            tokio::time::advance(Duration::from_millis(wait)).await;
        }
        Err(format!("it does not heal: {}", self.standing()))
    }

    /// All is committed, and the ledger says so under a live term that is the highest.
    pub(crate) fn is_done(&self) -> bool {
        let ledger = self.plant.tables.ledger(self.plant.definitions.epoch);
        let incarnation = self.plant.tables.incarnation();
        self.ingest_is_done()
            && (0..self.plant.partitions).all(|number| {
                let end = self.end(number);
                let mine = ledger
                    .iter()
                    .filter(|e| u32::from(e.partition) == number && e.incarnation == incarnation);
                let highest = mine.max_by_key(|entry| entry.rank());
                let committed = self.plant.cluster.committed(self.plant.group, &partition(number));
                highest.is_some_and(|entry| entry.live && entry.position == end)
                    && committed.unwrap_or(0).cast_unsigned() == end
            })
    }

    pub(crate) fn end(&self, number: u32) -> u64 {
        self.plant
            .cluster
            .records(&partition(number))
            .last()
            .map_or(0, |last| last.offset.cast_unsigned() + 1)
    }

    pub(crate) fn standing(&self) -> String {
        let of = |number: u32| {
            let committed = self.plant.cluster.committed(self.plant.group, &partition(number));
            format!("partition {number} ends at {}, committed {committed:?}", self.end(number))
        };
        let parts: Vec<String> = (0..self.plant.partitions).map(of).collect();
        let ledger = self.plant.tables.ledger(self.plant.definitions.epoch);
        let row = |e: &sarafan_core::tenure::Entry| {
            let (term, owner, sequence) = (e.term, e.owner, e.sequence);
            format!("p{} term {term} of {owner:x} #{sequence} live {} at {}", e.partition, e.live, e.position)
        };
        let rows: Vec<String> = ledger.iter().map(row).collect();
        let pending: Vec<String> = self.plant.tables.pending().iter().map(ToString::to_string).collect();
        let sources = self.standing_of_sources();
        format!(
            "{}\nledger:\n{}\npending: {}{sources}",
            parts.join("; "),
            rows.join("\n"),
            pending.join(", ")
        )
    }

    fn standing_of_sources(&self) -> String {
        let Some(ingest) = &self.ingest else { return String::new() };
        let of = |(partition, end)| {
            let committed = self.plant.cluster.committed(ingest::GROUP, &partition);
            format!("\n{partition} ends at {end}, committed {committed:?}")
        };
        ingest.accounts.sources().map(of).collect()
    }

    /// Every table against the naive recount of all records.
    fn compare(&self) -> Result<(), String> {
        let expected = sarafan_core::soundly(|| match &self.ingest {
            // What the sources meant to say, not what ingest wrote.
            Some(ingest) => naive::recount(&self.plant.definitions, ingest.accounts.events()),
            None => {
                let events = self.truths.iter().flat_map(|truth| &truth.events);
                naive::recount(&self.plant.definitions, events)
            }
        });
        let mut wrong = self.wrong_rows(&expected);
        wrong.extend(self.wrong_cells(&expected.cells));
        if wrong.is_empty() { Ok(()) } else { Err(format!("in the end:\n{}", wrong.join("\n"))) }
    }

    fn wrong_rows(&self, expected: &Expected) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut found: BTreeMap<(&str, Vec<String>), store::Row> = BTreeMap::new();
        for spec in rows::versioned().chain([rows::DETAILS.as_ref(), rows::ORDER_ITEMS.as_ref()]) {
            for row in self.rows(spec) {
                found.insert((spec.name, key_of(spec, &row)), row);
            }
        }
        for ((table, key), columns) in &expected.rows {
            let Some(row) = found.remove(&(*table, key.clone())) else {
                wrong.push(format!("{table} {key:?}: no row"));
                continue;
            };
            let spec = rows::versioned()
                .chain([rows::DETAILS.as_ref(), rows::ORDER_ITEMS.as_ref()])
                .find(|s| s.name == *table);
            for (name, value) in columns {
                let place = spec.and_then(|spec| spec.columns.iter().position(|column| column.name == *name));
                let held = place.and_then(|place| row.get(place)).cloned().map(Plain::from);
                if held.as_ref() != Some(value) {
                    wrong.push(format!("{table} {key:?} {name}: holds {held:?}, must be {value:?}"));
                }
            }
        }
        // Details of what was erased stay; views hide them.
        let surplus = found.keys().filter(|(table, _)| rows::versioned().any(|spec| spec.name == *table));
        wrong.extend(surplus.map(|(table, key)| format!("{table} {key:?}: no record speaks of it")));
        wrong
    }

    fn wrong_cells(&self, expected: &Cells) -> Vec<String> {
        let mut held = Cells::new();
        for rollup in Rollup::ALL {
            let shown = self.plant.tables.visible(self.plant.definitions.epoch, rollup);
            for (mut key, values) in shown.into_values().flatten() {
                let keys = key.split_off(2).into_iter().map(Plain::from).collect();
                let [Value::Text(dimension), Value::Text(segment)] = &key[..] else { continue };
                let sums = held
                    .entry((rollup, dimension.to_string(), segment.to_string(), keys))
                    .or_insert_with(|| vec![0; values.len()]);
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += Plain::from(value).number();
                }
            }
        }
        held.retain(|_, values| values.iter().any(|value| *value != 0));
        let missing = expected.iter().filter(|(key, values)| held.get(*key) != Some(*values));
        let missing =
            missing.map(|(key, values)| format!("{key:?}: {:?}, must be {values:?}", held.get(key)));
        let surplus = held.iter().filter(|(key, _)| !expected.contains_key(*key));
        missing.chain(surplus.map(|(key, values)| format!("{key:?}: {values:?}, must not be"))).collect()
    }
}

/// The texts of a row's key, without the epoch.
fn key_of(spec: &TableSpec, row: &store::Row) -> Vec<String> {
    let names: &[&str] =
        if spec.name == "details" { &["subject", "key", "id", "field"] } else { &["key", "id"] };
    let places = names.iter().filter_map(|name| spec.columns.iter().position(|column| column.name == *name));
    places.map(|place| Plain::from(row[place].clone()).as_text().to_owned()).collect()
}

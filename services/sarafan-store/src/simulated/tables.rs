//! The store and whoever drives it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sarafan_core::definitions::Epoch;
use sarafan_core::rollup::Rollup;
use sarafan_core::rows;
use sarafan_core::table::{Table, TableSpec, Value};
use sarafan_core::tenure::{Entry, LiveTerm};

use super::contents::{Contents, Row, Ties, number};
use super::requests::{Answer, Body, How, Pending, Request, RequestId, Requests};
use crate::error::StoreError;
use crate::read::{Height, Scope};

/// How many older states of the tables replicas may be in.
const SNAPSHOTS: usize = 3;

/// The tables of one store. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Tables(Arc<Mutex<State>>);

/// Rows of the ledger by epoch, partition, term and owner.
type Ledger = BTreeMap<(u64, u16, u32, u64), Entry>;

/// Everything that tables hold at one moment. Cheap to clone: what does not change is shared.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) tables: BTreeMap<&'static str, Arc<Contents>>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) state_version: u64,
    pub(super) incarnation: u64,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) held: Held,
    pub(super) requests: Requests,
    ties: Ties,
    /// How many writes have landed.
    landed: u64,
    /// Older states, each with the number of writes that had landed.
    older: VecDeque<(u64, Held)>,
    /// Per process the number of writes that had landed when a replica last had caught up for it.
    synced: BTreeMap<u32, u64>,
}

/// A copy of some tables, each as it was at some moment.
#[derive(Debug, Clone, Default)]
pub struct Backup {
    tables: BTreeMap<&'static str, Arc<Contents>>,
    ledger: Option<Arc<Ledger>>,
}

impl Backup {
    /// Whether it holds the table; `ledger` is one.
    pub fn holds(&self, table: &str) -> bool {
        self.tables.contains_key(table) || (table == "ledger" && self.ledger.is_some())
    }
}

impl Tables {
    /// Empty tables, as the migrations make them.
    pub fn new(ties: Ties) -> Self {
        let tables = specs().filter_map(|spec| Some((spec.name, Arc::new(Contents::new(spec)?))));
        let (ledger, incarnation) = (Arc::default(), 0);
        let held = Held { tables: tables.collect(), ledger, state_version: rows::STATE_VERSION, incarnation };
        let (requests, older, synced) = Default::default();
        Self(Arc::new(Mutex::new(State { held, requests, ties, landed: 0, older, synced })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of all tables, that of the ledger first.
    pub fn names() -> Vec<&'static str> {
        std::iter::once("ledger").chain(specs().map(|spec| spec.name)).collect()
    }

    /// What was sent and can be answered, oldest first.
    pub fn pending(&self) -> Vec<Pending> {
        self.lock().requests.pending()
    }

    /// Answers what is pending; false if it is not (any more).
    pub fn answer(&self, id: RequestId, how: How) -> bool {
        let mut state = self.lock();
        let Some(mut request) = state.requests.sent.remove(&id) else { return false };
        let answer = how.is_done().then(|| state.carry_out(&request, how));
        let unanswered = how == How::Unanswered;
        if !unanswered && let Some(waiting) = request.waiting.take() {
            let told = answer.filter(|_| !how.is_failure()).ok_or_else(|| lost(&request));
            // That nobody waits is no fault.
            let _ = waiting.send(told);
        }
        let question = request.what().is_question();
        if (unanswered && !request.abandoned()) || (!question && matches!(how, How::Late | How::Twice)) {
            state.requests.sent.insert(id, request);
        }
        true
    }

    /// From now on replicas may be in the state of this moment.
    pub fn snapshot(&self) {
        let mut state = self.lock();
        let snapshot = (state.landed, state.held.clone());
        state.older.push_back(snapshot);
        if state.older.len() > SNAPSHOTS {
            state.older.pop_front();
        }
    }

    /// Copies a table as it is now into a backup.
    pub fn back_up(&self, table: &'static str, backup: &mut Backup) {
        let state = self.lock();
        if table == "ledger" {
            backup.ledger = Some(Arc::clone(&state.held.ledger));
        } else if let Some(contents) = state.held.tables.get(table) {
            backup.tables.insert(table, Arc::clone(contents));
        }
    }

    /// Puts every table of a backup in the place of what is there. Replicas are all in that state.
    pub fn restore(&self, backup: &Backup) {
        let mut state = self.lock();
        state.held.tables.extend(backup.tables.iter().map(|(name, contents)| (*name, Arc::clone(contents))));
        if let Some(ledger) = &backup.ledger {
            state.held.ledger = Arc::clone(ledger);
        }
        state.older.clear();
    }

    /// Says that the rows are of another state version, as those of a newer version of the program are.
    pub fn set_state_version(&self, version: u64) {
        self.lock().held.state_version = version;
    }

    /// Gives the store another incarnation.
    pub fn set_incarnation(&self, incarnation: u64) {
        self.lock().held.incarnation = incarnation;
    }

    /// The incarnation of the store.
    pub fn incarnation(&self) -> u64 {
        self.lock().held.incarnation
    }

    /// Writes ledger rows at once, as a command of the operator does.
    pub fn write_ledger(&self, epoch: Epoch, entries: &[Entry]) {
        self.lock().land_ledger(epoch, entries);
    }

    /// The ledger of an epoch, as [`crate::Warehouse::read_ledger`] reads it.
    pub fn ledger(&self, epoch: Epoch) -> Vec<Entry> {
        self.lock().held.ledger(epoch)
    }

    /// Every row of a table that counts: its values, in the order of the columns of its spec.
    pub fn rows(&self, table: &str) -> Vec<Row> {
        let state = self.lock();
        let rows =
            state.held.tables.get(table).map(|contents| contents.rows().map(|(_, _, row)| Arc::clone(row)));
        rows.map_or_else(Vec::new, Iterator::collect)
    }

    /// Whether no table holds a row.
    pub fn is_empty(&self) -> bool {
        let state = self.lock();
        state.held.ledger.is_empty() && state.held.tables.values().all(|contents| contents.is_empty())
    }
}

/// Every table that an owner writes, but the ledger.
fn specs() -> impl Iterator<Item = &'static Arc<TableSpec>> {
    let fixed: [&'static Arc<TableSpec>; 5] =
        [&rows::DETAILS, &rows::ORDER_ITEMS, &rows::CUSTOMER_FIGURES, &rows::CUSTOMER_MONEY, &rows::ARRIVALS];
    let entities = rows::folded().filter_map(rows::entity_table);
    entities.chain(fixed).chain(Rollup::ALL.into_iter().map(Rollup::table))
}

fn lost(request: &Request) -> StoreError {
    StoreError::Network { doing: format!("{:?}", request.what()), detail: "simulated".to_owned() }
}

impl State {
    fn carry_out(&mut self, request: &Request, how: How) -> Answer {
        match &request.body {
            Body::Insert(block) => {
                self.landed += 1;
                let ties = self.ties;
                if let Some(contents) = self.held.tables.get_mut(block.spec().name) {
                    Arc::make_mut(contents).land(block, ties);
                }
                Answer::Acknowledged
            }
            Body::Ledger(epoch, entries) => {
                self.land_ledger(*epoch, entries);
                Answer::Acknowledged
            }
            Body::Collect(epoch, live) => {
                self.landed += 1;
                self.held.collect(*epoch, live);
                Answer::Acknowledged
            }
            Body::Sync => {
                self.synced.insert(request.process, self.landed);
                Answer::Acknowledged
            }
            question => self.seen(request.process, how).answer(question),
        }
    }

    fn land_ledger(&mut self, epoch: Epoch, entries: &[Entry]) {
        self.landed += 1;
        let ties = self.ties;
        let ledger = Arc::make_mut(&mut self.held.ledger);
        for entry in entries {
            let key = (epoch.0, entry.partition, entry.term, entry.owner);
            match ledger.get(&key) {
                Some(held)
                    if held.sequence > entry.sequence
                        || (held.sequence == entry.sequence && ties == Ties::First) => {}
                _ => _ = ledger.insert(key, entry.clone()),
            }
        }
    }

    /// The state that a read of a process sees.
    fn seen(&self, process: u32, how: How) -> &Held {
        let floor = self.synced.get(&process).copied().unwrap_or(0);
        let older = match how {
            How::Stale => self.older.iter().find(|(landed, _)| *landed >= floor),
            How::Behind => self.older.front(),
            _ => None,
        };
        older.map_or(&self.held, |(_, held)| held)
    }
}

impl Held {
    fn answer(&self, question: &Body) -> Answer {
        match question {
            Body::State => Answer::State(self.state_version),
            Body::Incarnation => Answer::Incarnation(self.incarnation),
            Body::ReadLedger(epoch) => Answer::Ledger(self.ledger(*epoch)),
            Body::Rows(scope, spec) => Answer::Rows(self.of_scope(scope, spec)),
            Body::Heights(scope, table) => Answer::Heights(self.heights(scope, table)),
            Body::UpTo(scope, table, limits) => Answer::Counts(self.up_to(scope, table, limits)),
            Body::Fields(scope, fields) => Answer::Rows(self.fields(scope, fields)),
            Body::Arrivals(partitions) => Answer::Rows(self.arrivals(partitions)),
            Body::Insert(_) | Body::Ledger(..) | Body::Collect(..) | Body::Sync => Answer::Acknowledged,
        }
    }

    pub(super) fn ledger(&self, epoch: Epoch) -> Vec<Entry> {
        let of_epoch = self.ledger.range((epoch.0, 0, 0, 0)..=(epoch.0, u16::MAX, u32::MAX, u64::MAX));
        of_epoch.map(|(_, entry)| entry.clone()).collect()
    }

    /// The rows of a scope that a table holds: version, partition, values.
    fn rows<'a>(
        &'a self,
        scope: &'a Scope,
        table: &str,
    ) -> impl Iterator<Item = (u128, u16, &'a Row)> + use<'a> {
        let contents = self.tables.get(table);
        let place = |column| contents.and_then(|contents| contents.place(column));
        let (epoch, hash) = (place("epoch"), place("key_hash"));
        let rows = contents.into_iter().flat_map(|contents| contents.rows());
        rows.filter(move |(_, _, row)| number(row, epoch) == i128::from(scope.epoch.0))
            .map(move |(_, version, row)| {
                let hash = u64::try_from(number(row, hash)).unwrap_or_default();
                (version, scope.partition(hash), row)
            })
            .filter(|(_, partition, _)| scope.partitions.contains(partition))
    }

    fn of_scope(&self, scope: &Scope, spec: &Arc<TableSpec>) -> BTreeMap<u16, Table> {
        let mut found: BTreeMap<u16, Table> = BTreeMap::new();
        for (_, partition, row) in self.rows(scope, spec.name) {
            let values = row.iter().take(spec.columns.len()).cloned();
            found.entry(partition).or_insert_with(|| Table::new(spec)).push(values);
        }
        found
    }

    fn heights(&self, scope: &Scope, table: &str) -> Vec<Height> {
        let mut heights: BTreeMap<u16, Height> = BTreeMap::new();
        for (version, partition, _) in self.rows(scope, table) {
            let height = heights.entry(partition).or_insert(Height { partition, highest: 0, rows: 0 });
            height.highest = height.highest.max(u64::try_from(version).unwrap_or(u64::MAX));
            height.rows += 1;
        }
        heights.into_values().collect()
    }

    fn up_to(&self, scope: &Scope, table: &str, limits: &BTreeMap<u16, u64>) -> BTreeMap<u16, u64> {
        let place = self.tables.get(table).and_then(|contents| contents.place("first_version"));
        let mut counts = BTreeMap::new();
        for (_, partition, row) in self.rows(scope, table) {
            let limit = limits.get(&partition).copied().unwrap_or(0);
            *counts.entry(partition).or_default() += u64::from(number(row, place) <= i128::from(limit));
        }
        counts
    }

    /// Details know no epoch.
    fn fields(&self, scope: &Scope, fields: &BTreeSet<String>) -> BTreeMap<u16, Table> {
        let spec = &*rows::DETAILS;
        let mut found: BTreeMap<u16, Table> = BTreeMap::new();
        let Some(contents) = self.tables.get(spec.name) else { return found };
        let (field, hash) = (contents.place("field"), contents.place("key_hash"));
        for (_, _, row) in contents.rows() {
            let partition = scope.partition(u64::try_from(number(row, hash)).unwrap_or_default());
            let asked = |value: &Value| matches!(value, Value::Text(name) if fields.contains(&**name));
            if scope.partitions.contains(&partition) && field.and_then(|f| row.get(f)).is_some_and(asked) {
                found.entry(partition).or_insert_with(|| Table::new(spec)).push(row.iter().cloned());
            }
        }
        found
    }

    fn arrivals(&self, partitions: &[u16]) -> BTreeMap<u16, Table> {
        let spec = &*rows::ARRIVALS;
        let mut found: BTreeMap<u16, Table> = BTreeMap::new();
        let Some(contents) = self.tables.get(spec.name) else { return found };
        let place = contents.place("partition");
        for (_, _, row) in contents.rows() {
            let partition = u16::try_from(number(row, place)).unwrap_or(u16::MAX);
            if partitions.contains(&partition) {
                found.entry(partition).or_insert_with(|| Table::new(spec)).push(row.iter().cloned());
            }
        }
        found
    }

    fn collect(&mut self, epoch: Epoch, live: &[LiveTerm]) {
        for rollup in Rollup::ALL {
            let Some(contents) = self.tables.get_mut(rollup.spec().name) else { continue };
            let place = |column| contents.place(column);
            let (of, partition) = (place("epoch"), place("partition"));
            let (term, owner) = (place("term"), place("owner"));
            let over = |row: &Row| {
                let rank = (number(row, term), number(row, owner));
                let below = |live: &LiveTerm| {
                    number(row, partition) == i128::from(live.partition)
                        && rank < (i128::from(live.term), i128::from(live.owner))
                };
                number(row, of) == i128::from(epoch.0) && live.iter().any(below)
            };
            Arc::make_mut(contents).delete(over);
        }
    }
}

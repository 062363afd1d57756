//! DESIGN 2.4 and 2.5: owners that die between and during their flushes, inserts that arrive late or never, owners that
//! wake up when another has taken over. The tables must end as if nothing had happened.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sarafan_core::definitions::Definitions;
use sarafan_core::rows::folded;
use sarafan_core::shard::{Scope, Shard};
use sarafan_core::table::Table;
use sarafan_core::vocabulary::Subject;
use sarafan_core::{Event, as_of, version};

use crate::definitions::{PLAIN, any_meaning};
use crate::histories::{delivered, history};
use crate::law::cases;
use crate::naive;
use crate::oracles::{amount, on, order, record, text};
use crate::shards::{GENERATION, inserts, log, shard, tenancy};
use crate::tables::{Store, Term, cell_differences};

/// What an owner does after it has applied some records.
#[derive(Debug, Clone)]
enum Turn {
    /// A flush that completes, ledger and all.
    Flush,
    /// It dies before it flushes.
    Die,
    /// It dies during a flush: the first inserts have landed, each of the others lands some turns later or never.
    DieFlushing { landed: u8, others: Vec<Option<u8>> },
    /// It stands still, and another takes over.
    Pause,
    /// One that stood still wakes up, goes on for some records, and flushes under its old term.
    Wake { records: u8 },
    /// An insert of its latest flush is sent, and lands, once more.
    Resend,
}

/// Records applied before each turn, and the turn.
type Schedule = Vec<(u8, Turn)>;

fn schedule() -> impl Strategy<Value = Schedule> {
    let others = || vec(proptest::option::of(0..6_u8), 12);
    let turn = prop_oneof![
        4 => Just(Turn::Flush),
        1 => Just(Turn::Die),
        4 => (0..12_u8, others()).prop_map(|(landed, others)| Turn::DieFlushing { landed, others }),
        1 => Just(Turn::Pause),
        1 => (0..8_u8).prop_map(|records| Turn::Wake { records }),
        1 => Just(Turn::Resend),
    ];
    vec((0..8_u8, turn), 1..14)
}

/// One that has, or had, the partition.
struct Owner {
    shard: Shard,
    term: u32,
    /// It writes nothing before its position has reached this: F of DESIGN 2.5.
    floor: u64,
    scope: Scope,
    /// Index into the log of the next record it reads.
    next: usize,
}

/// The row of the ledger that counts.
#[derive(Default, Clone, Copy)]
struct Ledger {
    position: u64,
    entities: u64,
}

/// The rules of DESIGN 2.5 that can be left out, to see that the simulation notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// All of them hold.
    None,
    /// Nothing is written before the position has reached F.
    WaitForF,
    /// Until then every record marks its customer dirty, whether it says anything new or not.
    NoOpsMarkDirty,
    /// A new owner goes on from the ledger's position, not from the highest version that it finds.
    ResumeFromLedger,
    /// The first flush of a term writes every cell.
    EveryCellFirst,
    /// Cells are written under a term.
    Terms,
    /// The ledger is written after the tables.
    LedgerLast,
}

struct Simulation {
    without: Rule,
    definitions: Arc<Definitions>,
    lane: Vec<(u64, Event)>,
    store: Store,
    ledger: Ledger,
    /// Inserts on their way: how many turns they still take.
    late: Vec<(u8, Table)>,
    latest: Vec<Table>,
    owner: Owner,
    asleep: Vec<Owner>,
}

impl Simulation {
    fn new(definitions: &Arc<Definitions>, events: Vec<Event>, without: Rule) -> Self {
        let owner = Owner::new(shard(definitions, 0, 1), 1);
        Self {
            without,
            definitions: Arc::clone(definitions),
            lane: log(events, 1).remove(0),
            store: Store::default(),
            ledger: Ledger::default(),
            late: Vec::new(),
            latest: Vec::new(),
            owner,
            asleep: Vec::new(),
        }
    }

    fn turn(&mut self, records: u8, turn: Turn) -> Result<(), String> {
        self.owner.read(&self.lane, usize::from(records));
        match turn {
            Turn::Flush => self.flush()?,
            Turn::Die => drop(self.succeed()?),
            Turn::DieFlushing { landed, others } => self.die_flushing(usize::from(landed), &others)?,
            Turn::Pause => {
                let asleep = self.succeed()?;
                self.asleep.push(asleep);
            }
            Turn::Wake { records } => self.wake(usize::from(records)),
            Turn::Resend => self.latest.iter().for_each(|table| self.store.insert(table)),
        }
        for (turns, _) in &mut self.late {
            *turns = turns.saturating_sub(1);
        }
        let landing = self.late.extract_if(.., |(turns, _)| *turns == 0);
        landing.for_each(|(_, table)| self.store.insert(&table));
        Ok(())
    }

    /// A flush that completes, if the owner may write already; the figures are then those of what it has read.
    fn flush(&mut self) -> Result<(), String> {
        let Some((tables, ledger)) = self.owner.flush(self.without) else { return Ok(()) };
        tables.iter().for_each(|table| self.store.insert(table));
        self.latest = tables;
        self.ledger = ledger;
        self.owner.scope = Scope::Changes;
        let read = self.lane.iter().take(self.owner.next).map(|(_, event)| event);
        let expected = naive::recount(&self.definitions, read).cells;
        fail_on(cell_differences(&self.store.cells(&[self.owner.term(self.without)]), &expected))
    }

    fn die_flushing(&mut self, landed: usize, others: &[Option<u8>]) -> Result<(), String> {
        if let Some((tables, ledger)) = self.owner.flush(self.without) {
            if self.without == Rule::LedgerLast {
                self.ledger = ledger;
            }
            for (place, table) in tables.into_iter().enumerate() {
                match others.get(place).copied().flatten() {
                    _ if place < landed => self.store.insert(&table),
                    Some(turns) => self.late.push((turns + 1, table)),
                    None => {}
                }
            }
        }
        self.succeed().map(drop)
    }

    fn wake(&mut self, records: usize) {
        if let Some(mut sleeper) = self.asleep.pop() {
            sleeper.read(&self.lane, records);
            if let Some((tables, _)) = sleeper.flush(self.without) {
                tables.iter().for_each(|table| self.store.insert(table));
            }
        }
    }

    /// A new owner restores the partition from the tables; the old one is handed back.
    fn succeed(&mut self) -> Result<Owner, String> {
        let mut shard = shard(&self.definitions, 0, 1);
        for subject in folded() {
            for block in self.store.entities(subject, 0, 1) {
                shard.restore(subject, &block).expect("rows that a shard wrote");
            }
        }
        let acknowledged = version(GENERATION, self.ledger.position);
        let found = self.store.entities_up_to(acknowledged, 0, 1);
        if (found, shard.entities_up_to(acknowledged)) != (self.ledger.entities, found) {
            return Err(format!(
                "{found} entities, the ledger says {}: it would be refused",
                self.ledger.entities
            ));
        }
        let mut owner = Owner::new(shard, self.owner.term + 1);
        owner.floor = as_of(owner.shard.restored().highest).1;
        let from_floor = self.without == Rule::ResumeFromLedger;
        let position = if from_floor { self.ledger.position.max(owner.floor) } else { self.ledger.position };
        let dirty_until = if self.without == Rule::NoOpsMarkDirty { 0 } else { owner.floor };
        owner.shard.resume(position, dirty_until);
        owner.next = self.lane.partition_point(|(offset, _)| *offset < position);
        Ok(std::mem::replace(&mut self.owner, owner))
    }

    fn finish(mut self) -> Result<(), String> {
        self.owner.read(&self.lane, usize::MAX);
        self.flush()?;
        for (_, table) in self.late.drain(..) {
            self.store.insert(&table);
        }
        let expected = naive::recount(&self.definitions, self.lane.iter().map(|(_, event)| event));
        fail_on(self.store.differences(&expected, &[self.owner.term(self.without)]))
    }
}

fn fail_on(differences: Vec<String>) -> Result<(), String> {
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
}

impl Owner {
    fn new(shard: Shard, term: u32) -> Self {
        Self { shard, term, floor: 0, scope: Scope::EveryCell, next: 0 }
    }

    fn read(&mut self, lane: &[(u64, Event)], records: usize) {
        for (offset, event) in lane.iter().skip(self.next).take(records) {
            self.shard.apply(event, *offset).expect("a record of this partition");
            self.next += 1;
        }
    }

    /// The inserts of a flush and the ledger's row after them, if it may write already.
    fn flush(&mut self, without: Rule) -> Option<(Vec<Table>, Ledger)> {
        if self.shard.position() < self.floor && without != Rule::WaitForF {
            return None;
        }
        let scope = if without == Rule::EveryCellFirst { Scope::Changes } else { self.scope };
        let term = self.term(without);
        let batch = self.shard.flush(&tenancy(term.term, term.owner), scope);
        let ledger = Ledger { position: batch.position, entities: batch.entities_held };
        Some((inserts(batch), ledger))
    }

    /// Under which term it writes its cells.
    fn term(&self, without: Rule) -> Term {
        let term = if without == Rule::Terms { 1 } else { self.term };
        Term { partition: 0, term, owner: u64::from(term) * 31 }
    }
}

/// Runs a schedule to its end.
fn simulate(
    definitions: &Arc<Definitions>,
    events: Vec<Event>,
    schedule: Schedule,
    without: Rule,
) -> Result<(), String> {
    let mut simulation = Simulation::new(definitions, events, without);
    for (records, turn) in schedule {
        simulation.turn(records, turn)?;
    }
    simulation.finish()
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn owners_that_die_pause_and_wake_leave_the_tables_of_the_naive_recount(
        history in history(40),
        schedule in schedule(),
        meaning in any_meaning(),
    ) {
        let end = simulate(&meaning.definitions(), delivered(&history), schedule, Rule::None);
        prop_assert!(end.is_ok(), "{}", end.unwrap_err());
    }
}

/// Whether some schedule among the first thousands ends wrong when a rule is left out.
fn is_noticed(without: Rule) -> bool {
    let mut runner = TestRunner::deterministic();
    let strategy = (history(40), schedule());
    (0..5_000).any(|_| {
        let (history, schedule) = strategy.new_tree(&mut runner).expect("a history").current();
        simulate(&PLAIN, delivered(&history), schedule, without).is_err()
    })
}

#[test]
fn no_rule_of_the_restore_can_be_left_out() {
    let rules = [
        Rule::WaitForF,
        Rule::NoOpsMarkDirty,
        Rule::ResumeFromLedger,
        Rule::EveryCellFirst,
        Rule::Terms,
        Rule::LedgerLast,
    ];
    for rule in rules {
        assert!(is_noticed(rule), "without {rule:?} nothing goes wrong: the simulation is too kind");
    }
}

/// A customer's record without a word, an order, and the refund of all of it.
fn an_order_and_its_refund() -> Vec<Event> {
    let order = order("c", "1", 0, "10");
    let refund = [
        ("order_id", text("1")),
        ("refunded_at", on(1)),
        ("amount", amount("10")),
        ("currency", text("RUB")),
    ];
    vec![record(Subject::Customer, "c", "c", 1, &[]), order, record(Subject::Refund, "c", "r", 1, &refund)]
}

#[test]
fn a_customer_that_changed_and_changed_back_between_two_flushes_is_written_again() {
    // One that sleeps writes the customer as it was in between; its successor must not think that nothing changed.
    let schedule = vec![(1, Turn::Flush), (0, Turn::Pause), (0, Turn::Wake { records: 1 })];
    assert_eq!(simulate(&PLAIN, an_order_and_its_refund(), schedule, Rule::None), Ok(()));
}

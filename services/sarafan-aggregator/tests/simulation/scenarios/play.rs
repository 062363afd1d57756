//! The language of the scenarios: who works until what is asked for, what is answered how, who dies, what lands late.
//!
//! Only those who are named get on; everybody else stands still, as a process under `SIGSTOP`, and loses its partitions when
//! the group has waited long enough. What a process asks for is done at once, unless a script holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use sarafan_core::rollup::Rollup;
use sarafan_store::simulated::{self as store, How, Pending, RequestId, Shown, Tables, Ties, What};
use sarafan_stream::simulated::{self as kafka, Cluster, Process, Written};

use super::records::Record;
use crate::domain::definitions;
use crate::process::{Plant, TOPIC, partition};
use crate::truth::Truth;
use crate::world::{World, placed};

/// How a scenario ends.
pub(crate) type Played = Result<(), String>;

/// The processes of a scenario.
pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;
pub(crate) const C: usize = 2;

/// How much time goes by while everybody who is named does one thing.
const ROUND: Duration = Duration::from_millis(20);
/// Rounds after which what a script waits for does not happen any more.
const PATIENCE: u32 = 4_000;
/// Owner ids and what lands when in the end are different each time.
const WAYS: u64 = 8;

/// A scenario that is being played.
pub(crate) struct Play {
    pub(crate) world: World,
    /// What is answered by the script alone.
    held: BTreeSet<RequestId>,
    /// Whose client stands still while the rest of it goes on: it hears of no rebalance.
    deaf: BTreeSet<usize>,
    /// Who is handed no record.
    unread: BTreeSet<usize>,
}

/// Plays a script on a topic of one partition, and holds what comes of it to the recount.
pub(crate) fn played(script: impl AsyncFn(&mut Play) -> Played) -> Played {
    played_on(1, script)
}

/// As [`played`], with so many partitions.
pub(crate) fn played_on(partitions: u32, script: impl AsyncFn(&mut Play) -> Played) -> Played {
    for way in 0..WAYS {
        let clock =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let outcome = clock.block_on(async {
            let mut play = Play::new(partitions, way);
            script(&mut play).await?;
            play.world.heal().await
        });
        outcome.map_err(|wrong| format!("way {way}: {wrong}"))?;
    }
    Ok(())
}

impl Play {
    fn new(partitions: u32, way: u64) -> Self {
        let mut world = World::with(way, std::env::var_os("TRACE").is_some(), false);
        let mut random = Rng::with_seed(way);
        let cluster = Cluster::new();
        cluster.create_topic(TOPIC, partitions.cast_signed());
        let tables = Tables::new(if way.is_multiple_of(2) { Ties::First } else { Ties::Last });
        world.plant = Plant::new(cluster, tables, definitions(), partitions, &mut random);
        world.plant.named = false;
        world.truths =
            (0..partitions).map(|p| Truth::new(&world.plant.definitions, p as u16, partitions)).collect();
        world.processes = vec![None, None, None];
        Self { world, held: BTreeSet::new(), deaf: BTreeSet::new(), unread: BTreeSet::new() }
    }

    /// Appends a record to the canonical topic.
    pub(crate) fn write(&mut self, record: Record) {
        let event = record.event();
        let key = event.key();
        let number = placed(key.as_str(), self.world.plant.partitions);
        let value = sarafan_wire::encode(&event).unwrap();
        let mut read = sarafan_wire::decode(&value).unwrap();
        let key = Some(key.as_str().as_bytes().to_vec());
        let written = Written { key, value: Some(value), timestamp_ms: Some(0), ..Written::default() };
        let offset = self.world.plant.cluster.append(&partition(number), written).unwrap();
        read.origin.received_at = Some(sarafan_core::vocabulary::Instant::from_micros(0));
        self.world.truths[number as usize].append(read, offset.cast_unsigned());
    }

    /// These get on until one of them asks the store for this. That is held; whatever else they ask for is done.
    pub(crate) async fn until(&mut self, who: &[usize], what: What) -> Result<Pending, String> {
        for _ in 0..PATIENCE {
            self.get_on(who)?;
            let asked = self.asked(who).into_iter().find(|pending| pending.what == what);
            if let Some(asked) = asked {
                self.held.insert(asked.id);
                self.answer_all(who)?;
                return Ok(asked);
            }
            self.answer_all(who)?;
            tokio::time::advance(ROUND).await;
        }
        Err(format!("{who:?} never ask for {what:?}: they ask for {:?}", self.asked(who)))
    }

    /// These get on until what they ask for is done and so is all that they have to do.
    pub(crate) async fn finish(&mut self, who: &[usize]) -> Played {
        let mut done = 0;
        for _ in 0..PATIENCE {
            self.go_round(who).await?;
            done = if self.world.is_done() && self.asked(who).is_empty() { done + 1 } else { 0 };
            if done > 3 {
                return self.world.check_commits();
            }
        }
        Err(format!("{who:?} do not come to an end: {}", self.world.standing()))
    }

    /// These get on for so long.
    pub(crate) async fn go_on(&mut self, who: &[usize], time: Duration) -> Played {
        for _ in 0..time.as_millis() / ROUND.as_millis() {
            self.go_round(who).await?;
        }
        Ok(())
    }

    /// These get on until something holds.
    pub(crate) async fn go_on_until(&mut self, who: &[usize], holds: impl Fn(&Self) -> bool) -> Played {
        for _ in 0..PATIENCE {
            if holds(self) {
                return Ok(());
            }
            self.go_round(who).await?;
        }
        Err(format!("{who:?} wait in vain: {}", self.world.standing()))
    }

    async fn go_round(&mut self, who: &[usize]) -> Played {
        self.get_on(who)?;
        self.answer_all(who)?;
        tokio::time::advance(ROUND).await;
        Ok(())
    }

    fn get_on(&mut self, who: &[usize]) -> Played {
        for place in who {
            if !self.deaf.contains(place)
                && let Some(running) = &self.world.processes[*place]
            {
                let most = if self.unread.contains(place) { 0 } else { 20 };
                self.world.plant.cluster.step(running.member, most);
            }
            self.world.poll(*place)?;
        }
        Ok(())
    }

    /// What these ask the store for and no script holds.
    fn asked(&self, who: &[usize]) -> Vec<Pending> {
        let mut asked = self.world.plant.tables.pending();
        asked.retain(|p| !p.abandoned && who.contains(&(p.process as usize)) && !self.held.contains(&p.id));
        asked
    }

    fn answer_all(&mut self, who: &[usize]) -> Played {
        while self.world.plant.questions.waiting() > 0 {
            self.world.plant.questions.answer(0, true);
        }
        let of = |process: Process| who.contains(&(process.0 as usize));
        for pending in self.world.plant.cluster.pending().into_iter().filter(|p| of(p.process)) {
            self.world.plant.cluster.answer(pending.id, kafka::How::Done);
        }
        self.asked(who).into_iter().try_for_each(|pending| self.world.answer(pending, How::Done))
    }

    /// What is held is answered in this way.
    pub(crate) fn answer(&mut self, held: Pending, how: How) -> Played {
        self.held.remove(&held.id);
        self.world.answer(held, how)
    }

    /// A write that was held, or that nobody waits for any more, lands now.
    pub(crate) fn land(&mut self, late: Pending) -> Played {
        if !self.world.plant.tables.pending().iter().any(|pending| pending.id == late.id) {
            return Err(format!("{late} is not on its way any more"));
        }
        self.answer(late, How::Done)
    }

    /// The network eats it.
    pub(crate) fn lose(&mut self, held: Pending) -> Played {
        self.answer(held, How::Refused)
    }

    /// A process dies; what it has sent can still land.
    pub(crate) fn kill(&mut self, who: usize) {
        self.world.plant.cluster.kill(Process(u32::try_from(who).unwrap()));
        self.world.processes[who] = None;
        self.deaf.remove(&who);
        self.unread.remove(&who);
    }

    /// Its client stands still and the rest of it goes on.
    pub(crate) fn deafen(&mut self, who: usize) {
        self.deaf.insert(who);
    }

    /// It is handed no record until [`Self::reads_again`].
    pub(crate) fn reads_nothing(&mut self, who: usize) {
        self.unread.insert(who);
    }

    pub(crate) fn reads_again(&mut self, who: usize) {
        self.unread.remove(&who);
    }

    /// What views show.
    pub(crate) fn shown(&self) -> Vec<BTreeMap<u16, Shown>> {
        let epoch = self.world.plant.definitions.epoch;
        Rollup::ALL.into_iter().map(|rollup| self.world.plant.tables.visible(epoch, rollup)).collect()
    }

    /// Views show what they showed.
    pub(crate) fn still_shows(&self, before: &[BTreeMap<u16, Shown>]) -> Played {
        let now = self.shown();
        if now == before { Ok(()) } else { Err(format!("views showed {before:?}\nand now {now:?}")) }
    }

    /// The number of the highest live term of a partition, as the ledger has it; 0 for none.
    pub(crate) fn live_term(&self, number: u32) -> u32 {
        let ledger = self.world.plant.tables.ledger(self.world.plant.definitions.epoch);
        let live = ledger.iter().filter(|entry| u32::from(entry.partition) == number && entry.live);
        live.map(|entry| entry.term).max().unwrap_or(0)
    }

    /// The owner of this term holds its partition: nobody has claimed a higher one.
    pub(crate) fn holds_term(&self, number: u32, term: u32) -> Played {
        let terms = self.terms(number);
        if terms == term && self.live_term(number) == term {
            return Ok(());
        }
        Err(format!("term {term} is to go on: {}", self.world.standing()))
    }

    /// The highest term that was claimed.
    pub(crate) fn terms(&self, number: u32) -> u32 {
        let ledger = self.world.plant.tables.ledger(self.world.plant.definitions.epoch);
        let of_partition = ledger.iter().filter(|entry| u32::from(entry.partition) == number);
        of_partition.map(|entry| entry.term).max().unwrap_or(0)
    }

    /// Views show something new.
    pub(crate) fn differs_from(&self, before: &[BTreeMap<u16, Shown>]) -> Played {
        if self.shown() == before { Err("views still show what they showed".to_owned()) } else { Ok(()) }
    }

    /// No partition is refused.
    pub(crate) fn nothing_is_refused(&self) -> Played {
        let refused = self.world.plant.refused();
        if refused.is_empty() { Ok(()) } else { Err(format!("refused without need: {refused:?}")) }
    }

    /// The only partition is refused for this reason.
    pub(crate) fn is_refused(&self, reason: &str) -> bool {
        self.world.plant.refused().iter().any(|refused| refused == reason)
    }
}

/// Insert of a table.
pub(crate) fn insert(table: &'static str) -> What {
    What::Insert(table)
}

/// So many seconds.
pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// As the real store is told to back up: a table as it is now.
pub(crate) fn back_up(play: &Play, tables: impl IntoIterator<Item = &'static str>) -> store::Backup {
    let mut backup = store::Backup::default();
    for table in tables {
        play.world.plant.tables.back_up(table, &mut backup);
    }
    backup
}

//! Processes over one cluster and one store, and a seed that decides what happens next.

use std::time::Duration;

use fastrand::Rng;
use sarafan_core::Event;
use sarafan_store::simulated::{self as store, Tables, Ties};
use sarafan_stream::simulated::{self as kafka, Cluster, MemberId, Process, Protocol, What, Written};

use crate::domain::{definitions, something};
use crate::faults::{Coverage, Kind};
use crate::ingest::{Ingest, is_ingest};
use crate::process::{GROUP, Plant, Running, SESSION, TOPIC, partition};
use crate::truth::Truth;

/// One in so many things that happen is a fault.
const FAULTS: u32 = 4;
/// There are more that can happen.
const FAULTS_WITH_INGEST: u32 = 2;
/// How often processes get on so that there is something to answer wrongly.
const PATIENCE: u32 = 8;

/// Once in so many steps it is looked whether a partition is refused: it stays so for a while.
const LOOKS: u64 = 20;

pub(crate) struct World {
    pub(crate) plant: Plant,
    pub(crate) processes: Vec<Option<Running>>,
    pub(crate) truths: Vec<Truth>,
    pub(crate) random: Rng,
    pub(crate) coverage: Coverage,
    /// The store was set back to an older state: commits may be ahead of it.
    pub(crate) set_back: bool,
    /// It was set back under an owner in the middle of a flush, which has not seen it yet: views may show a mixture of what
    /// there was and what it goes on to write.
    pub(crate) unseen: bool,
    /// Nothing goes wrong any more.
    pub(crate) healing: bool,
    /// Members whose engine has ended: their clients leave the group.
    leaving: Vec<MemberId>,
    /// The process that stands still, and for how many steps more.
    pub(crate) frozen: Option<(usize, u32)>,
    /// The process whose client stands still, and for how many steps more.
    pub(crate) deaf: Option<(usize, u32)>,
    written: Vec<Event>,
    /// Where records come from, unless they are written to the canonical topic as they are.
    pub(crate) ingest: Option<Ingest>,
    /// Prints what happens.
    traced: bool,
}

/// Where Java clients put a key.
pub(crate) fn placed(key: &str, partitions: u32) -> u32 {
    (murmur2::murmur2(key.as_bytes(), murmur2::KAFKA_SEED) & 0x7fff_ffff) % partitions
}

/// Whether the world of a seed begins at the sources.
pub(crate) fn with_ingest(seed: u64) -> bool {
    seed / 2 % 2 == 1
}

macro_rules! trace {
    ($world:expr, $($what:tt)*) => { if $world.traced { println!($($what)*) } };
}

impl World {
    /// The world of a seed: every other one begins at the sources.
    pub(crate) fn new(seed: u64, traced: bool) -> Self {
        Self::with(seed, traced, with_ingest(seed))
    }

    pub(crate) fn with(seed: u64, traced: bool, with_ingest: bool) -> Self {
        let mut random = Rng::with_seed(seed);
        // Of two, a hash's sign tells nothing.
        let partitions = random.u32(1..=if with_ingest { 3 } else { 2 });
        let cluster = Cluster::new();
        cluster.create_topic(TOPIC, partitions.cast_signed());
        if random.bool() {
            cluster.set_protocol(GROUP, Protocol::Eager);
        }
        let tables = Tables::new(if random.bool() { Ties::First } else { Ties::Last });
        let definitions = definitions();
        let truths = (0..partitions).map(|p| Truth::new(&definitions, p as u16, partitions)).collect();
        let plant = Plant::new(cluster, tables, definitions, partitions, &mut random);
        let ingest = with_ingest.then(|| Ingest::new(&plant, &mut random));
        let processes = (0..random.u32(1..=3)).map(|process| Some(plant.start(process))).collect();
        Self {
            plant,
            processes,
            truths,
            random,
            coverage: Coverage::default(),
            set_back: false,
            unseen: false,
            healing: false,
            leaving: Vec::new(),
            frozen: None,
            deaf: None,
            written: Vec::new(),
            ingest,
            traced,
        }
    }

    /// Lets one thing happen.
    pub(crate) async fn act(&mut self) -> Result<(), String> {
        self.coverage.steps += 1;
        if self.coverage.steps.is_multiple_of(LOOKS) {
            self.check_refusals()?;
        }
        for still in [&mut self.frozen, &mut self.deaf] {
            *still = still.map(|(place, left)| (place, left - 1)).filter(|(_, left)| *left > 0);
        }
        let with_ingest = self.ingest.is_some();
        if let Some(ingest) = &mut self.ingest {
            ingest.thaw();
        }
        if self.random.u32(0..if with_ingest { FAULTS_WITH_INGEST } else { FAULTS }) == 0 {
            let kind = Kind::any(&mut self.random, with_ingest);
            if self.fault(kind).await? {
                trace!(self, "{:4} {kind:?}", self.coverage.steps);
                self.coverage.happened(kind);
                return Ok(());
            }
        }
        if with_ingest && self.random.u32(0..3) == 0 {
            return self.act_in_ingest();
        }
        let place = self.random.usize(0..self.processes.len());
        match self.random.u32(0..100) {
            0..14 => (0..self.random.u32(1..4)).for_each(|_| self.write()),
            14..24 => self.step(place),
            24..34 => self.poll(place)?,
            34..44 => self.answer_store(store::How::Done)?,
            44..50 => self.answer_kafka(kafka::How::Done)?,
            50..86 => self.go_on(place)?,
            86..90 => self.plant.tables.snapshot(),
            _ => tokio::time::advance(Duration::from_millis(self.random.u64(1..200))).await,
        }
        Ok(())
    }

    /// A process gets on with it: what it asks for is answered, up to some point.
    fn go_on(&mut self, place: usize) -> Result<(), String> {
        self.get_on(place, true)
    }

    fn get_on(&mut self, place: usize, with_kafka: bool) -> Result<(), String> {
        for _ in 0..self.random.u32(1..12) {
            self.step(place);
            self.poll(place)?;
            if with_kafka {
                self.answer_kafka(kafka::How::Done)?;
            }
            let pending = self.plant.tables.pending();
            for pending in pending.into_iter().filter(|p| !p.abandoned && p.process as usize == place) {
                self.answer(pending, store::How::Done)?;
            }
        }
        // What it asks for next is asked.
        self.poll(place)
    }

    /// Something that the store is asked for and that fits; processes get on until there is something, for a while.
    async fn asked(
        &mut self,
        fits: impl Fn(&store::Pending) -> bool,
    ) -> Result<Option<store::Pending>, String> {
        for _ in 0..PATIENCE {
            let pending = self.plant.tables.pending().into_iter().filter(|p| !p.abandoned && fits(p));
            let pending: Vec<_> = pending.collect();
            if let Some(chosen) = self.random.choice(pending) {
                return Ok(Some(chosen));
            }
            let place = self.random.usize(0..self.processes.len());
            self.go_on(place)?;
            tokio::time::advance(Duration::from_millis(60)).await;
        }
        Ok(None)
    }

    /// Has something go wrong; false if there is nothing that could.
    async fn fault(&mut self, kind: Kind) -> Result<bool, String> {
        let place = self.random.usize(0..self.processes.len());
        match kind {
            Kind::Kill => return Ok(self.kill(place)),
            Kind::Stop => {
                let stop = self.processes[place].as_mut().and_then(|running| running.stop.take());
                return Ok(stop.is_some_and(|stop| stop.send(()).is_ok()));
            }
            Kind::Deafen => {
                self.deaf = Some((place, self.a_while()));
                if self.random.bool() {
                    // The group gives up on it.
                    tokio::time::advance(SESSION).await;
                }
            }
            Kind::Freeze => self.frozen = Some((place, self.a_while())),
            Kind::Rebalance => {
                let protocol = if self.random.bool() { Protocol::Eager } else { Protocol::Cooperative };
                self.plant.cluster.begin_rebalance(GROUP, protocol, self.random.usize(0..4));
            }
            Kind::Jump => tokio::time::advance(Duration::from_millis(self.random.u64(500..12_000))).await,
            Kind::Duplicate if self.ingest.is_some() => return Ok(self.tell_again()),
            Kind::Duplicate => {
                let Some(event) = self.random.choice(&self.written).cloned() else { return Ok(false) };
                self.append(event);
            }
            Kind::StoreAnswerLost => return self.answer_one(store::How::AnswerLost).await,
            Kind::StoreRefused => return self.answer_one(store::How::Refused).await,
            Kind::StoreLate => return self.answer_one(store::How::Late).await,
            Kind::StoreTwice => return self.answer_one(store::How::Twice).await,
            Kind::StoreStale => return self.answer_one(store::How::Stale).await,
            Kind::StoreUnanswered => return self.answer_one(store::How::Unanswered).await,
            Kind::StoreLanding => return self.land_one(),
            Kind::KafkaAnswerLost => return self.answer_kafka_wrongly(kafka::How::AnswerLost).await,
            Kind::KafkaRefused => return self.answer_kafka_wrongly(kafka::How::Refused).await,
            Kind::KafkaLate => {
                let ways = [kafka::How::Late, kafka::How::Twice, kafka::How::Stale, kafka::How::Overslept];
                let how = ways[self.random.usize(0..ways.len())];
                return self.answer_kafka_wrongly(how).await;
            }
            of_ingest => return self.fault_in_ingest(of_ingest).await,
        }
        Ok(true)
    }

    /// For how many steps something stands still: where more goes wrong, shorter, so that something happens in between.
    pub(crate) fn a_while(&mut self) -> u32 {
        if self.ingest.is_some() { self.random.u32(4..25) } else { self.random.u32(10..80) }
    }

    fn write(&mut self) {
        if self.ingest.is_some() {
            return self.tell();
        }
        for event in something(&mut self.random) {
            self.append(event);
        }
    }

    fn append(&mut self, event: Event) {
        let key = event.key();
        let number = placed(key.as_str(), self.plant.partitions);
        let value = sarafan_wire::encode(&event).unwrap();
        let mut held = sarafan_wire::decode(&value).unwrap();
        let key = Some(key.as_str().as_bytes().to_vec());
        let written = Written { key, value: Some(value), timestamp_ms: Some(0), ..Written::default() };
        let offset = self.plant.cluster.append(&partition(number), written).unwrap();
        // As the keeper has it: arrived when it was appended.
        held.origin.received_at = Some(sarafan_core::vocabulary::Instant::from_micros(0));
        self.truths[number as usize].append(held, offset.cast_unsigned());
        self.written.push(event);
        self.coverage.records += 1;
    }

    fn is_frozen(&self, place: usize) -> bool {
        self.frozen.is_some_and(|(frozen, _)| frozen == place)
    }

    pub(crate) fn step(&mut self, place: usize) {
        if self.is_frozen(place) || self.deaf.is_some_and(|(deaf, _)| deaf == place) {
            return;
        }
        let most = self.random.usize(1..20);
        if let Some(running) = &self.processes[place] {
            let stepped = self.plant.cluster.step(running.member, most);
            trace!(self, "{:4} process {place}: {stepped:?}", self.coverage.steps);
        }
        for member in &self.leaving {
            self.plant.cluster.step(*member, 1);
        }
    }

    /// One step of an engine; a process that has ended or died is started again.
    pub(crate) fn poll(&mut self, place: usize) -> Result<(), String> {
        if self.is_frozen(place) {
            return Ok(());
        }
        let Some(running) = &mut self.processes[place] else {
            self.start(place);
            return Ok(());
        };
        if let Some(ended) = running.engine.poll() {
            trace!(self, "{:4} process {place} ended: {ended:?}", self.coverage.steps);
            self.leaving.push(running.member);
            self.processes[place] = None;
            return self.may_end(ended);
        }
        Ok(())
    }

    fn start(&mut self, place: usize) {
        trace!(self, "{:4} process {place} starts", self.coverage.steps);
        self.processes[place] = Some(self.plant.start(u32::try_from(place).unwrap()));
    }

    /// Of Kafka a process may despair; it refuses a partition only where something is wrong with it.
    fn may_end(
        &self,
        ended: Result<(), sarafan_stream::EngineError<sarafan_aggregator::Fault>>,
    ) -> Result<(), String> {
        use sarafan_aggregator::Fault;
        use sarafan_stream::EngineError;
        match ended {
            Ok(()) | Err(EngineError::Stream(_) | EngineError::Handler(Fault::Stream(_))) => Ok(()),
            Err(EngineError::Handler(fault)) => Err(format!("a process gave up: {fault}")),
        }
    }

    pub(crate) fn kill(&mut self, place: usize) -> bool {
        let Some(running) = &mut self.processes[place] else { return false };
        self.plant.cluster.kill(Process(u32::try_from(place).unwrap()));
        self.leaving.push(running.member);
        self.processes[place] = None;
        true
    }

    /// Answers some of what is waited for.
    fn answer_store(&mut self, how: store::How) -> Result<(), String> {
        let mut pending = self.plant.tables.pending();
        pending.retain(|pending| !pending.abandoned);
        let count = if self.random.bool() { pending.len() } else { 1.min(pending.len()) };
        for _ in 0..count {
            let chosen = pending.swap_remove(self.random.usize(0..pending.len()));
            self.answer(chosen, how)?;
        }
        Ok(())
    }

    async fn answer_one(&mut self, how: store::How) -> Result<bool, String> {
        // Reads are many, writes are what matters.
        let writes = self.random.bool();
        let fits = |pending: &store::Pending| match how {
            store::How::Stale => pending.what.is_question() && pending.what != store::What::Sync,
            store::How::Twice => !pending.what.is_question(),
            _ => !writes || !pending.what.is_question(),
        };
        let Some(chosen) = self.asked(fits).await? else { return Ok(false) };
        self.answer(chosen, how)?;
        Ok(true)
    }

    /// Has a write land that nobody waits for.
    pub(crate) fn land_one(&mut self) -> Result<bool, String> {
        let pending = self.plant.tables.pending().into_iter().filter(|pending| pending.abandoned);
        let Some(chosen) = self.random.choice(pending.collect::<Vec<_>>()) else { return Ok(false) };
        self.answer(chosen, store::How::Done)?;
        Ok(true)
    }

    pub(crate) fn answer(&mut self, pending: store::Pending, how: store::How) -> Result<(), String> {
        trace!(self, "{:4} store: {how:?} {pending}", self.coverage.steps);
        self.plant.tables.answer(pending.id, how);
        self.check_after(pending.what)
    }

    fn answer_kafka(&mut self, how: kafka::How) -> Result<(), String> {
        let questions = self.plant.questions.waiting();
        if questions > 0 {
            self.plant.questions.answer(self.random.usize(0..questions), self.random.u32(0..10) > 0);
        }
        self.answer_kafka_one(how).map(|_| ())
    }

    /// As [`Self::answer_kafka_one`]; processes get on without Kafka until there is something to answer, for a while.
    async fn answer_kafka_wrongly(&mut self, how: kafka::How) -> Result<bool, String> {
        for _ in 0..PATIENCE {
            if self.plant.cluster.pending().iter().any(|pending| pending.what != What::Produce) {
                break;
            }
            let place = self.random.usize(0..self.processes.len());
            self.get_on(place, false)?;
            tokio::time::advance(Duration::from_millis(60)).await;
        }
        self.answer_kafka_one(how)
    }

    /// What is produced is answered apart.
    fn answer_kafka_one(&mut self, how: kafka::How) -> Result<bool, String> {
        let pending = self.plant.cluster.pending().into_iter().filter(|p| p.what != What::Produce);
        let Some(chosen) = self.random.choice(pending.collect::<Vec<_>>()) else { return Ok(false) };
        self.answer_kafka_with(chosen, how).map(|()| true)
    }

    pub(crate) fn answer_kafka_with(
        &mut self,
        pending: kafka::Pending,
        how: kafka::How,
    ) -> Result<(), String> {
        trace!(self, "{:4} kafka: {how:?} {pending}", self.coverage.steps);
        self.plant.cluster.answer(pending.id, how);
        match pending.what {
            What::Produce => self.account(),
            What::Commit if is_ingest(&pending) => self.check_sources(),
            What::Commit => self.check_commits(),
            _ => Ok(()),
        }
    }

    pub(crate) fn tell_trace(&self, what: &str) {
        trace!(self, "{:4} {what}", self.coverage.steps);
    }

    /// What nobody waits for in Kafka any more does not happen.
    pub(crate) fn leave(&mut self) {
        for member in std::mem::take(&mut self.leaving) {
            self.plant.cluster.step(member, 1);
        }
    }
}

//! Ingest's processes: its own mapper in its own relay, over the simulated cluster, and what goes wrong with them.

use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;

use fastrand::Rng;
use prometheus::Registry;
use sarafan_ingest::{Config, Metrics, relay};
use sarafan_runtime::config::{ConfigErrors, Document};
use sarafan_stream::simulated::{How, MemberId, Pending, Polled, Process, Protocol, What};
use sarafan_stream::{EngineError, RelayError, StreamMetrics};
use tokio::sync::oneshot;

use crate::accounts::Accounts;
use crate::faults::Kind;
use crate::process::SESSION;
use crate::source::{CONFIG, TOPICS};
use crate::world::World;

pub(crate) const GROUP: &str = "ingest";
pub(crate) const DEAD_LETTERS: &str = "dead";
/// Ingest's processes are numbered from here on.
const FIRST: u32 = 100;
/// How often processes get on so that there is something to answer wrongly.
const PATIENCE: u32 = 8;

/// The configuration and the metrics, which no decision depends on.
static INGEST: LazyLock<(Config, Metrics)> = LazyLock::new(|| {
    let document = Document::from_text("sarafan.toml", CONFIG).unwrap();
    let mut errors = ConfigErrors::default();
    let config = Config::read(&document, &mut errors);
    let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{found:?}");
    let config = config.unwrap();
    let metrics = Metrics::register(&Registry::new(), &config.mapping).unwrap();
    (config, metrics)
});

/// How a process of ingest ends.
type Ended = Result<(), EngineError<RelayError<Infallible>>>;

struct Running {
    member: MemberId,
    engine: Polled<Ended>,
    stop: Option<oneshot::Sender<()>>,
}

/// All of ingest.
pub(crate) struct Ingest {
    processes: Vec<Option<Running>>,
    leaving: Vec<MemberId>,
    /// The process that stands still, and for how many steps more.
    pub(crate) frozen: Option<(usize, u32)>,
    /// The process whose client stands still, and for how many steps more.
    pub(crate) deaf: Option<(usize, u32)>,
    pub(crate) accounts: Accounts,
    /// Records that a producer may have on their way.
    room: u32,
    named: bool,
    stream: StreamMetrics,
}

impl Ingest {
    pub(crate) fn new(plant: &crate::process::Plant, random: &mut Rng) -> Self {
        let partitions = TOPICS.map(|_| random.u32(1..=2));
        for (topic, count) in TOPICS.into_iter().zip(partitions) {
            plant.cluster.create_topic(topic, count.cast_signed());
        }
        plant.cluster.create_topic(DEAD_LETTERS, 2);
        if random.bool() {
            plant.cluster.set_protocol(GROUP, Protocol::Eager);
        }
        Self {
            processes: (0..random.u32(1..=2)).map(|_| None).collect(),
            leaving: Vec::new(),
            frozen: None,
            deaf: None,
            accounts: Accounts::new(partitions, plant.partitions),
            room: [1, 4, 20][random.usize(0..3)],
            named: random.bool(),
            stream: StreamMetrics::register(&Registry::new()).unwrap(),
        }
    }

    /// Something less stands still.
    pub(crate) fn thaw(&mut self) {
        for still in [&mut self.frozen, &mut self.deaf] {
            *still = still.map(|(place, left)| (place, left - 1)).filter(|(_, left)| *left > 0);
        }
    }

    fn is_frozen(&self, place: usize) -> bool {
        self.frozen.is_some_and(|(frozen, _)| frozen == place)
    }

    fn start(&self, place: usize, plant: &crate::process::Plant) -> Running {
        let (config, metrics) = &*INGEST;
        let mut settings = config.consumer();
        settings.idle_ms = 500;
        settings.revoke_flush_ms = 5_000;
        settings.max_poll_interval_ms = 20_000;
        settings.channel_batches = 2;
        settings.instance_id = self.named.then(|| format!("ingest-{place}"));
        let process = process(place);
        let made = plant.cluster.consumer(process, settings, &TOPICS, self.stream.clone());
        let (consumer, member) = made.unwrap();
        let producer = plant.cluster.producer(process, self.room, self.stream.clone()).unwrap();
        let relay = relay(config, metrics.clone(), &consumer, producer);
        let (stop, stopped) = oneshot::channel();
        let engine = Polled::new(sarafan_stream::run(relay, consumer, async move { _ = stopped.await }));
        Running { member, engine, stop: Some(stop) }
    }

    pub(crate) fn count(&self) -> usize {
        self.processes.len()
    }
}

fn process(place: usize) -> Process {
    Process(FIRST + u32::try_from(place).unwrap())
}

/// Whether a request is one of ingest's.
pub(crate) fn is_ingest(pending: &Pending) -> bool {
    pending.process.0 >= FIRST
}

impl World {
    /// Lets something happen in ingest.
    pub(crate) fn act_in_ingest(&mut self) -> Result<(), String> {
        let Some(ingest) = &self.ingest else { return Ok(()) };
        let place = self.random.usize(0..ingest.count());
        match self.random.u32(0..10) {
            0 => self.step_ingest(place),
            1 => self.poll_ingest(place)?,
            2..4 => self.answer_ingest(How::Done, |_| true).map(|_| ())?,
            _ => self.ingest_gets_on(place, true)?,
        }
        Ok(())
    }

    fn ingest_gets_on(&mut self, place: usize, with_producing: bool) -> Result<(), String> {
        for _ in 0..self.random.u32(1..12) {
            self.step_ingest(place);
            self.poll_ingest(place)?;
            for pending in self.plant.cluster.pending() {
                let mine = pending.process == process(place) && !pending.abandoned;
                if mine && (with_producing || pending.what != What::Produce) {
                    self.answer_kafka_with(pending, How::Done)?;
                }
            }
        }
        // What it asks for next is asked.
        self.poll_ingest(place)
    }

    pub(crate) fn step_ingest(&mut self, place: usize) {
        let most = self.random.usize(1..20);
        let Some(ingest) = &self.ingest else { return };
        if !ingest.is_frozen(place) && ingest.deaf.is_none_or(|(deaf, _)| deaf != place) {
            if let Some(running) = &ingest.processes[place] {
                self.plant.cluster.step(running.member, most);
            }
            ingest.leaving.iter().for_each(|member| _ = self.plant.cluster.step(*member, 1));
        }
    }

    /// One step of an engine; a process that has ended or died is started again.
    pub(crate) fn poll_ingest(&mut self, place: usize) -> Result<(), String> {
        let Some(ingest) = self.ingest.as_mut().filter(|ingest| !ingest.is_frozen(place)) else {
            return Ok(());
        };
        let Some(running) = &mut ingest.processes[place] else {
            ingest.processes[place] = Some(ingest.start(place, &self.plant));
            return Ok(());
        };
        let Some(ended) = running.engine.poll() else { return Ok(()) };
        let member = running.member;
        ingest.leaving.push(member);
        ingest.processes[place] = None;
        self.tell_trace(&format!("ingest {place} ended: {ended:?}"));
        match ended {
            Ok(()) | Err(EngineError::Stream(_) | EngineError::Handler(RelayError::Stream(_))) => Ok(()),
            Err(EngineError::Handler(fault)) => Err(format!("ingest gave up: {fault}")),
        }
    }

    /// What nobody waits for in Kafka any more does not happen.
    pub(crate) fn leave_ingest(&mut self) {
        let Some(ingest) = &mut self.ingest else { return };
        for member in std::mem::take(&mut ingest.leaving) {
            self.plant.cluster.step(member, 1);
        }
    }

    /// Answers one of ingest's requests that fits.
    fn answer_ingest(&mut self, how: How, fits: impl Fn(&Pending) -> bool) -> Result<bool, String> {
        let pending = self.plant.cluster.pending().into_iter().filter(|p| is_ingest(p) && fits(p));
        let Some(chosen) = self.random.choice(pending.collect::<Vec<_>>()) else { return Ok(false) };
        self.answer_kafka_with(chosen, how).map(|()| true)
    }

    /// Has something go wrong with ingest; false if there is nothing that could.
    pub(crate) async fn fault_in_ingest(&mut self, kind: Kind) -> Result<bool, String> {
        let still = self.a_while();
        let Some(ingest) = &mut self.ingest else { return Ok(false) };
        let place = self.random.usize(0..ingest.count());
        match kind {
            Kind::IngestKill => {
                let Some(running) = ingest.processes[place].take() else { return Ok(false) };
                self.plant.cluster.kill(process(place));
                ingest.leaving.push(running.member);
            }
            Kind::IngestStop => {
                let stop = ingest.processes[place].as_mut().and_then(|running| running.stop.take());
                return Ok(stop.is_some_and(|stop| stop.send(()).is_ok()));
            }
            Kind::IngestFreeze => ingest.frozen = Some((place, still)),
            Kind::IngestDeafen => {
                ingest.deaf = Some((place, still));
                if self.random.bool() {
                    // The group gives up on it.
                    tokio::time::advance(SESSION).await;
                }
            }
            Kind::IngestRebalance => {
                let protocol = if self.random.bool() { Protocol::Eager } else { Protocol::Cooperative };
                self.plant.cluster.begin_rebalance(GROUP, protocol, self.random.usize(0..4));
            }
            Kind::ProduceAnswerLost => return self.answer_produce(How::AnswerLost).await,
            Kind::ProduceRefused => return self.answer_produce(How::Refused).await,
            Kind::ProduceLate => return self.answer_produce(How::Late).await,
            _ => return self.answer_produce(How::Unanswered).await,
        }
        Ok(true)
    }

    /// Something becomes of a record on its way; ingest gets on until there is one, for a while.
    async fn answer_produce(&mut self, how: How) -> Result<bool, String> {
        let fits = |pending: &Pending| {
            pending.what == What::Produce && (how != How::Unanswered || !pending.abandoned)
        };
        if self.answer_ingest(how, fits)? {
            return Ok(true);
        }
        self.tell();
        for _ in 0..PATIENCE {
            if self.answer_ingest(how, fits)? {
                return Ok(true);
            }
            let count = self.ingest.as_ref().map_or(1, Ingest::count);
            let place = self.random.usize(0..count);
            self.ingest_gets_on(place, false)?;
            tokio::time::advance(Duration::from_millis(60)).await;
        }
        self.answer_ingest(how, fits)
    }

    /// Everything that sources said is committed, and nothing is on its way.
    pub(crate) fn ingest_is_done(&self) -> bool {
        self.ingest.as_ref().is_none_or(|ingest| {
            ingest
                .accounts
                .sources()
                .all(|(partition, end)| self.plant.cluster.committed(GROUP, &partition).unwrap_or(0) == end)
                && self.plant.cluster.pending().iter().all(|pending| pending.what != What::Produce)
        })
    }
}

//! A world of processes over one cluster, and a seed that decides what happens next.

use std::time::Duration;

use prometheus::Registry;
use tokio::sync::oneshot;

use super::book::{Book, Clerk, Manner};
use crate::config::ConsumerSettings;
use crate::metrics::StreamMetrics;
use crate::partition::TopicPartition;
use crate::simulated::{Cluster, How, MemberId, Polled, Process, Protocol, Stepped, What, Written};

pub(super) const PARTITIONS: i32 = 3;

pub(super) fn settings() -> ConsumerSettings {
    let mut settings = ConsumerSettings::new("g");
    settings.batch.max_age_ms = 50;
    settings.channel_batches = 2;
    settings
}

/// A runtime of one thread whose clock stands still.
pub(super) fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

pub(super) fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

/// A process that runs one engine. What ends it is told as text.
pub(super) struct Running {
    pub(super) member: MemberId,
    pub(super) engine: Polled<Result<(), String>>,
    pub(super) stop: Option<oneshot::Sender<()>>,
}

/// How a process is started.
pub(super) type Start = Box<dyn FnMut(&Cluster, u32, ConsumerSettings) -> Running>;

/// Processes that run a clerk each.
pub(super) fn clerks(book: &Book, manner: Manner, seed: u64) -> Start {
    let (book, mut random) = (book.clone(), fastrand::Rng::with_seed(seed));
    Box::new(move |cluster, process, settings| {
        let metrics = StreamMetrics::register(&Registry::new()).unwrap();
        let (consumer, member) = cluster.consumer(Process(process), settings, &["t"], metrics).unwrap();
        let revoke = consumer.revoke_pending();
        let clerk = Clerk::new(cluster.clone(), book.clone(), process, manner, random.fork(), revoke);
        let (stop, stopped) = oneshot::channel();
        let run = crate::run(clerk, consumer, async move { _ = stopped.await });
        let engine = Polled::new(async move { run.await.map_err(|error| error.to_string()) });
        Running { member, engine, stop: Some(stop) }
    })
}

/// How rough a world is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    /// Partitions move, and nothing goes wrong.
    Calm,
    /// Everything goes wrong.
    Rough,
}

pub(super) struct World {
    pub(super) cluster: Cluster,
    pub(super) processes: Vec<Running>,
    random: fastrand::Rng,
    weather: Weather,
    start: Start,
    /// Processes with a name of their own in the group.
    named: bool,
    /// Members whose engine has ended: their clients leave the group.
    leaving: Vec<MemberId>,
    /// The process that stands still, and for how many actions more.
    frozen: Option<(usize, u32)>,
    /// Commits may arrive late, or once more: what is committed may go back.
    late: bool,
    /// Records written to the source.
    pub(super) written: u32,
    /// One in so many records is acknowledged and not there.
    pub(super) loses: Option<u32>,
}

impl World {
    pub(super) fn new(seed: u64, weather: Weather, start: Start) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let cluster = Cluster::new();
        cluster.create_topic("t", PARTITIONS);
        cluster.create_topic("out", PARTITIONS);
        if random.bool() {
            cluster.set_protocol("g", Protocol::Eager);
        }
        let (named, late) = (random.bool(), random.bool());
        let mut world = Self {
            cluster,
            processes: Vec::new(),
            random,
            weather,
            start,
            named,
            leaving: Vec::new(),
            frozen: None,
            late,
            written: 0,
            loses: None,
        };
        for process in 0..world.random.u32(1..=3) {
            let running = world.started(process);
            world.processes.push(running);
        }
        world
    }

    fn started(&mut self, process: u32) -> Running {
        let mut settings = settings();
        settings.instance_id = self.named.then(|| format!("member-{process}"));
        (self.start)(&self.cluster, process, settings)
    }

    /// Lets so many things happen.
    pub(super) async fn happen(&mut self, actions: usize) {
        for _ in 0..actions {
            self.act().await;
        }
    }

    async fn act(&mut self) {
        if let Some((_, left)) = &mut self.frozen {
            *left -= 1;
            self.frozen = self.frozen.filter(|(_, left)| *left > 0);
        }
        let rough = self.weather == Weather::Rough;
        match self.random.u32(0..100) {
            0..12 => self.write(),
            12..42 => {
                let place = self.random.usize(0..self.processes.len());
                self.step(place);
            }
            42..44 if !self.leaving.is_empty() => {
                let place = self.random.usize(0..self.leaving.len());
                self.cluster.step(self.leaving[place], 1);
            }
            42..72 => {
                let place = self.random.usize(0..self.processes.len());
                self.poll(place);
            }
            72..84 => self.answer(),
            84..92 => tokio::time::advance(Duration::from_millis(self.random.u64(1..100))).await,
            92..94 => {
                let protocol = if self.random.bool() { Protocol::Eager } else { Protocol::Cooperative };
                self.cluster.begin_rebalance("g", protocol, self.random.usize(0..4));
            }
            94 if rough => self.kill(),
            95 if rough => self.stop(),
            96 if rough => {
                self.frozen = Some((self.random.usize(0..self.processes.len()), self.random.u32(20..200)));
            }
            97 if rough => tokio::time::advance(Duration::from_secs(self.random.u64(1..50))).await,
            98 if rough && !self.late => self.retain(),
            _ => self.write(),
        }
    }

    fn write(&mut self) {
        let partition = partition(self.random.i32(0..PARTITIONS));
        if self.random.u32(0..10) == 0 {
            self.cluster.append_marker(&partition).unwrap();
        }
        for _ in 0..self.random.u32(1..5) {
            self.written += 1;
            let value = Some(self.written.to_string().into_bytes());
            let written = Written { key: value.clone(), value, ..Written::default() };
            self.cluster.append(&partition, written).unwrap();
        }
    }

    fn step(&mut self, place: usize) -> Option<Stepped> {
        if self.frozen.is_some_and(|(frozen, _)| frozen == place) {
            return None;
        }
        let most = self.random.usize(1..20);
        Some(self.cluster.step(self.processes[place].member, most))
    }

    /// One step of an engine; one that has ended is started again.
    fn poll(&mut self, place: usize) {
        if self.frozen.is_some_and(|(frozen, _)| frozen == place) {
            return;
        }
        if let Some(ended) = self.processes[place].engine.poll() {
            if self.weather == Weather::Calm {
                ended.unwrap();
            }
            self.replace(place);
        }
    }

    /// Starts a process again; the client of the one before leaves the group by itself.
    fn replace(&mut self, place: usize) {
        let started = self.started(u32::try_from(place).unwrap());
        let before = std::mem::replace(&mut self.processes[place], started);
        self.leaving.push(before.member);
    }

    fn answer(&mut self) {
        let pending = self.cluster.pending();
        if pending.is_empty() {
            return;
        }
        let pending = pending[self.random.usize(0..pending.len())];
        let how = match self.weather {
            Weather::Calm => How::Done,
            Weather::Rough if self.random.bool() => How::Done,
            Weather::Rough => How::ALL[self.random.usize(0..How::ALL.len())],
        };
        if pending.what == What::Produce && self.loses.is_some_and(|one_in| self.random.u32(0..one_in) == 0) {
            self.cluster.lose(pending.id);
            return;
        }
        let goes_back = matches!(how, How::Late | How::Twice | How::Stale | How::Overslept);
        self.cluster.answer(pending.id, if goes_back && !self.late { How::Done } else { how });
    }

    fn kill(&mut self) {
        let place = self.random.usize(0..self.processes.len());
        let process = u32::try_from(place).unwrap();
        self.cluster.kill(Process(process));
        self.processes[place] = self.started(process);
    }

    fn stop(&mut self) {
        let place = self.random.usize(0..self.processes.len());
        if let Some(stop) = self.processes[place].stop.take() {
            // It may have ended by itself.
            _ = stop.send(());
        }
    }

    /// Retention of what the group is past.
    fn retain(&mut self) {
        let partition = partition(self.random.i32(0..PARTITIONS));
        if let Some(committed) = self.cluster.committed("g", &partition) {
            let back = self.random.i64(0..50);
            self.cluster.delete_before(&partition, committed - back);
        }
    }

    /// Nothing goes wrong any more, and everybody works until all is done.
    pub(super) async fn heal(&mut self) -> Result<(), String> {
        self.weather = Weather::Calm;
        self.frozen = None;
        // Whoever was put out meanwhile ends, and begins again.
        for round in 0..600 {
            // A named member that died between the two rounds of a rebalance left partitions to nobody.
            if round % 100 == 60 {
                self.cluster.begin_rebalance("g", Protocol::Cooperative, 0);
            }
            for member in self.leaving.drain(..) {
                self.cluster.step(member, 1);
            }
            for place in 0..self.processes.len() {
                self.step(place);
                if let Some(ended) = self.processes[place].engine.poll() {
                    if round >= 300 {
                        ended?;
                    }
                    self.replace(place);
                }
            }
            for pending in self.cluster.pending() {
                self.cluster.answer(pending.id, How::Done);
            }
            if round > 60 && self.all_is_committed() {
                return Ok(());
            }
            let step = if round < 60 { 1_000 } else { 50 };
            tokio::time::advance(Duration::from_millis(step)).await;
        }
        Err("it does not heal: not all is committed".to_owned())
    }

    fn all_is_committed(&self) -> bool {
        (0..PARTITIONS).map(partition).all(|partition| {
            let last = self.cluster.records(&partition).pop();
            last.is_none_or(|last| self.cluster.committed("g", &partition) == Some(last.offset + 1))
        })
    }
}

//! An aggregator's process: its keeper in the engine, over the simulated cluster and tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use prometheus::Registry;
use sarafan_aggregator::{
    Chance, ExportedFigures, Fault, Instruments, Keeper, KeeperSettings, Log, Ports, Signs, fingerprint,
};
use sarafan_core::definitions::{Definitions, Epoch};
use sarafan_runtime::health::Health;
use sarafan_store::Backoff;
use sarafan_store::simulated::{Client, Tables};
use sarafan_stream::simulated::{Cluster, MemberId, Polled, Process};
use sarafan_stream::{
    ConsumerSettings, EngineError, PartitionEnds, Pulse, StreamError, StreamMetrics, TopicPartition,
};
use tokio::sync::oneshot;

pub(crate) const TOPIC: &str = "events";
pub(crate) const GROUP: &str = "aggregators";
/// Whose client is silent for longer loses its partitions.
pub(crate) const SESSION: Duration = Duration::from_secs(10);
/// Not 0, so that a version is never a plain position.
pub(crate) const GENERATION: u16 = 3;

/// What all processes of a world share.
pub(crate) struct Plant {
    pub(crate) cluster: Cluster,
    pub(crate) tables: Tables,
    pub(crate) questions: Questions,
    pub(crate) definitions: Arc<Definitions>,
    pub(crate) partitions: u32,
    pub(crate) named: bool,
    /// The group of its processes: a candidate epoch has its own.
    pub(crate) group: &'static str,
    /// The epoch whose entities a candidate begins with.
    pub(crate) copied_from: Option<Epoch>,
    /// What these entities lack of what its definitions read.
    pub(crate) filled_in: BTreeSet<String>,
    registry: Registry,
    random: Arc<Mutex<Rng>>,
    stream: StreamMetrics,
    instruments: Instruments,
    health: Health,
}

/// A process that runs.
pub(crate) struct Running {
    pub(crate) member: MemberId,
    pub(crate) engine: Polled<Result<(), EngineError<Fault>>>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
}

impl Plant {
    pub(crate) fn new(
        cluster: Cluster,
        tables: Tables,
        definitions: Arc<Definitions>,
        partitions: u32,
        random: &mut Rng,
    ) -> Self {
        let registry = Registry::new();
        let settings = keeper_settings(&definitions, partitions);
        let instruments = Instruments::register(&registry, &settings, &[]).unwrap();
        Self {
            cluster,
            tables,
            questions: Questions::default(),
            definitions,
            partitions,
            named: random.bool(),
            group: GROUP,
            copied_from: None,
            filled_in: BTreeSet::new(),
            random: Arc::new(Mutex::new(random.fork())),
            stream: StreamMetrics::register(&registry).unwrap(),
            instruments,
            health: Health::new(&registry).unwrap(),
            registry,
        }
    }

    pub(crate) fn start(&self, process: u32) -> Running {
        let mut settings = ConsumerSettings::new(self.group);
        settings.batch.max_age_ms = 50;
        settings.idle_ms = 500;
        settings.session_timeout_ms = SESSION.as_millis() as u64;
        settings.revoke_flush_ms = 5_000;
        settings.max_poll_interval_ms = 20_000;
        settings.channel_batches = 2;
        settings.instance_id = self.named.then(|| format!("aggregator-{process}"));
        let made = self.cluster.consumer(Process(process), settings, &[TOPIC], self.stream.clone());
        let (consumer, member) = made.unwrap();
        let ports = Ports {
            warehouse: self.client(process),
            log: self.log(process),
            chance: SimulatedChance(Arc::clone(&self.random)),
        };
        let signs = Signs {
            instruments: self.instruments.clone(),
            ready: self.health.condition("partitions"),
            pulse: Pulse::default(),
        };
        let settings = KeeperSettings {
            copied_from: self.copied_from,
            filled_in: self.filled_in.clone(),
            ..keeper_settings(&self.definitions, self.partitions)
        };
        let keeper = Keeper::new(settings, ports, consumer.revoke_pending(), signs);
        let (stop, stopped) = oneshot::channel();
        let engine = Polled::new(sarafan_stream::run(keeper, consumer, async move { _ = stopped.await }));
        Running { member, engine, stop: Some(stop) }
    }

    /// A process's way to the tables.
    pub(crate) fn client(&self, process: u32) -> Client {
        Client { tables: self.tables.clone(), process }
    }

    /// A process's way to the topic.
    pub(crate) fn log(&self, process: u32) -> SimulatedLog {
        SimulatedLog { cluster: self.cluster.clone(), questions: self.questions.clone(), process }
    }

    /// Why partitions are refused at the moment.
    pub(crate) fn refused(&self) -> Vec<String> {
        let families = self.registry.gather();
        let refused = families.iter().filter(|family| family.name() == "sarafan_partition_refused");
        let set = refused.flat_map(|family| family.get_metric()).filter(|m| m.get_gauge().get_value() > 0.0);
        let reasons = set.flat_map(|metric| metric.get_label()).filter(|label| label.name() == "reason");
        reasons.map(|label| label.value().to_owned()).collect()
    }
}

fn keeper_settings(definitions: &Arc<Definitions>, partitions: u32) -> KeeperSettings {
    KeeperSettings {
        definitions: Arc::clone(definitions),
        copied_from: None,
        filled_in: BTreeSet::new(),
        topic: Arc::from(TOPIC),
        generation: GENERATION,
        partitions,
        figures: ExportedFigures { segments: 5, segment_window_days: 7 },
        backoff: Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(2) },
        collect_after: Duration::from_secs(2),
    }
}

pub(crate) fn partition(number: u32) -> TopicPartition {
    TopicPartition::new(TOPIC, number.cast_signed())
}

struct SimulatedChance(Arc<Mutex<Rng>>);

impl Chance for SimulatedChance {
    fn owner(&self) -> Result<u64, Fault> {
        Ok(self.0.lock().unwrap().u64(1..))
    }

    fn spread(&self) -> u64 {
        self.0.lock().unwrap().u64(..)
    }
}

/// Questions to the topic that wait for an answer: whether it may be given.
#[derive(Clone, Default)]
pub(crate) struct Questions(Arc<Mutex<Vec<Question>>>);

/// Who asks, and where the answer goes.
type Question = (u32, oneshot::Sender<bool>);

impl Questions {
    async fn ask(&self, process: u32) -> Result<(), StreamError> {
        let (sender, answered) = oneshot::channel();
        self.0.lock().unwrap().push((process, sender));
        match answered.await {
            Ok(true) => Ok(()),
            _ => Err(StreamError::ThreadEnded),
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        let mut questions = self.0.lock().unwrap();
        questions.retain(|(_, sender)| !sender.is_closed());
        questions.len()
    }

    /// Answers one of those that wait; a refusal ends the process that asked.
    pub(crate) fn answer(&self, place: usize, answered: bool) {
        let (_, sender) = self.0.lock().unwrap().remove(place);
        let _ = sender.send(answered);
    }
}

/// The topic, beside its records.
pub(crate) struct SimulatedLog {
    cluster: Cluster,
    questions: Questions,
    process: u32,
}

impl Log for SimulatedLog {
    async fn fingerprints(&self, offsets: BTreeMap<u16, u64>) -> Result<BTreeMap<u16, u64>, StreamError> {
        self.questions.ask(self.process).await?;
        let found = offsets.into_iter().filter_map(|(number, offset)| {
            let offset = offset.cast_signed();
            let record = self.cluster.first_record(&partition(number.into()), offset)?;
            (record.offset == offset).then(|| (number, fingerprint(&record.as_record())))
        });
        Ok(found.collect())
    }

    async fn ends(&self) -> Result<Vec<PartitionEnds>, StreamError> {
        self.questions.ask(self.process).await?;
        let ends = (0..).map_while(|number| self.cluster.ends(&partition(number)));
        Ok(ends.map(|(low, high)| PartitionEnds { low, high }).collect())
    }
}

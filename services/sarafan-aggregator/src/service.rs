//! The service: two consumers, one of the canonical topic and one of the dead letters, until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use prometheus::Registry;
use sarafan_runtime::service::{Identity, Service};
use sarafan_runtime::shutdown::Shutdown;
use sarafan_store::{Backoff, Store};
use sarafan_stream::{Consumer, Pulse, StreamMetrics};

use crate::chance::SystemChance;
use crate::checking::{self, check_topic};
use crate::config::{Config, epoch_label};
use crate::dead_letters::Index;
use crate::keeper::{Keeper, KeeperSettings, Ports, Signs};
use crate::log::KafkaLog;
use crate::metrics::Instruments;
use crate::watching::Watch;

/// Runs the aggregator until `shutdown` is requested; what was applied is then flushed and committed.
///
/// # Errors
/// A [`Fault`](crate::Fault) or what the Kafka client could not go on with: one line that says what to do.
pub async fn run(config: Config, shutdown: Shutdown) -> anyhow::Result<()> {
    let identity = Identity { role: "aggregator", version: env!("CARGO_PKG_VERSION") };
    let service = Service::start_with(&config.service, &identity, shutdown.clone()).await?;
    // From the first moment on: an aggregator that has no partitions yet is not ready.
    let ready = service.health().condition("partitions");
    let store = Store::new(&config.clickhouse)?;
    let events = config.topics.events.as_str();
    store.check_state().await?;
    let base = checking::base(&store, &config).await?;
    let generation = check_topic(&store, &config.kafka, events).await?;
    let stream = StreamMetrics::register(service.registry())?;
    let beats = pulse(&service, "partitions", &config);
    let consumer =
        Consumer::open(&config.kafka, config.consumer(), &[events], stream)?.with_pulse(beats.clone());
    let settings = KeeperSettings {
        definitions: Arc::new(config.definitions.clone()),
        copied_from: base.epoch,
        filled_in: base.filled_in,
        topic: Arc::from(events),
        generation: generation.generation,
        partitions: generation.partitions,
        figures: config.prometheus,
        backoff: Backoff::default(),
        collect_after: Duration::from_millis(config.aggregator.collect_after_ms),
    };
    let instruments = Instruments::register(service.registry(), &settings, &config.sources)?;
    let watch = Watch {
        store: store.clone(),
        epoch: config.definitions.epoch,
        label: epoch_label(config.definitions.epoch),
        board: instruments.board.clone(),
        metrics: instruments.metrics.clone(),
    };
    let log = KafkaLog { kafka: config.kafka.clone(), topic: Arc::from(events) };
    let ports = Ports { warehouse: store.clone(), log, chance: SystemChance };
    let signs = Signs { instruments, ready, pulse: beats };
    let keeper = Keeper::new(settings, ports, consumer.revoke_pending(), signs);
    let index =
        index_dead_letters(&config, store, pulse(&service, "dead_letters", &config), shutdown.clone());
    let stop = shutdown.clone();
    let aggregate = sarafan_stream::run(keeper, consumer, async move { stop.requested().await });
    // All end when they are told to; the first that fails ends the others.
    let ended = tokio::try_join!(
        async { aggregate.await.context("the aggregator stops") },
        async { index.await.context("the index of dead letters stops") },
        async {
            watch.run(shutdown.clone()).await;
            Ok(())
        },
    )
    .map(|_| ());
    shutdown.request("the aggregator has ended");
    ended
}

/// What a loop beats, so that `/livez` tells whether it still turns.
fn pulse(service: &Service, name: &'static str, config: &Config) -> Pulse {
    let heartbeat = service.health().heartbeat(name, config.service.hung());
    Pulse::new(move || heartbeat.beat())
}

async fn index_dead_letters(
    config: &Config,
    store: Store,
    pulse: Pulse,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let mut settings = config.consumer();
    settings.group = config.aggregator.dead_letters_group();
    // Its gauges would overwrite those of the consumer that matters: they are kept apart and not shown.
    let metrics = StreamMetrics::register(&Registry::new())?;
    let consumer = Consumer::open(&config.kafka, settings, &[config.topics.dead_letters.as_str()], metrics)?
        .with_pulse(pulse.clone());
    sarafan_stream::run(Index::new(store, pulse), consumer, async move { shutdown.requested().await })
        .await?;
    Ok(())
}

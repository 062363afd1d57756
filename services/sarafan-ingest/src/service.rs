//! The service: one consumer of all source topics and one producer, until it is told to stop.

use anyhow::{Context as _, bail};
use sarafan_runtime::service::{Identity, Service};
use sarafan_runtime::shutdown::Shutdown;
use sarafan_stream::{Admin, Consumer, Producer, Pulse, StreamMetrics};
use sarafan_wire::Reason;

use crate::config::Config;
use crate::mapper::relay;
use crate::metrics::Metrics;
use crate::source_lag::SourceLag;

/// Runs ingest until `shutdown` is requested; what was read is then produced, acknowledged and committed.
///
/// # Errors
/// What the Kafka client could not go on with, or a topic that is not there: one line that says what to do.
pub async fn run(config: Config, shutdown: Shutdown) -> anyhow::Result<()> {
    let identity = Identity { role: "ingest", version: env!("CARGO_PKG_VERSION") };
    let service = Service::start_with(&config.service, &identity, shutdown.clone()).await?;
    let ready = service.health().condition("topics");
    check_topics(&config).await?;
    let stream = StreamMetrics::register(service.registry())?;
    let metrics = Metrics::register(service.registry(), &config.mapping)?;
    let topics: Vec<&str> = config.mapping.topics().collect();
    stream.produces(&[&config.topics.events, &config.topics.dead_letters]);
    stream.rejects(&topics, Reason::ALL.map(Reason::code));
    let heartbeat = service.health().heartbeat("records", config.service.hung());
    let consumer = Consumer::open(&config.kafka, config.consumer(), &topics, stream.clone())?
        .with_pulse(Pulse::new(move || heartbeat.beat()));
    let sources = topics.iter().filter_map(|topic| Some((topic, config.mapping.source_of(topic)?)));
    let sources = sources.map(|(topic, source)| ((*topic).to_owned(), source.to_owned()));
    service.registry().register(Box::new(SourceLag::new(consumer.unread(), sources)?))?;
    let producer = Producer::open(&config.kafka, &config.ingest.producer, stream)?;
    let relay = relay(&config, metrics, &consumer, producer);
    ready.ready();
    let ended = sarafan_stream::run(relay, consumer, async { shutdown.requested().await }).await;
    shutdown.request("ingest has ended");
    ended.context("ingest stops")
}

/// All topics must be there: a broker that makes them itself would choose their partitions, and a misspelt source would
/// be read as an empty one.
async fn check_topics(config: &Config) -> anyhow::Result<()> {
    let admin = Admin::open(&config.kafka)?;
    for topic in [&config.topics.events, &config.topics.dead_letters] {
        if admin.describe(topic).await?.is_none() {
            bail!("topic `{topic}` does not exist; run `sarafan migrate`, or correct [topics]");
        }
    }
    let events = &config.topics.events;
    // Who may not ask finds out from the first record that is refused.
    if admin.is_closed(events).await.unwrap_or(false) {
        bail!(
            "topic `{events}` takes no record any more: a later generation follows it; name that one in topics.events, or, if \
             the move was given up, run `sarafan migrate` with this configuration"
        );
    }
    for topic in config.mapping.topics() {
        if admin.describe(topic).await?.is_none() {
            let source = config.mapping.source_of(topic).unwrap_or_default();
            bail!("topic `{topic}` of source `{source}` does not exist; create it, or correct its `topic`");
        }
    }
    Ok(())
}

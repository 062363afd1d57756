//! `sarafan migrate`

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use sarafan_store::{Generation, Store};
use sarafan_stream::{Admin, CreateTopic, Creation};

use super::block_on;
use super::new_generation::{Earlier, new_generation};
use crate::cli::ConfigPath;
use crate::deployment::Deployment;
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  sarafan migrate                          before the first start, and with every new version
  sarafan migrate --create-source-topics   on a development machine that has no sources of its own
  sarafan migrate --new-generation         go on over a canonical topic of another name, with more partitions

Safe to run again: what is there stays, and what people are shown beside the figures ([deployment], [[benchmark]], the
band of a [[survey]]) is from then on what the configuration says. Refuses, and changes no figure, when views show the figures of other
definitions ([metrics], [[survey]], [[dimension]]) than those of the configuration: `sarafan rebuild` takes those over.";

/// Partitions of a source topic that is made for development.
const SOURCE_PARTITIONS: i32 = 3;
/// Room for a record of the largest size that the producer sends (8 MiB), with its key and headers.
const MAX_MESSAGE_BYTES: u64 = 9 * 1024 * 1024;

/// Arguments of `sarafan migrate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Create the topics of the sources too, when they are missing.
    #[arg(long)]
    create_source_topics: bool,
    /// Go on over another canonical topic: the one that topics.events now names. Ingest and aggregators must be stopped.
    #[arg(long, conflicts_with = "create_source_topics")]
    new_generation: bool,
    /// With --new-generation: the earlier topic is gone, and what views lack of it with it.
    #[arg(long, requires = "new_generation")]
    lost: bool,
}

/// Brings everything to this version.
pub(crate) fn run(place: &ConfigPath, arguments: &Arguments) -> anyhow::Result<()> {
    let deployment = Deployment::load(&place.path)?;
    let sources = SourceTopics::wanted(arguments.create_source_topics);
    let done = if arguments.new_generation {
        let earlier = if arguments.lost { Earlier::Lost } else { Earlier::Drained };
        block_on(new_generation(&deployment, earlier))?
    } else {
        block_on(migrate(&deployment, sources))?
    };
    Ok(terminal::say(done.join("\n"))?)
}

/// Whether the topics of the sources are made too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceTopics {
    /// They are the user's: left alone.
    Leave,
    /// Created when missing, for development.
    Create,
}

impl SourceTopics {
    /// As the flag says.
    pub(crate) const fn wanted(create: bool) -> Self {
        if create { Self::Create } else { Self::Leave }
    }
}

/// Does it, and says what was done, a line each.
pub(crate) async fn migrate(deployment: &Deployment, sources: SourceTopics) -> anyhow::Result<Vec<String>> {
    let store = Store::new(&deployment.clickhouse)?;
    let mut done = vec![make_tables(&store).await?];
    // Before anything else is touched: with other definitions nothing of what follows may happen.
    check_live_epoch(deployment, &store).await?;
    done.extend(make_topics(deployment, &store, sources).await?);
    let epoch = deployment.definitions.epoch;
    store.register_epoch(&deployment.definitions).await?;
    store.set_live_epoch(epoch).await?;
    done.push(format!("epoch {epoch}: live"));
    done.push(present(deployment, &store).await?);
    Ok(done)
}

/// Brings tables and views to this version.
pub(crate) async fn make_tables(store: &Store) -> anyhow::Result<String> {
    let migrated = store.migrate().await?;
    if !migrated.later.is_empty() {
        return Ok(format!(
            "tables and views: of a later version (with {}), which this one may work beside; left as they are",
            migrated.later.join(", ")
        ));
    }
    Ok(format!(
        "tables: {} migrations applied, {} before; views: made anew from {} files",
        migrated.applied.len(),
        migrated.before,
        migrated.views.len()
    ))
}

/// Makes the topics that are missing, and registers the generation of the canonical one.
pub(crate) async fn make_topics(
    deployment: &Deployment,
    store: &Store,
    sources: SourceTopics,
) -> anyhow::Result<Vec<String>> {
    let admin = Admin::open(&deployment.kafka)?;
    let mut done = Vec::new();
    for topic in own_topics(deployment)? {
        done.push(create(&admin, &topic).await?);
    }
    if sources == SourceTopics::Create {
        for topic in deployment.mapping.topics() {
            done.push(create(&admin, &source_topic(topic)).await?);
        }
    }
    done.push(register_generation(deployment, store, &admin).await?);
    Ok(done)
}

/// Shows what the configuration says beside the figures.
pub(crate) async fn present(deployment: &Deployment, store: &Store) -> anyhow::Result<String> {
    store.set_presentation(&deployment.presentation).await?;
    let benchmarks = deployment.presentation.benchmarks().count();
    let name = &deployment.presentation.deployment().name;
    Ok(format!("deployment {name}: shown, with {benchmarks} benchmarks"))
}

pub(crate) async fn check_live_epoch(deployment: &Deployment, store: &Store) -> anyhow::Result<()> {
    let configured = deployment.definitions.epoch;
    match store.live_epoch().await? {
        Some(live) if live != configured => bail!(
            "[metrics], [[survey]] and [[dimension]] are those of epoch {configured}, and views show epoch {live}: run \
             `sarafan rebuild`, which builds {configured} beside it and then shows that, or put back the sections that \
             the table {}.epochs holds for {live}",
            store.store_database()
        ),
        _ => Ok(()),
    }
}

/// Registers how many partitions the canonical topic has, or checks that it is what was registered.
async fn register_generation(
    deployment: &Deployment,
    store: &Store,
    admin: &Admin,
) -> anyhow::Result<String> {
    let topic = &deployment.topics.events;
    let info = admin
        .describe(topic)
        .await?
        .with_context(|| format!("topic {topic} was created and is not there"))?;
    let partitions = u32::try_from(info.partitions.len())?;
    let latest = store.every_generation().await?.pop();
    if let Some(other) = latest.filter(|latest| latest.topic != *topic) {
        bail!(
            "views are filled from topic {} (generation {}) and topics.events names {topic}: put the name back, or stop \
             ingest and aggregators and run `sarafan migrate --new-generation`",
            other.topic,
            other.generation
        );
    }
    let Some(latest) = store.generations(topic).await?.pop() else {
        let first = Generation { topic: topic.clone(), generation: 0, partitions, topic_id: String::new() };
        store.register_generation(&first).await?;
        return Ok(format!("topic {topic}: generation 0 with {partitions} partitions"));
    };
    ensure!(
        latest.partitions == partitions,
        "topic {topic} has {partitions} partitions and generation {} was registered with {}: it was grown or made \
         anew, and keys no longer lie where their rows say; restore the topic, or name another in topics.events and run \
         `sarafan migrate --new-generation --lost`",
        latest.generation,
        latest.partitions
    );
    let generation = latest.generation;
    if admin.reopen_topic(topic, MAX_MESSAGE_BYTES).await? {
        return Ok(format!(
            "topic {topic}: generation {generation}, open again after a move that was given up"
        ));
    }
    Ok(format!("topic {topic}: generation {generation} with {partitions} partitions, as before"))
}

/// The canonical topic and the dead letters: kept for ever, because every figure can be computed from them again.
pub(crate) fn own_topics(deployment: &Deployment) -> anyhow::Result<[CreateTopic; 2]> {
    let topics = &deployment.topics;
    let configs: BTreeMap<String, String> = [
        ("cleanup.policy", "delete".to_owned()),
        ("retention.ms", "-1".to_owned()),
        ("max.message.bytes", MAX_MESSAGE_BYTES.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    // A dead letter keeps its record's timestamp, however wrong. Since Kafka 4 a broker refuses one of more than an hour
    // ahead, and what cannot be delivered would stop ingest for good.
    let mut of_dead_letters = configs.clone();
    for key in ["message.timestamp.after.max.ms", "message.timestamp.before.max.ms"] {
        of_dead_letters.insert(key.to_owned(), i64::MAX.to_string());
    }
    let partitions = i32::try_from(topics.partitions).context("topics.partitions")?;
    let replication = Some(i32::try_from(topics.replication).context("topics.replication")?);
    Ok([(&topics.events, configs), (&topics.dead_letters, of_dead_letters)]
        .map(|(name, configs)| CreateTopic { name: name.clone(), partitions, replication, configs }))
}

fn source_topic(name: &str) -> CreateTopic {
    let configs = BTreeMap::from([("retention.ms".to_owned(), "-1".to_owned())]);
    CreateTopic { name: name.to_owned(), partitions: SOURCE_PARTITIONS, replication: None, configs }
}

pub(crate) async fn create(admin: &Admin, topic: &CreateTopic) -> anyhow::Result<String> {
    Ok(match admin.create_topic(topic).await? {
        Creation::Created => format!("topic {}: created with {} partitions", topic.name, topic.partitions),
        Creation::Existed => format!("topic {}: was there", topic.name),
    })
}

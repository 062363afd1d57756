//! Requests about topics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::client;
use crate::config::KafkaConfig;
use crate::error::StreamError;
use crate::group::log_client;
use crate::partition::TopicPartition;
use crate::watermarks::{self, ends};

/// How long one request may take.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Pause between two looks for a topic that was just created.
const CREATION_BACKOFF: Duration = Duration::from_millis(20);

/// Asks and changes what topics there are.
pub struct Admin {
    pub(crate) admin: AdminClient<Quiet>,
    kafka: KafkaConfig,
    /// Asks without ever creating a topic by asking, which a producer's metadata request does on some brokers.
    asking: Arc<BaseConsumer<Quiet>>,
}

/// A topic to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; at least 1.
    pub partitions: i32,
    /// How many copies of each; none leaves it to the brokers' default.
    pub replication: Option<i32>,
    /// Topic-level settings such as `retention.ms`.
    pub configs: BTreeMap<String, String>,
}

/// What asking for a topic to be created led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It was created.
    Created,
    /// It was there already; its partitions and settings are what they were.
    Existed,
}

/// A topic as the brokers know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    /// Its name.
    pub name: String,
    /// The first and last offsets of each partition, in their order; as many as there are partitions.
    pub partitions: Vec<PartitionEnds>,
}

/// The two ends of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionEnds {
    /// The offset of the oldest record.
    pub low: i64,
    /// The offset after the newest record that may be read.
    pub high: i64,
}

impl Admin {
    /// Makes a client. Brokers that cannot be reached are no error here, but in every request.
    ///
    /// # Errors
    ///
    /// [`StreamError::Config`] if the client refuses its settings.
    pub fn open(kafka: &KafkaConfig) -> Result<Self, StreamError> {
        let mut config = client::admin(kafka)?;
        let admin = config.create_with_context(Quiet).map_err(StreamError::config)?;
        config.set("isolation.level", "read_committed");
        let asking = config.create_with_context(Quiet).map_err(StreamError::config)?;
        Ok(Self { admin, kafka: kafka.clone(), asking: Arc::new(asking) })
    }

    /// Creates a topic unless there is one of that name, and waits until the brokers know it.
    ///
    /// # Errors
    ///
    /// [`StreamError::CreateTopic`] with the brokers' reason; [`StreamError::Request`] if they did not answer.
    pub async fn create_topic(&self, topic: &CreateTopic) -> Result<Creation, StreamError> {
        let replication = TopicReplication::Fixed(topic.replication.unwrap_or(-1));
        let mut new = NewTopic::new(&topic.name, topic.partitions, replication);
        for (key, value) in &topic.configs {
            new = new.set(key, value);
        }
        let options = AdminOptions::new()
            .request_timeout(Some(REQUEST_TIMEOUT))
            .operation_timeout(Some(REQUEST_TIMEOUT));
        let answers = self
            .admin
            .create_topics([&new], &options)
            .await
            .map_err(StreamError::request(format!("creating topic `{}`", topic.name)))?;
        match answers.into_iter().next() {
            Some(Ok(_)) => {
                info!(topic = topic.name, partitions = topic.partitions, "topic created");
                self.await_topic(&topic.name).await?;
                Ok(Creation::Created)
            }
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(Creation::Existed),
            Some(Err((_, code))) => {
                Err(StreamError::CreateTopic { topic: topic.name.clone(), reason: code.to_string() })
            }
            None => Err(StreamError::CreateTopic {
                topic: topic.name.clone(),
                reason: "the brokers gave no answer".to_owned(),
            }),
        }
    }

    /// A topic is created before every broker has heard of it and has elected leaders for it.
    async fn await_topic(&self, topic: &str) -> Result<(), StreamError> {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        loop {
            match self.describe(topic).await {
                Ok(Some(_)) => return Ok(()),
                Err(error) if Instant::now() >= deadline => return Err(error),
                Ok(None) if Instant::now() >= deadline => {
                    return Err(StreamError::UnknownTopic { topic: topic.to_owned() });
                }
                Ok(None) | Err(_) => sleep(CREATION_BACKOFF).await,
            }
        }
    }

    /// Deletes a topic with all its records, if there is one of that name.
    ///
    /// # Errors
    ///
    /// [`StreamError::Request`] if the brokers refused or did not answer.
    pub async fn delete_topic(&self, name: &str) -> Result<(), StreamError> {
        let request = || format!("deleting topic `{name}`");
        let options = AdminOptions::new().operation_timeout(Some(REQUEST_TIMEOUT));
        let answers =
            self.admin.delete_topics(&[name], &options).await.map_err(StreamError::request(request()))?;
        match answers.into_iter().next() {
            Some(Err((_, code))) if code != RDKafkaErrorCode::UnknownTopicOrPartition => {
                Err(StreamError::Request { request: request(), source: KafkaError::AdminOp(code) })
            }
            _ => Ok(()),
        }
    }

    /// How many members a consumer group has now; 0 when there is no such group.
    ///
    /// # Errors
    ///
    /// [`StreamError::Request`] if the brokers did not answer.
    pub async fn members(&self, group: &str) -> Result<usize, StreamError> {
        let asking = Arc::clone(&self.asking);
        let name = group.to_owned();
        let count = move || {
            let found = asking.fetch_group_list(Some(&name), REQUEST_TIMEOUT)?;
            Ok(found.groups().iter().filter(|g| g.name() == name).map(|g| g.members().len()).sum())
        };
        tokio::task::spawn_blocking(count)
            .await
            .map_err(|_| StreamError::ThreadEnded)?
            .map_err(StreamError::request(format!("asking about group `{group}`")))
    }

    /// Forgets a consumer group with what it has committed, if there is one of that name. Refused while it has members.
    ///
    /// # Errors
    ///
    /// [`StreamError::Request`] if the brokers refused or did not answer.
    pub async fn delete_group(&self, name: &str) -> Result<(), StreamError> {
        let request = || format!("deleting group `{name}`");
        let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
        let answers =
            self.admin.delete_groups(&[name], &options).await.map_err(StreamError::request(request()))?;
        match answers.into_iter().next() {
            Some(Err((_, code))) if code != RDKafkaErrorCode::GroupIdNotFound => {
                Err(StreamError::Request { request: request(), source: KafkaError::AdminOp(code) })
            }
            _ => Ok(()),
        }
    }

    /// The offsets that a consumer group has committed of a topic, by partition; partitions that it never committed are
    /// not in it, and nothing at all if there is no such topic. Joins no group.
    ///
    /// # Errors
    ///
    /// [`StreamError::Request`] if the brokers did not answer.
    pub async fn committed(&self, group: &str, topic: &str) -> Result<BTreeMap<i32, i64>, StreamError> {
        let Some(info) = self.describe(topic).await? else { return Ok(BTreeMap::new()) };
        let mut config = client::reader(&self.kafka)?;
        config.set("group.id", group);
        let consumer: BaseConsumer<Quiet> = config.create_with_context(Quiet).map_err(StreamError::config)?;
        let partitions: Vec<TopicPartition> =
            (0..info.partitions.len()).map(|p| TopicPartition::new(topic, p as i32)).collect();
        let request = format!("asking what group `{group}` has committed of topic `{topic}`");
        let described = tokio::task::spawn_blocking(move || watermarks::describe(&consumer, &partitions))
            .await
            .map_err(|_| StreamError::ThreadEnded)?
            .map_err(StreamError::request(request))?;
        Ok(described.into_iter().filter_map(|p| Some((p.partition.partition, p.committed?))).collect())
    }

    /// The partitions of a topic and their ends, or none if there is no such topic.
    ///
    /// # Errors
    ///
    /// [`StreamError::Request`] if the brokers did not answer.
    pub async fn describe(&self, topic: &str) -> Result<Option<TopicInfo>, StreamError> {
        let asking = Arc::clone(&self.asking);
        let name = topic.to_owned();
        tokio::task::spawn_blocking(move || describe(&asking, &name))
            .await
            .map_err(|_| StreamError::ThreadEnded)?
            .map_err(StreamError::request(format!("asking about topic `{topic}`")))
    }
}

/// Blocks.
pub(crate) fn describe<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> KafkaResult<Option<TopicInfo>> {
    let metadata = consumer.fetch_metadata(Some(topic), REQUEST_TIMEOUT)?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
    match found.error() {
        None => {}
        Some(
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
            | RDKafkaRespErr::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
        ) => return Ok(None),
        Some(error) => return Err(KafkaError::MetadataFetch(error.into())),
    }
    let partitions: Vec<TopicPartition> =
        (0..found.partitions().len()).map(|partition| TopicPartition::new(topic, partition as i32)).collect();
    let low = ends(consumer, &partitions, rdkafka::Offset::Beginning)?;
    let high = ends(consumer, &partitions, rdkafka::Offset::End)?;
    let partitions = low.into_iter().zip(high).map(|(low, high)| PartitionEnds { low, high }).collect();
    Ok(Some(TopicInfo { name: topic.to_owned(), partitions }))
}

/// A context that only forwards the log.
pub(crate) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_client(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        warn!(%error, reason, "kafka client");
    }
}

impl ConsumerContext for Quiet {}

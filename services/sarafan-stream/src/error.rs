//! What can go wrong in the engine, and the stable name of each for metrics.

use rdkafka::error::KafkaError;

use crate::config::is_secret;
use crate::partition::TopicPartition;

/// A failure of the Kafka side. None of them is skipped over: the process stops, or the caller decides.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The client refused its configuration.
    #[error("the Kafka client refused its configuration: {source}; correct [kafka] or its `properties`")]
    Config {
        /// The client's own words.
        #[source]
        source: KafkaError,
    },
    /// The subscription or the group membership failed for good.
    #[error("the consumer of group `{group}` cannot go on: {source}; {advice}")]
    Consumer {
        /// The consumer group.
        group: String,
        /// The client's own words.
        #[source]
        source: KafkaError,
        /// What to do.
        advice: &'static str,
    },
    /// A partition's next record is no longer, or not yet, in the topic.
    #[error(
        "{partition}: the group is to go on at offset {wanted}, but the topic holds {low}..{high}; records were deleted \
         or the topic was recreated: move the group's offsets to accept the gap"
    )]
    OffsetOutOfRange {
        /// The partition.
        partition: TopicPartition,
        /// The offset wanted.
        wanted: i64,
        /// Oldest offset of the topic.
        low: i64,
        /// Offset after the newest record.
        high: i64,
    },
    /// The group never committed this partition and the policy says to refuse.
    #[error(
        "{partition}: the group has no committed offset and may not choose one; commit one, or allow a first start"
    )]
    NoCommittedOffset {
        /// The partition.
        partition: TopicPartition,
    },
    /// A produced record was not acknowledged. What it came from must be read again, hence the process stops.
    #[error(
        "a record for topic `{topic}` was not delivered: {source}; check the topic and the brokers, then start again"
    )]
    Delivery {
        /// The topic it was meant for.
        topic: String,
        /// The client's own words.
        #[source]
        source: KafkaError,
    },
    /// A topic that was asked for does not exist.
    #[error("topic `{topic}` does not exist; create it or correct its name in the configuration")]
    UnknownTopic {
        /// The topic.
        topic: String,
    },
    /// A request to the brokers failed.
    #[error("{request} failed: {source}; check that the brokers in [kafka] can be reached")]
    Request {
        /// What was asked.
        request: String,
        /// The client's own words.
        #[source]
        source: KafkaError,
    },
    /// The brokers refused to create a topic.
    #[error("topic `{topic}` could not be created: {reason}")]
    CreateTopic {
        /// The topic.
        topic: String,
        /// The broker's reason.
        reason: String,
    },
    /// The polling thread ended without being asked to.
    #[error("the polling thread ended unexpectedly; the log above says why")]
    ThreadEnded,
    /// The operating system refused to start a thread.
    #[error("the polling thread could not be started: {0}")]
    Thread(#[source] std::io::Error),
    /// The handler asked for a start position of a partition that it was not asked about, or left one out.
    #[error(
        "{partition}: the handler must give exactly one start offset for every partition it was asked about"
    )]
    StartMissing {
        /// The partition.
        partition: TopicPartition,
    },
    /// The last flush did not end in time.
    #[error("the last flush did not end within {limit_ms} ms; what it had not written will be read again")]
    DrainTimeout {
        /// How long it had, in milliseconds.
        limit_ms: u64,
    },
    /// A metric could not be registered.
    #[error("metrics could not be registered: {0}")]
    Metrics(#[from] prometheus::Error),
}

impl StreamError {
    /// The client refused its configuration. It quotes the value that it does not like, which may be a secret.
    pub(crate) fn config(refused: KafkaError) -> Self {
        let source = match refused {
            KafkaError::ClientConfig(result, problem, key, value) if is_secret(&key) => {
                KafkaError::ClientConfig(result, problem.replace(&value, "***"), key, "***".to_owned())
            }
            other => other,
        };
        Self::Config { source }
    }

    /// The stable snake_case name of this kind of failure, for metric labels.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Config { .. } => "config",
            Self::Consumer { .. } => "consumer",
            Self::OffsetOutOfRange { .. } => "offset_out_of_range",
            Self::NoCommittedOffset { .. } => "no_committed_offset",
            Self::Delivery { .. } => "delivery",
            Self::UnknownTopic { .. } => "unknown_topic",
            Self::Request { .. } => "request",
            Self::CreateTopic { .. } => "create_topic",
            Self::ThreadEnded => "thread_ended",
            Self::Thread(_) => "thread",
            Self::StartMissing { .. } => "start_missing",
            Self::DrainTimeout { .. } => "drain_timeout",
            Self::Metrics(_) => "metrics",
        }
    }

    /// A failed request, named for the reader of the log.
    pub(crate) fn request(request: impl Into<String>) -> impl FnOnce(KafkaError) -> Self {
        let request = request.into();
        move |source| Self::Request { request, source }
    }
}

/// Why [`run`](crate::run) ended: the Kafka side failed, or the handler did.
#[derive(Debug, thiserror::Error)]
pub enum EngineError<E: std::error::Error + 'static> {
    /// The Kafka side failed.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The handler gave an error; the engine treats every one as fatal.
    #[error("the handler failed: {0}")]
    Handler(#[source] E),
}

impl<E: std::error::Error> EngineError<E> {
    /// The stable snake_case name of this kind of failure, for metric labels.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stream(error) => error.kind(),
            Self::Handler(_) => "handler",
        }
    }
}

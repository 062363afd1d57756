//! Why the aggregator stops. Each is one line that says what to do.

use sarafan_core::ShardError;
use sarafan_core::tenure::Refusal;
use sarafan_store::StoreError;
use sarafan_stream::StreamError;
use sarafan_wire::AvroError;
use thiserror::Error;

/// A fault that ends the process: what it holds is in Kafka and ClickHouse, nothing is lost by stopping.
#[derive(Debug, Error)]
pub enum Fault {
    /// ClickHouse refused for good.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Kafka could not be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// What was read does not add up.
    #[error("partition {partition} is refused: {refusal}")]
    Refused {
        /// The partition.
        partition: u16,
        /// Why, and the way out.
        refusal: Refusal,
    },
    /// The shard was handed something that it may not fold.
    #[error("partition {partition}: {error}")]
    Shard {
        /// The partition.
        partition: u16,
        /// Why.
        error: ShardError,
    },
    /// The engine fed a partition that was never taken.
    #[error(
        "a record of partition {partition} came before the partition was taken; this is a bug, please report it"
    )]
    NotHeld {
        /// The partition.
        partition: u16,
    },
    /// A record of the canonical topic that this version cannot read.
    #[error(
        "{topic}/{partition} offset {offset} is no canonical event: {error}; a newer sarafan wrote it (upgrade this one \
         first), or something else writes to the topic"
    )]
    Unreadable {
        /// The canonical topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
        /// Why.
        error: AvroError,
    },
    /// The definitions of the configuration are not the ones that views show.
    #[error(
        "the configuration's definitions are epoch {configured}, which is not registered, and the live epoch is {live}; run \
         `sarafan rebuild` with this configuration, or restore the definitions"
    )]
    OtherEpoch {
        /// Epoch of the configuration.
        configured: String,
        /// The live epoch, or `none`.
        live: String,
    },
    /// The canonical topic is not the one that was registered.
    #[error(
        "topic {topic} has {found} partitions and generation {generation} was registered with {registered}: it was grown \
         or recreated; restore it, or start over from the sources (RUNBOOK, SarafanPartitionRefused)"
    )]
    OtherTopic {
        /// The canonical topic.
        topic: String,
        /// Its partitions now.
        found: usize,
        /// The latest registered generation.
        generation: u16,
        /// Its partitions.
        registered: u32,
    },
    /// A candidate would be folded from a topic that does not hold everything.
    #[error(
        "the definitions are to be folded from the topic's start, and topic {topic} (generation {generation}) holds only what \
         came after an earlier topic: leave out `--from topic`, and dimensions of fields that entities do not hold, or \
         start over from the sources in new databases"
    )]
    EarlierTopic {
        /// The canonical topic.
        topic: String,
        /// Its generation.
        generation: u16,
    },
    /// The ledger speaks of another generation of the canonical topic.
    #[error(
        "topic {topic} is generation {generation} and the ledger is of generation {ledger}: name the topic of the later one \
         in topics.events; if that is {topic}, run `sarafan migrate --new-generation` to its end"
    )]
    OtherGeneration {
        /// The canonical topic of the configuration.
        topic: String,
        /// Its generation.
        generation: u16,
        /// The generation of the ledger.
        ledger: u16,
    },
    /// `sarafan migrate` has not run.
    #[error("topic {topic} has no registered generation; run `sarafan migrate` first")]
    NotMigrated {
        /// The canonical topic.
        topic: String,
    },
    /// The operating system gives no random numbers.
    #[error("no random numbers for an owner id: {0}")]
    Random(getrandom::Error),
}

impl Fault {
    /// The label of the fault in metrics and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Store(error) => error.kind(),
            Self::Stream(error) => error.kind(),
            Self::Refused { refusal, .. } => refusal.kind(),
            Self::Shard { error, .. } => error.kind(),
            Self::NotHeld { .. } => "not_held",
            Self::Unreadable { .. } => "unreadable",
            Self::OtherEpoch { .. } => "other_epoch",
            Self::OtherTopic { .. } => "other_topic",
            Self::EarlierTopic { .. } => "earlier_topic",
            Self::OtherGeneration { .. } => "other_generation",
            Self::NotMigrated { .. } => "not_migrated",
            Self::Random(_) => "random",
        }
    }
}

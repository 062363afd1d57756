-- Control tables: who owns a partition up to which offset, what the rows mean, which rows views show (DESIGN 2).

CREATE DATABASE IF NOT EXISTS {store};

CREATE DATABASE IF NOT EXISTS {views};

CREATE TABLE IF NOT EXISTS {store}.migrations
(
    number UInt32 COMMENT 'Number of the migration, from its file name',
    name String COMMENT 'Name of the migration, from its file name' CODEC(ZSTD(1)),
    checksum UInt64 COMMENT 'xxh3 of the file as shipped: an applied migration never changes',
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When it was applied' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY number
COMMENT 'Migrations that were applied to this database';

CREATE TABLE IF NOT EXISTS {store}.ledger
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    generation UInt16 COMMENT 'Generation of the canonical topic that position counts in',
    partition UInt16 COMMENT 'Partition of the canonical topic',
    term UInt32 COMMENT 'Number of the ownership of the partition, one more at each taking',
    owner UInt64 COMMENT 'Random id of the owner of the term',
    sequence UInt64 COMMENT 'Version of the row within its term: 0 for the claim, then one more per batch built' CODEC(Delta, ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the term was claimed; rows of another count for nobody',
    live Bool COMMENT 'Whether views may show the term: false from the claim until all its cells are written',
    position UInt64 COMMENT 'Next offset to read: all before it is in the tables',
    last_record UInt64 COMMENT 'Fingerprint of the record before the position, 0 for none: another topic of the same name has another',
    entities UInt64 COMMENT 'Number of entity rows of the partition',
    tables Array(String) COMMENT 'Names of the tables that positions and highest speak of, in the same order' CODEC(ZSTD(1)),
    positions Array(UInt64) COMMENT 'Per table: the position up to which it is complete',
    highest Array(UInt64) COMMENT 'Per table: the highest row version that was acknowledged',
    written_at DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When the row was written' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(sequence)
ORDER BY (epoch, partition, term, owner)
COMMENT 'Terms of the partitions and how far each has come (DESIGN 2.4, 2.5)';

CREATE TABLE IF NOT EXISTS {store}.epochs
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    sequence UInt64 COMMENT 'Version of the row' CODEC(Delta, ZSTD(1)),
    definitions String COMMENT 'The resolved sections, as JSON' CODEC(ZSTD(1)),
    timezone String COMMENT 'IANA name of the reporting time zone: whose calendar days the figures speak of' CODEC(ZSTD(1)),
    windows Array(UInt16) COMMENT 'Rolling windows of NPS, in days',
    response_horizon_days UInt16 COMMENT 'Days after which an unanswered invitation is no longer pending',
    count_zero_amount Bool COMMENT 'Whether an order of amount zero counts',
    merge_same_day Bool COMMENT 'Whether two purchases of a customer on one day are one',
    headline_survey String COMMENT 'The survey that customer rows speak of; empty when none is declared' CODEC(ZSTD(1)),
    surveys Array(String) COMMENT 'Declared surveys' CODEC(ZSTD(1)),
    survey_kinds Array(String) COMMENT 'Kind of each of surveys, in the same order: relational, transactional or other' CODEC(ZSTD(1)),
    survey_scales Array(String) COMMENT 'Scale of each of surveys, in the same order: 0-10 or other' CODEC(ZSTD(1)),
    dimensions Array(String) COMMENT 'Declared dimensions, without all' CODEC(ZSTD(1)),
    dimension_kinds Array(String) COMMENT 'Kind of each of dimensions, in the same order: customer, order or response' CODEC(ZSTD(1)),
    registered_at DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When the epoch was registered' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(sequence)
ORDER BY epoch
COMMENT 'Registered epochs: what the rows of each mean (DESIGN 2, Epochs)';

CREATE TABLE IF NOT EXISTS {store}.live_epoch
(
    slot UInt8 DEFAULT 0 COMMENT 'Always 0: the table holds one row',
    sequence UInt64 COMMENT 'Version of the row' CODEC(Delta, ZSTD(1)),
    epoch UInt64 COMMENT 'The epoch that every view shows'
)
ENGINE = ReplacingMergeTree(sequence)
ORDER BY slot
COMMENT 'The live epoch: one row switches every view';

CREATE TABLE IF NOT EXISTS {store}.incarnations
(
    slot UInt8 DEFAULT 0 COMMENT 'Always 0: the table holds one row',
    sequence UInt64 COMMENT 'Version of the row' CODEC(Delta, ZSTD(1)),
    incarnation UInt64 COMMENT 'Id of the store since it was created or restored from a backup'
)
ENGINE = ReplacingMergeTree(sequence)
ORDER BY slot
COMMENT 'The incarnation of the store: terms of another are shown to nobody (DESIGN 2.6)';

CREATE TABLE IF NOT EXISTS {store}.generations
(
    topic LowCardinality(String) COMMENT 'Canonical topic',
    generation UInt16 COMMENT 'Its generation: the upper 16 bits of every row version',
    partitions UInt32 COMMENT 'Number of its partitions',
    topic_id String COMMENT 'Id that Kafka gave the topic; empty when unknown' CODEC(ZSTD(1)),
    registered_at DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When the generation was registered' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(registered_at)
ORDER BY (topic, generation)
COMMENT 'Generations of the canonical topic (DESIGN 2, Topic generations)';

CREATE TABLE IF NOT EXISTS {store}.arrivals
(
    source LowCardinality(String) COMMENT 'Configured source',
    partition UInt16 COMMENT 'Partition of the canonical topic',
    last_event_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Latest event time among its records' CODEC(Delta, ZSTD(1)),
    last_received_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When its latest record reached the broker of the source topic' CODEC(Delta, ZSTD(1)),
    records UInt64 COMMENT 'Records applied',
    version UInt64 COMMENT 'Version of the row: topic generation << 48 | offset' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (source, partition)
COMMENT 'What arrived from each source, per partition (freshness; speaks of arrival, not of events)';

CREATE TABLE IF NOT EXISTS {store}.dead_letters
(
    dlq_partition Int32 COMMENT 'Partition of the dead-letter topic',
    dlq_offset Int64 COMMENT 'Offset in the dead-letter topic' CODEC(T64, ZSTD(1)),
    at DateTime64(6, 'UTC') COMMENT 'Timestamp of the record, which its dead letter keeps' CODEC(Delta, ZSTD(1)),
    source LowCardinality(String) COMMENT 'Configured source',
    topic LowCardinality(String) COMMENT 'Source topic',
    partition Int32 COMMENT 'Partition of the source topic',
    offset Int64 COMMENT 'Offset in the source topic' CODEC(T64, ZSTD(1)),
    reason LowCardinality(String) COMMENT 'Stable snake_case reason of the rejection',
    stage LowCardinality(String) COMMENT 'Where it was rejected: decode, map, validate',
    message String COMMENT 'What was wrong, for a person' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (dlq_partition, dlq_offset)
COMMENT 'Metadata of each dead letter; the bytes stay in the dead-letter topic';

-- The cells of NPS, ordered by day before segment and in small granules: a view reads the days of its window, of all segments of a
-- dimension, and no others. At a million answers and 200 stores that is a thirtieth of the rows.
--
-- The tables are made anew and empty: a copy would miss what a running aggregator writes meanwhile. Every aggregator that
-- starts writes all its cells under a new term; until then views of NPS show nothing, which is not wrong.

DROP TABLE IF EXISTS {store}.nps_scores;

CREATE TABLE IF NOT EXISTS {store}.nps_scores
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    partition UInt16 COMMENT 'Partition of the canonical topic whose customers the cell sums',
    term UInt32 COMMENT 'Term under which the cell was written',
    owner UInt64 COMMENT 'Owner of the term',
    marker Bool COMMENT 'The row that makes the term live in this table, all keys default; otherwise a cell',
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    survey LowCardinality(String) COMMENT 'Survey; surveys are never pooled',
    day Date COMMENT 'Day of the answer' CODEC(Delta, ZSTD(1)),
    score Int8 COMMENT 'Score 0..10; -1: answered without a score',
    responses Int64 COMMENT 'Answers' CODEC(T64, ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the row was written',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, partition, term, owner, marker, dimension, survey, day, segment, score)
SETTINGS index_granularity = 1024
COMMENT 'Answers per day and score (METRICS 2)';

DROP TABLE IF EXISTS {store}.nps_windows;

CREATE TABLE IF NOT EXISTS {store}.nps_windows
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    partition UInt16 COMMENT 'Partition of the canonical topic whose customers the cell sums',
    term UInt32 COMMENT 'Term under which the cell was written',
    owner UInt64 COMMENT 'Owner of the term',
    marker Bool COMMENT 'The row that makes the term live in this table, all keys default; otherwise a cell',
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    survey LowCardinality(String) COMMENT 'Survey; surveys are never pooled',
    population LowCardinality(String) COMMENT 'customers (latest answer per customer) or orders (latest answer per order)',
    window_days UInt16 COMMENT 'Length W of the rolling window in days',
    day Date COMMENT 'Day of the change' CODEC(Delta, ZSTD(1)),
    detractors Int64 COMMENT 'Detractors who enter (+1) or leave (-1) the window on the day' CODEC(T64, ZSTD(1)),
    passives Int64 COMMENT 'Passives who enter or leave the window on the day' CODEC(T64, ZSTD(1)),
    promoters Int64 COMMENT 'Promoters who enter or leave the window on the day' CODEC(T64, ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the row was written',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, partition, term, owner, marker, dimension, window_days, population, survey, day, segment)
SETTINGS index_granularity = 1024
COMMENT 'Daily differences of who is in a rolling window: the sum up to a day is the window that ends on it (METRICS 2)';

DROP TABLE IF EXISTS {store}.nps_invitations;

CREATE TABLE IF NOT EXISTS {store}.nps_invitations
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    partition UInt16 COMMENT 'Partition of the canonical topic whose customers the cell sums',
    term UInt32 COMMENT 'Term under which the cell was written',
    owner UInt64 COMMENT 'Owner of the term',
    marker Bool COMMENT 'The row that makes the term live in this table, all keys default; otherwise a cell',
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    survey LowCardinality(String) COMMENT 'Survey; surveys are never pooled',
    day Date COMMENT 'Day of the invitation' CODEC(Delta, ZSTD(1)),
    invited Int64 COMMENT 'Invitations, reminders not counted' CODEC(T64, ZSTD(1)),
    delivered Int64 COMMENT 'Of these, delivered' CODEC(T64, ZSTD(1)),
    answered Int64 COMMENT 'Of the delivered, answered with a score' CODEC(T64, ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the row was written',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, partition, term, owner, marker, dimension, survey, day, segment)
SETTINGS index_granularity = 1024
COMMENT 'Invitations per day (METRICS 2)';

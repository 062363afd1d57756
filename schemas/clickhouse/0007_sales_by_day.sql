-- The cells of daily sales, ordered by day before segment and in small granules, as those of NPS (0006): a panel of a quarter reads
-- the days of the quarter. Made anew and empty for the same reason: every aggregator that starts writes all its cells.

DROP TABLE IF EXISTS {store}.sales_daily;

CREATE TABLE IF NOT EXISTS {store}.sales_daily
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    partition UInt16 COMMENT 'Partition of the canonical topic whose customers the cell sums',
    term UInt32 COMMENT 'Term under which the cell was written',
    owner UInt64 COMMENT 'Owner of the term',
    marker Bool COMMENT 'The row that makes the term live in this table, all keys default; otherwise a cell',
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    day Date COMMENT 'Day of the order; of the refund for refunds_booked' CODEC(Delta, ZSTD(1)),
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    orders Int64 COMMENT 'Counted orders' CODEC(T64, ZSTD(1)),
    purchases Int64 COMMENT 'Purchases' CODEC(T64, ZSTD(1)),
    new_customers Int64 COMMENT 'First orders of customers' CODEC(T64, ZSTD(1)),
    guests Int64 COMMENT 'Orders of guests' CODEC(T64, ZSTD(1)),
    gross Decimal(38, 4) COMMENT 'Sum of amounts' CODEC(ZSTD(1)),
    refunded Decimal(38, 4) COMMENT 'Refunds of the day\'s orders' CODEC(ZSTD(1)),
    revenue Decimal(38, 4) COMMENT 'gross - refunded' CODEC(ZSTD(1)),
    margin Decimal(38, 4) COMMENT 'Margin after refunds' CODEC(ZSTD(1)),
    refunds_booked Decimal(38, 4) COMMENT 'Refunds given back on the day' CODEC(ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the row was written',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, partition, term, owner, marker, dimension, day, segment, currency)
SETTINGS index_granularity = 1024
COMMENT 'Orders and money per day (METRICS 1)';

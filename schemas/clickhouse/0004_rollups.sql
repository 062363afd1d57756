-- Rollups: cells of exact integers per partition and term (DESIGN 2.2, 2.5). Views show, per partition, the cells of the highest
-- term with a marker row in the same table, and hide cells that are zero. The key starts with what every view fixes, so that
-- a filter on dimension and segment goes on pruning within each of the few live terms.

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
ORDER BY (epoch, partition, term, owner, marker, dimension, segment, survey, day, score)
COMMENT 'Answers per day and score (METRICS 2)';

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
ORDER BY (epoch, partition, term, owner, marker, dimension, segment, survey, population, window_days, day)
COMMENT 'Daily differences of who is in a rolling window: the sum up to a day is the window that ends on it (METRICS 2)';

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
ORDER BY (epoch, partition, term, owner, marker, dimension, segment, survey, day)
COMMENT 'Invitations per day (METRICS 2)';

CREATE TABLE IF NOT EXISTS {store}.gaps_closed
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    partition UInt16 COMMENT 'Partition of the canonical topic whose customers the cell sums',
    term UInt32 COMMENT 'Term under which the cell was written',
    owner UInt64 COMMENT 'Owner of the term',
    marker Bool COMMENT 'The row that makes the term live in this table, all keys default; otherwise a cell',
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    step UInt32 COMMENT 'Step k: from the k-th to the next purchase',
    gap_days UInt32 COMMENT 'Whole days between the two',
    customers Int64 COMMENT 'Customers' CODEC(T64, ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the row was written',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, partition, term, owner, marker, dimension, segment, step, gap_days)
COMMENT 'Closed gaps between purchases (METRICS 3)';

CREATE TABLE IF NOT EXISTS {store}.gaps_open
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    partition UInt16 COMMENT 'Partition of the canonical topic whose customers the cell sums',
    term UInt32 COMMENT 'Term under which the cell was written',
    owner UInt64 COMMENT 'Owner of the term',
    marker Bool COMMENT 'The row that makes the term live in this table, all keys default; otherwise a cell',
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    step UInt32 COMMENT 'Step k: the latest purchase is the k-th',
    day Date COMMENT 'Day of the latest purchase' CODEC(Delta, ZSTD(1)),
    customers Int64 COMMENT 'Customers' CODEC(T64, ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the row was written',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, partition, term, owner, marker, dimension, segment, step, day)
COMMENT 'Customers whose k-th purchase is their latest, by its day (METRICS 3)';

CREATE TABLE IF NOT EXISTS {store}.repeat_flow
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    partition UInt16 COMMENT 'Partition of the canonical topic whose customers the cell sums',
    term UInt32 COMMENT 'Term under which the cell was written',
    owner UInt64 COMMENT 'Owner of the term',
    marker Bool COMMENT 'The row that makes the term live in this table, all keys default; otherwise a cell',
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    month Date COMMENT 'First day of the month' CODEC(Delta, ZSTD(1)),
    step UInt32 COMMENT 'k of the k-th purchase',
    purchases Int64 COMMENT 'Purchases of the month that were somebody\'s k-th' CODEC(T64, ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the row was written',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, partition, term, owner, marker, dimension, segment, month, step)
COMMENT 'Purchases per month by their place in the customer\'s life (METRICS 3)';

CREATE TABLE IF NOT EXISTS {store}.activity
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    partition UInt16 COMMENT 'Partition of the canonical topic whose customers the cell sums',
    term UInt32 COMMENT 'Term under which the cell was written',
    owner UInt64 COMMENT 'Owner of the term',
    marker Bool COMMENT 'The row that makes the term live in this table, all keys default; otherwise a cell',
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    month Date COMMENT 'First day of the month' CODEC(Delta, ZSTD(1)),
    new Int64 COMMENT 'Customers with their first purchase' CODEC(T64, ZSTD(1)),
    returning Int64 COMMENT 'Customers who bought the month before too' CODEC(T64, ZSTD(1)),
    reactivated Int64 COMMENT 'Customers who bought earlier, not the month before' CODEC(T64, ZSTD(1)),
    lapsed Int64 COMMENT 'Customers who bought the month before, not in this one; the month may lie in the future' CODEC(T64, ZSTD(1)),
    repeat Int64 COMMENT 'Active customers with at least two purchases by the end of the month' CODEC(T64, ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the row was written',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, partition, term, owner, marker, dimension, segment, month)
COMMENT 'Customers per month by what they did (METRICS 3)';

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
ORDER BY (epoch, partition, term, owner, marker, dimension, segment, day, currency)
COMMENT 'Orders and money per day (METRICS 1)';

CREATE TABLE IF NOT EXISTS {store}.ltv
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    partition UInt16 COMMENT 'Partition of the canonical topic whose customers the cell sums',
    term UInt32 COMMENT 'Term under which the cell was written',
    owner UInt64 COMMENT 'Owner of the term',
    marker Bool COMMENT 'The row that makes the term live in this table, all keys default; otherwise a cell',
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    customers Int64 COMMENT 'Customers with a counted order' CODEC(T64, ZSTD(1)),
    orders Int64 COMMENT 'Counted orders' CODEC(T64, ZSTD(1)),
    purchases Int64 COMMENT 'Purchases' CODEC(T64, ZSTD(1)),
    months_487 Int64 COMMENT 'Sum of lifetimes in 1/487 month' CODEC(T64, ZSTD(1)),
    gross Decimal(38, 4) COMMENT 'Sum of amounts' CODEC(ZSTD(1)),
    refunded Decimal(38, 4) COMMENT 'Refunds, those that name no order included' CODEC(ZSTD(1)),
    revenue Decimal(38, 4) COMMENT 'gross - refunded' CODEC(ZSTD(1)),
    margin Decimal(38, 4) COMMENT 'Margin after refunds' CODEC(ZSTD(1)),
    refund_only Decimal(38, 4) COMMENT 'Refunds of customers without a counted order; only in the cell of all; not in revenue' CODEC(ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the row was written',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, partition, term, owner, marker, dimension, segment, currency)
COMMENT 'Sums behind lifetime value (METRICS 4)';

CREATE TABLE IF NOT EXISTS {store}.value_at_age
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    partition UInt16 COMMENT 'Partition of the canonical topic whose customers the cell sums',
    term UInt32 COMMENT 'Term under which the cell was written',
    owner UInt64 COMMENT 'Owner of the term',
    marker Bool COMMENT 'The row that makes the term live in this table, all keys default; otherwise a cell',
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    age_days UInt16 COMMENT 'Age: 90, 180, 365 or 730 days after the first order',
    first_day Date COMMENT 'Day of the first order' CODEC(Delta, ZSTD(1)),
    customers Int64 COMMENT 'Customers' CODEC(T64, ZSTD(1)),
    revenue Decimal(38, 4) COMMENT 'Their revenue within age_days of the first order' CODEC(ZSTD(1)),
    margin Decimal(38, 4) COMMENT 'Their margin within age_days of the first order' CODEC(ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the row was written',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, partition, term, owner, marker, dimension, segment, currency, age_days, first_day)
COMMENT 'Value at the same age, by day of the first order, so that views can leave out who is too young (METRICS 4)';

CREATE TABLE IF NOT EXISTS {store}.ltv_yearly
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    partition UInt16 COMMENT 'Partition of the canonical topic whose customers the cell sums',
    term UInt32 COMMENT 'Term under which the cell was written',
    owner UInt64 COMMENT 'Owner of the term',
    marker Bool COMMENT 'The row that makes the term live in this table, all keys default; otherwise a cell',
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    year UInt16 COMMENT 'Calendar year of purchase',
    cohort_year UInt16 COMMENT 'Calendar year of the first order',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    customers Int64 COMMENT 'Customers who bought' CODEC(T64, ZSTD(1)),
    orders Int64 COMMENT 'Purchases' CODEC(T64, ZSTD(1)),
    revenue Decimal(38, 4) COMMENT 'Revenue' CODEC(ZSTD(1)),
    margin Decimal(38, 4) COMMENT 'Margin' CODEC(ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the row was written',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, partition, term, owner, marker, dimension, segment, year, cohort_year, currency)
COMMENT 'Money by year of purchase and cohort year (METRICS 4)';

CREATE TABLE IF NOT EXISTS {store}.core_customers
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    partition UInt16 COMMENT 'Partition of the canonical topic whose customers the cell sums',
    term UInt32 COMMENT 'Term under which the cell was written',
    owner UInt64 COMMENT 'Owner of the term',
    marker Bool COMMENT 'The row that makes the term live in this table, all keys default; otherwise a cell',
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    years_bought UInt16 COMMENT 'Number of calendar years with a purchase',
    customers Int64 COMMENT 'Customers' CODEC(T64, ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the row was written',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, partition, term, owner, marker, dimension, segment, years_bought)
COMMENT 'Customers by number of calendar years bought in (METRICS 4)';

CREATE TABLE IF NOT EXISTS {store}.cohorts
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    partition UInt16 COMMENT 'Partition of the canonical topic whose customers the cell sums',
    term UInt32 COMMENT 'Term under which the cell was written',
    owner UInt64 COMMENT 'Owner of the term',
    marker Bool COMMENT 'The row that makes the term live in this table, all keys default; otherwise a cell',
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    cohort_month Date COMMENT 'First day of the month of the first order' CODEC(Delta, ZSTD(1)),
    month_index UInt16 COMMENT 'Months since cohort_month',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    customers Int64 COMMENT 'Customers of the cohort who bought' CODEC(T64, ZSTD(1)),
    orders Int64 COMMENT 'Purchases' CODEC(T64, ZSTD(1)),
    revenue Decimal(38, 4) COMMENT 'Revenue' CODEC(ZSTD(1)),
    margin Decimal(38, 4) COMMENT 'Margin' CODEC(ZSTD(1)),
    incarnation UInt64 COMMENT 'Incarnation of the store under which the row was written',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, partition, term, owner, marker, dimension, segment, cohort_month, month_index, currency)
COMMENT 'Cohorts by month (METRICS 4)';

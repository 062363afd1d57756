-- Activity of customers per month (METRICS 3).

CREATE OR REPLACE VIEW {views}.activity
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    month Date COMMENT 'First day of the month',
    new Int64 COMMENT 'Customers with their first purchase (METRICS 3)',
    returning Int64 COMMENT 'Customers who bought the month before too (METRICS 3)',
    reactivated Int64 COMMENT 'Customers who bought earlier, not the month before (METRICS 3)',
    active Int64 COMMENT 'new + returning + reactivated (METRICS 3)',
    lapsed Int64 COMMENT 'Customers active the month before, not in this one; of the current month, so far (METRICS 3)',
    repeat_rate Nullable(Float64) COMMENT 'Active customers with at least two purchases by the end of the month / active, 0..1; NULL when nobody was active (METRICS 3)',
    retention Nullable(Float64) COMMENT 'returning / active of the month before, 0..1; NULL when nobody was active then (METRICS 3)',
    orders Map(String, Int64) COMMENT 'Currency -> purchases of customers (METRICS 3)',
    revenue Map(String, Decimal(38, 4)) COMMENT 'Currency -> revenue of customers, in that currency (METRICS 1)'
)
COMMENT 'Customers per month by what they did; months in which nobody was active or lapsed, and months to come, are absent (METRICS 3)'
AS
SELECT
    dimension, segment, month,
    sum(first_time) AS new,
    sum(came_again) AS returning,
    sum(came_back) AS reactivated,
    new + returning + reactivated AS active,
    sum(went) AS lapsed,
    if(active = 0, NULL, sum(repeaters) / active) AS repeat_rate,
    if(sum(active_before) = 0, NULL, returning / sum(active_before)) AS retention,
    mapFilter((currency, n) -> n != 0, sumMap(orders_of)) AS orders,
    mapFilter((currency, r) -> r != 0, sumMap(revenue_of)) AS revenue
FROM
(
    SELECT
        dimension, segment, month,
        new AS first_time, a.returning AS came_again, a.reactivated AS came_back, a.lapsed AS went, repeat AS repeaters, 0 AS active_before,
        CAST(map(), 'Map(String, Int64)') AS orders_of, CAST(map(), 'Map(String, Decimal(38, 4))') AS revenue_of
    FROM {store}.live_activity AS a
    UNION ALL
    SELECT
        dimension, segment, addMonths(month, 1), 0, 0, 0, 0, 0, new + a.returning + a.reactivated,
        CAST(map(), 'Map(String, Int64)'), CAST(map(), 'Map(String, Decimal(38, 4))')
    FROM {store}.live_activity AS a
    UNION ALL
    SELECT
        dimension, segment, addMonths(cohort_month, month_index) AS month, 0, 0, 0, 0, 0, 0,
        CAST(map(currency, sum(c.orders)), 'Map(String, Int64)'),
        CAST(map(currency, sum(c.revenue)), 'Map(String, Decimal(38, 4))')
    FROM {store}.live_cohorts AS c
    GROUP BY dimension, segment, month, currency
)
WHERE month <= (SELECT toStartOfMonth(today) FROM {store}.current)
GROUP BY dimension, segment, month
HAVING active != 0 OR lapsed != 0;

-- How fresh the figures are, per source. Speaks of arrival, not of events.

CREATE OR REPLACE VIEW {views}.freshness
(
    source LowCardinality(String) COMMENT 'Configured source',
    last_event_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Latest event time among its records',
    last_received_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When the latest record that is in the tables reached the broker',
    lag_seconds Nullable(Float64) COMMENT 'now - last_received_at, seconds; NULL when nothing has arrived',
    records UInt64 COMMENT 'Records applied, duplicates included',
    dead_letters Map(String, UInt64) COMMENT 'Reason -> records that could not be read',
    guests UInt64 COMMENT 'Orders and responses without a customer',
    no_score_share Nullable(Float64) COMMENT 'Responses without a score / responses, 0..1; NULL when there are none (METRICS 2)'
)
COMMENT 'Per source: what arrived last, what could not be read, what names no customer'
AS
SELECT
    source,
    max(event_at) AS last_event_at,
    max(received_at) AS last_received_at,
    dateDiff('microsecond', last_received_at, now64(6, 'UTC')) / 1e6 AS lag_seconds,
    sum(applied) AS records,
    sumMap(rejected) AS dead_letters,
    sum(anonymous) AS guests,
    if(sum(answers) = 0, NULL, sum(unscored) / sum(answers)) AS no_score_share
FROM
(
    SELECT
        source, a.last_event_at AS event_at, a.last_received_at AS received_at, a.records AS applied,
        CAST(map(), 'Map(String, UInt64)') AS rejected, 0 AS anonymous, 0 AS answers, 0 AS unscored
    FROM {store}.arrivals AS a FINAL
    UNION ALL
    -- A record that was read again after a fault has two letters. They are of one place, and keep its timestamp.
    SELECT source, NULL, NULL, 0, CAST(map(reason, uniqExact(topic, partition, offset, at)), 'Map(String, UInt64)'), 0, 0, 0
    FROM {store}.dead_letters FINAL
    GROUP BY source, reason
    UNION ALL
    -- The key of a guest begins with o: or e:, so that only guests are read.
    SELECT source, NULL, NULL, 0, CAST(map(), 'Map(String, UInt64)'), count(), 0, 0
    FROM {store}.orders FINAL
    WHERE epoch = (SELECT epoch FROM {store}.current) AND (startsWith(key, 'o:') OR startsWith(key, 'e:'))
        AND NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
    GROUP BY source
    UNION ALL
    SELECT source, NULL, NULL, 0, CAST(map(), 'Map(String, UInt64)'), countIf(NOT startsWith(key, 'c:')), count(), countIf(score IS NULL)
    FROM {store}.survey_responses FINAL
    WHERE epoch = (SELECT epoch FROM {store}.current)
        AND NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
    GROUP BY source
)
GROUP BY source;

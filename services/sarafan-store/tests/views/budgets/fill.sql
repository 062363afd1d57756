-- Cells of a shop with 10 million orders, 1 million answers and 1 million customers in three years, over 12 partitions: 200 stores,
-- 8 regions, 4 tiers, 36 cohort months. As many cells as such a shop has; what stands in them matters to no reading time.

CREATE TABLE {store}.answers (partition UInt16, day UInt16, survey LowCardinality(String), score UInt8) ENGINE = MergeTree ORDER BY tuple();

INSERT INTO {store}.answers
SELECT
    cityHash64(number, 1) % 12, toUInt16(today()) - cityHash64(number, 2) % 1095, if(cityHash64(number, 3) % 10 < 7, 'after_delivery', 'relationship'),
    [0, 3, 5, 6, 7, 8, 8, 9, 9, 9, 10, 10, 10][1 + cityHash64(number, 4) % 13]
FROM numbers(1000000);

INSERT INTO {store}.nps_scores (epoch, partition, term, owner, incarnation, version, dimension, segment, survey, day, score, responses)
SELECT {epoch}, partition, 1, 5, 99, 1, cut.1, concat(cut.1, ' ', toString(place)), survey, day, score, count()
FROM (SELECT *, rowNumberInAllBlocks() AS row FROM {store}.answers)
ARRAY JOIN [('all', 1), ('tier', 4), ('region', 8), ('store', 200)] AS cut
GROUP BY partition, cut, row % cut.2 AS place, survey, day, score;

INSERT INTO {store}.nps_invitations (epoch, partition, term, owner, incarnation, version, dimension, segment, survey, day, invited, delivered, answered)
SELECT {epoch}, partition, 1, 5, 99, 1, dimension, segment, survey, day, 3 * sum(responses), 3 * sum(responses), sum(responses)
FROM {store}.nps_scores
GROUP BY partition, dimension, segment, survey, day;

-- Whoever enters a window leaves it. In pieces, so that it fits into little memory.
INSERT INTO {store}.nps_windows (epoch, partition, term, owner, incarnation, version, dimension, segment, survey, population, window_days, day, detractors, passives, promoters)
SELECT {epoch}, partition, 1, 5, 99, 1, dimension, segment, survey, population, 7, toDate(number), sum(sign * n * (score < 7)), sum(sign * n * (score BETWEEN 7 AND 8)), sum(sign * n * (score > 8))
FROM (SELECT partition, dimension, segment, survey, score, change.1 AS number, change.2 AS sign, responses AS n FROM {store}.nps_scores ARRAY JOIN [(toUInt16(day), 1), (toUInt16(day) + 7, -1)]::Array(Tuple(UInt16, Int8)) AS change)
ARRAY JOIN ['customers', 'orders'] AS population
GROUP BY partition, dimension, segment, survey, population, number;

INSERT INTO {store}.nps_windows (epoch, partition, term, owner, incarnation, version, dimension, segment, survey, population, window_days, day, detractors, passives, promoters)
SELECT {epoch}, partition, 1, 5, 99, 1, dimension, segment, survey, population, 30, toDate(number), sum(sign * n * (score < 7)), sum(sign * n * (score BETWEEN 7 AND 8)), sum(sign * n * (score > 8))
FROM (SELECT partition, dimension, segment, survey, score, change.1 AS number, change.2 AS sign, responses AS n FROM {store}.nps_scores ARRAY JOIN [(toUInt16(day), 1), (toUInt16(day) + 30, -1)]::Array(Tuple(UInt16, Int8)) AS change)
ARRAY JOIN ['customers', 'orders'] AS population
GROUP BY partition, dimension, segment, survey, population, number;

INSERT INTO {store}.nps_windows (epoch, partition, term, owner, incarnation, version, dimension, segment, survey, population, window_days, day, detractors, passives, promoters)
SELECT {epoch}, partition, 1, 5, 99, 1, dimension, segment, survey, population, 90, toDate(number), sum(sign * n * (score < 7)), sum(sign * n * (score BETWEEN 7 AND 8)), sum(sign * n * (score > 8))
FROM (SELECT partition, dimension, segment, survey, score, change.1 AS number, change.2 AS sign, responses AS n FROM {store}.nps_scores ARRAY JOIN [(toUInt16(day), 1), (toUInt16(day) + 90, -1)]::Array(Tuple(UInt16, Int8)) AS change)
ARRAY JOIN ['customers', 'orders'] AS population
GROUP BY partition, dimension, segment, survey, population, number;

INSERT INTO {store}.nps_windows (epoch, partition, term, owner, incarnation, version, dimension, segment, survey, population, window_days, day, detractors, passives, promoters)
SELECT {epoch}, partition, 1, 5, 99, 1, dimension, segment, survey, population, 365, toDate(number), sum(sign * n * (score < 7)), sum(sign * n * (score BETWEEN 7 AND 8)), sum(sign * n * (score > 8))
FROM (SELECT partition, dimension, segment, survey, score, change.1 AS number, change.2 AS sign, responses AS n FROM {store}.nps_scores ARRAY JOIN [(toUInt16(day), 1), (toUInt16(day) + 365, -1)]::Array(Tuple(UInt16, Int8)) AS change)
ARRAY JOIN ['customers', 'orders'] AS population
GROUP BY partition, dimension, segment, survey, population, number;

INSERT INTO {store}.sales_daily (epoch, partition, term, owner, incarnation, version, dimension, segment, day, currency, orders, purchases, new_customers, gross, revenue, margin)
SELECT {epoch}, p.number, 1, 5, 99, 1, cut.1, concat(cut.1, ' ', toString(place)), today() - d.number, 'EUR', 3, 3, 1, 300, 290, 90
FROM numbers(12) AS p, numbers(1095) AS d
ARRAY JOIN [('all', 1), ('tier', 4), ('region', 8), ('store', 200)] AS cut
ARRAY JOIN range(cut.2) AS place;

INSERT INTO {store}.gaps_closed (epoch, partition, term, owner, incarnation, version, dimension, segment, step, gap_days, customers)
SELECT {epoch}, p.number, 1, 5, 99, 1, cut.1, concat(cut.1, ' ', toString(place)), s.number + 1, g.number, 3
FROM numbers(12) AS p, numbers(30) AS s, numbers(500) AS g
ARRAY JOIN [('all', 1), ('tier', 4), ('region', 8), ('cohort_month', 36)] AS cut
ARRAY JOIN range(cut.2) AS place
WHERE cityHash64(p.number, s.number, g.number, place) % 500 > g.number;

INSERT INTO {store}.gaps_open (epoch, partition, term, owner, incarnation, version, dimension, segment, step, day, customers)
SELECT {epoch}, p.number, 1, 5, 99, 1, cut.1, concat(cut.1, ' ', toString(place)), s.number + 1, today() - d.number, 1
FROM numbers(12) AS p, numbers(30) AS s, numbers(1095) AS d
ARRAY JOIN [('all', 1), ('tier', 4), ('region', 8), ('cohort_month', 36)] AS cut
ARRAY JOIN range(cut.2) AS place
WHERE cityHash64(p.number, s.number, d.number, place) % 1095 > 3 * d.number;

INSERT INTO {store}.repeat_flow (epoch, partition, term, owner, incarnation, version, dimension, segment, month, step, purchases)
SELECT {epoch}, p.number, 1, 5, 99, 1, cut.1, concat(cut.1, ' ', toString(place)), toStartOfMonth(today()) - toIntervalMonth(m.number), s.number + 1, 10
FROM numbers(12) AS p, numbers(30) AS s, numbers(36) AS m
ARRAY JOIN [('all', 1), ('tier', 4), ('region', 8), ('cohort_month', 36)] AS cut
ARRAY JOIN range(cut.2) AS place;

INSERT INTO {store}.activity (epoch, partition, term, owner, incarnation, version, dimension, segment, month, new, returning, reactivated, lapsed, repeat)
SELECT {epoch}, p.number, 1, 5, 99, 1, cut.1, concat(cut.1, ' ', toString(place)), toStartOfMonth(today()) - toIntervalMonth(m.number), 10, 20, 5, 4, 22
FROM numbers(12) AS p, numbers(36) AS m
ARRAY JOIN [('all', 1), ('tier', 4), ('region', 8), ('cohort_month', 36)] AS cut
ARRAY JOIN range(cut.2) AS place;

INSERT INTO {store}.ltv (epoch, partition, term, owner, incarnation, version, dimension, segment, currency, customers, orders, purchases, months_487, gross, revenue, margin)
SELECT {epoch}, p.number, 1, 5, 99, 1, cut.1, concat(cut.1, ' ', toString(place)), 'EUR', 100, 1000, 1000, 487000, 90000, 80000, 30000
FROM numbers(12) AS p
ARRAY JOIN [('all', 1), ('tier', 4), ('region', 8), ('cohort_month', 36)] AS cut
ARRAY JOIN range(cut.2) AS place;

INSERT INTO {store}.value_at_age (epoch, partition, term, owner, incarnation, version, dimension, segment, currency, age_days, first_day, customers, revenue, margin)
SELECT {epoch}, p.number, 1, 5, 99, 1, cut.1, concat(cut.1, ' ', toString(place)), 'EUR', age, today() - d.number, 5, 500, 150
FROM numbers(12) AS p, numbers(1095) AS d
ARRAY JOIN [90, 180, 365, 730] AS age
ARRAY JOIN [('all', 1), ('tier', 4), ('region', 8)] AS cut
ARRAY JOIN range(cut.2) AS place;

INSERT INTO {store}.cohorts (epoch, partition, term, owner, incarnation, version, dimension, segment, cohort_month, month_index, currency, customers, orders, revenue, margin)
SELECT {epoch}, p.number, 1, 5, 99, 1, cut.1, concat(cut.1, ' ', toString(place)), toStartOfMonth(today()) - toIntervalMonth(m.number), i, 'EUR', 50, 60, 6000, 2000
FROM numbers(12) AS p, numbers(36) AS m
ARRAY JOIN range(m.number + 1) AS i
ARRAY JOIN [('all', 1), ('tier', 4), ('region', 8)] AS cut
ARRAY JOIN range(cut.2) AS place;

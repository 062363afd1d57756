-- Net Promoter Score from rollups (METRICS 2). Any period from facts: nps_between.sql.

CREATE OR REPLACE VIEW {store}.nps_state
COMMENT 'NPS of the windows that end on as_of: one definition for nps (as_of 1970-01-01 stands for today, no windows for those of the epoch) and nps_at'
AS
WITH
    (SELECT (today, windows, response_horizon_days, nps_surveys) FROM {store}.current) AS registered,
    if({as_of:Date} = toDate(0), assumeNotNull(registered.1), {as_of:Date}) AS last_day,
    if(empty({windows:Array(UInt16)}), registered.2, {windows:Array(UInt16)}) AS lengths,
    -- Days as numbers: a Date cannot go below 1970.
    toInt32(last_day) AS last,
    last - assumeNotNull(registered.3) AS last_answerable,
    (SELECT bands FROM {store}.shown) AS bands,
    (SELECT benchmarks FROM {store}.shown) AS benchmarks,
    -- At most one is valid on a day: check-config refuses two.
    arrayFilter(b -> b.kind = 'target' AND b.metric = 'nps' AND last_day BETWEEN b.valid_from AND ifNull(b.valid_to, last_day), benchmarks) AS targets
SELECT
    dimension, segment, survey, population, window_days, last_day AS as_of,
    detractors, passives, promoters, responses, no_score,
    score AS nps,
    if(responses = 0, NULL, greatest(-100, 100 * (centre - margin))) AS nps_low,
    if(responses = 0, NULL, least(100, 100 * (centre + margin))) AS nps_high,
    previous_responses, previous_score AS previous_nps,
    score - previous_score AS change,
    if(responses = 0 OR previous_responses = 0, NULL, p) AS change_p,
    toBool(ifNull(change_p < 0.05, false) AND least(responses, previous_responses) >= 30) AS significant,
    delivered, answered, pending,
    if(delivered = 0, NULL, answered / delivered) AS response_rate,
    arrayElementOrNull(targets.value, indexOf(arrayZip(targets.survey, targets.dimension, targets.segment), (toString(survey), toString(dimension), toString(segment)))) AS target,
    CAST(multiIf(
        nps IS NULL, '',
        bands[survey] = 'strict', multiIf(nps < 0, 'very bad', nps < 60, 'bad', nps < 80, 'between', 'good'),
        multiIf(nps < 0, 'below 0', nps < 50, '0 to 50', nps <= 80, '50 to 80', 'above 80')), 'LowCardinality(String)') AS band
FROM
(
    SELECT
        *,
        1.959963984540054 * sqrt(variance / n) AS margin,
        erfc(abs(centre - previous_centre) / sqrt(variance / n + previous_variance / previous_n) / sqrt(2)) AS p
    FROM
    (
        SELECT
            *,
            if(responses = 0, NULL, 100 * (promoters - detractors) / responses) AS score,
            if(previous_responses = 0, NULL, 100 * (previous_promoters - previous_detractors) / previous_responses) AS previous_score,
            -- Adjusted Wald: 0.75 detractors, 1.5 passives and 0.75 promoters more.
            responses + 3 AS n,
            (promoters - detractors) / n AS centre,
            (promoters + detractors + 1.5) / n - centre * centre AS variance,
            previous_responses + 3 AS previous_n,
            (previous_promoters - previous_detractors) / previous_n AS previous_centre,
            (previous_promoters + previous_detractors + 1.5) / previous_n - previous_centre * previous_centre AS previous_variance
        FROM
        (
            SELECT
                dimension, segment, survey, population, window_days,
                sum(detractors) AS detractors, sum(passives) AS passives, sum(promoters) AS promoters,
                detractors + passives + promoters AS responses,
                sum(previous_detractors) AS previous_detractors,
                sum(previous_promoters) AS previous_promoters,
                sum(previous_passives) + previous_detractors + previous_promoters AS previous_responses,
                sum(no_score) AS no_score,
                sum(delivered) AS delivered, sum(answered) AS answered, sum(pending) AS pending
            FROM
            (
                -- Answers by the day on which they were given: the population of responses, and for every population who left the score out.
                SELECT
                    dimension, segment, survey, population, window_days,
                    is_own * detractors AS detractors, is_own * passives AS passives, is_own * promoters AS promoters,
                    is_own * previous_detractors AS previous_detractors, is_own * previous_passives AS previous_passives,
                    is_own * previous_promoters AS previous_promoters,
                    no_score, 0 AS delivered, 0 AS answered, 0 AS pending
                FROM
                (
                    -- Days first, windows then: an answer stands in each window, its day but once.
                    WITH number > last - window_days AS is_now
                    SELECT
                        dimension, segment, survey, window_days,
                        sumIf(d.detractors, is_now) AS detractors,
                        sumIf(d.passives, is_now) AS passives,
                        sumIf(d.promoters, is_now) AS promoters,
                        sumIf(d.detractors, NOT is_now) AS previous_detractors,
                        sumIf(d.passives, NOT is_now) AS previous_passives,
                        sumIf(d.promoters, NOT is_now) AS previous_promoters,
                        sumIf(d.no_score, is_now) AS no_score
                    FROM
                    (
                        SELECT
                            dimension, segment, survey, toInt32(day) AS number,
                            sumIf(responses, score BETWEEN 0 AND 6) AS detractors,
                            sumIf(responses, score BETWEEN 7 AND 8) AS passives,
                            sumIf(responses, score >= 9) AS promoters,
                            sumIf(responses, score < 0) AS no_score
                        FROM {store}.live_nps_scores
                        WHERE has(registered.4, survey) AND toInt32(day) BETWEEN last - 2 * arrayMax(lengths) + 1 AND last
                        GROUP BY dimension, segment, survey, number
                    ) AS d
                    ARRAY JOIN lengths AS window_days
                    WHERE number > last - 2 * window_days
                    GROUP BY dimension, segment, survey, window_days
                )
                ARRAY JOIN
                    CAST(['responses', 'customers', 'orders'], 'Array(LowCardinality(String))') AS population,
                    [1, 0, 0] AS is_own
                UNION ALL
                -- Who is in the window on a day is the sum of the differences up to that day. Whoever enters leaves, so all
                -- differences add up to nothing, and those after the day say the same with the other sign: they are few.
                SELECT
                    dimension, segment, survey, population, window_days,
                    -sumIf(w.detractors, toInt32(day) > last),
                    -sumIf(w.passives, toInt32(day) > last),
                    -sumIf(w.promoters, toInt32(day) > last),
                    -sum(w.detractors), -sum(w.passives), -sum(w.promoters),
                    0, 0, 0, 0
                FROM {store}.live_nps_windows AS w
                WHERE window_days IN lengths AND toInt32(day) > last - window_days
                    -- The same in bounds that the primary key can use: of short windows recent days alone are read.
                    AND toInt32(day) > last - arrayMax(lengths)
                    AND (window_days > 100 OR toInt32(day) > last - 100)
                    AND (window_days > 31 OR toInt32(day) > last - 31)
                GROUP BY dimension, segment, survey, population, window_days
                UNION ALL
                -- Invitations of the window, old enough to have been answered, and younger.
                SELECT
                    dimension, segment, survey, population, window_days,
                    0, 0, 0, 0, 0, 0, 0,
                    delivered, answered, pending
                FROM
                (
                    SELECT
                        dimension, segment, survey, window_days,
                        sumIf(delivered, toInt32(day) <= last_answerable) AS delivered,
                        sumIf(answered, toInt32(day) <= last_answerable) AS answered,
                        sumIf(i.delivered, toInt32(day) > last_answerable) AS pending
                    FROM {store}.live_nps_invitations AS i
                    ARRAY JOIN lengths AS window_days
                    WHERE toInt32(day) BETWEEN last - arrayMax(lengths) + 1 AND last AND toInt32(day) > last - window_days
                    GROUP BY dimension, segment, survey, window_days
                )
                ARRAY JOIN CAST(['responses', 'customers', 'orders'], 'Array(LowCardinality(String))') AS population
            )
            GROUP BY dimension, segment, survey, population, window_days
            HAVING responses != 0 OR previous_responses != 0
        )
    )
);

CREATE OR REPLACE VIEW {views}.nps
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    survey LowCardinality(String) COMMENT 'Survey; surveys are never pooled',
    population LowCardinality(String) COMMENT 'responses (every scored answer), customers (latest per customer) or orders (latest per order)',
    window_days UInt16 COMMENT 'Length W of the rolling window, days',
    as_of Date COMMENT 'Last day of the window: today in the reporting time zone, as far as it has gone',
    detractors Int64 COMMENT 'Scores 0-6 in the window (METRICS 2)',
    passives Int64 COMMENT 'Scores 7-8 in the window (METRICS 2)',
    promoters Int64 COMMENT 'Scores 9-10 in the window (METRICS 2)',
    responses Int64 COMMENT 'N = detractors + passives + promoters (METRICS 2)',
    no_score Int64 COMMENT 'Answers in the window without a score, never in N; the same in each population (METRICS 2)',
    nps Nullable(Float64) COMMENT '100 x (promoters - detractors) / N, -100..100; NULL when N = 0 (METRICS 2)',
    nps_low Nullable(Float64) COMMENT 'Lower end of the 95 % interval of nps, adjusted Wald (METRICS 2)',
    nps_high Nullable(Float64) COMMENT 'Upper end of the 95 % interval of nps, adjusted Wald (METRICS 2)',
    previous_responses Int64 COMMENT 'N of the W days before (METRICS 2)',
    previous_nps Nullable(Float64) COMMENT 'nps of the W days before; NULL when nobody answered (METRICS 2)',
    change Nullable(Float64) COMMENT 'nps - previous_nps, points (METRICS 2)',
    change_p Nullable(Float64) COMMENT 'Two-sided p of the change, two-sample adjusted Wald (METRICS 2)',
    significant Bool COMMENT 'change_p < 0.05 and at least 30 answers in each window (METRICS 2)',
    delivered Int64 COMMENT 'Invitations of the window delivered and older than the response horizon; the same in each population (METRICS 2)',
    answered Int64 COMMENT 'Of delivered, those with a scored answer; the same in each population (METRICS 2)',
    pending Int64 COMMENT 'Invitations of the window delivered and younger than the response horizon; the same in each population (METRICS 2)',
    response_rate Nullable(Float64) COMMENT 'answered / delivered, 0..1; NULL when none was delivered (METRICS 2)',
    target Nullable(Float64) COMMENT 'Own target of the survey and segment that is valid on as_of, points; NULL without one (METRICS 2)',
    band LowCardinality(String) COMMENT 'Band of nps by the preset of its survey; bain: below 0, 0 to 50, 50 to 80, above 80; strict: very bad (below 0), bad (below 60), between, good (80 and more); empty when nps is NULL (METRICS 2)'
)
COMMENT 'NPS as of now in the rolling windows of the epoch: a row for whoever has a scored answer in the window or in the one before (METRICS 2)'
AS
SELECT * FROM {store}.nps_state(as_of = '1970-01-01', windows = []);

CREATE OR REPLACE VIEW {views}.nps_at
COMMENT 'The columns of the view nps on a day: nps_at(as_of = day, window_days = W). Customers and orders for the windows of the epoch alone, responses for any W (METRICS 2)'
AS
SELECT * FROM {store}.nps_state(as_of = {as_of:Date}, windows = [{window_days:UInt16}]);

CREATE OR REPLACE VIEW {views}.nps_trend
COMMENT 'NPS of the window of window_days that ends on each day of from_day..to_day: dimension, segment, survey, population, day, detractors, passives, promoters, responses, nps, nps_low, nps_high as in the view nps; a day on which nobody is in the window has NULL (METRICS 2)'
AS
WITH
    toInt32({from_day:Date}) AS first,
    toInt32({to_day:Date}) AS last
SELECT
    dimension, segment, survey, population, toDate(first + place - 1) AS day,
    detractors, passives, promoters, responses,
    if(responses = 0, NULL, 100 * (promoters - detractors) / responses) AS nps,
    if(responses = 0, NULL, greatest(-100, 100 * (centre - margin))) AS nps_low,
    if(responses = 0, NULL, least(100, 100 * (centre + margin))) AS nps_high
FROM
(
    SELECT
        dimension, segment, survey, population, place, detractors, passives, promoters,
        detractors + passives + promoters AS responses,
        -- Adjusted Wald: 0.75 detractors, 1.5 passives and 0.75 promoters more.
        responses + 3 AS n,
        (promoters - detractors) / n AS centre,
        1.959963984540054 * sqrt(((promoters + detractors + 1.5) / n - centre * centre) / n) AS margin
    FROM
    (
        -- Differences at each place of the range, summed up from its start: one element per day.
        SELECT
            dimension, segment, survey, population,
            arrayCumSum(arrayResize(groupArrayInsertAt(0)(detractors, toUInt32(offset_days)), last - first + 1, 0)) AS detractors_by_day,
            arrayCumSum(arrayResize(groupArrayInsertAt(0)(passives, toUInt32(offset_days)), last - first + 1, 0)) AS passives_by_day,
            arrayCumSum(arrayResize(groupArrayInsertAt(0)(promoters, toUInt32(offset_days)), last - first + 1, 0)) AS promoters_by_day
        FROM
        (
            SELECT
                dimension, segment, survey, population, greatest(number - first, 0) AS offset_days,
                sum(detractors) AS detractors, sum(passives) AS passives, sum(promoters) AS promoters
            FROM
            (
                -- What comes after the first day says with the other sign who is in the window on it, and what comes up to
                -- the last day who enters and leaves.
                SELECT
                    dimension, segment, survey, population, change.1 AS number,
                    change.2 * detractors AS detractors, change.2 * passives AS passives, change.2 * promoters AS promoters
                FROM {store}.live_nps_windows
                ARRAY JOIN [(first, -1), (toInt32(day), 1)] AS change
                WHERE window_days = {window_days:UInt16} AND toInt32(day) > first AND number <= last
                UNION ALL
                -- An answer enters the window on its day and leaves it window_days later.
                SELECT
                    dimension, segment, survey, CAST('responses', 'LowCardinality(String)') AS population,
                    toInt32(day) + entry.1 AS number,
                    sumIf(entry.2 * responses, score <= 6) AS detractors,
                    sumIf(entry.2 * responses, score BETWEEN 7 AND 8) AS passives,
                    sumIf(entry.2 * responses, score >= 9) AS promoters
                FROM {store}.live_nps_scores
                ARRAY JOIN [(0, 1), (toInt32({window_days:UInt16}), -1)] AS entry
                WHERE has((SELECT nps_surveys FROM {store}.current), survey)
                    AND score >= 0 AND toInt32(day) > first - {window_days:UInt16} AND number <= last
                GROUP BY dimension, segment, survey, number
            )
            GROUP BY dimension, segment, survey, population, offset_days
        )
        GROUP BY dimension, segment, survey, population
    )
    ARRAY JOIN
        detractors_by_day AS detractors, passives_by_day AS passives, promoters_by_day AS promoters,
        arrayEnumerate(detractors_by_day) AS place
    WHERE arrayExists(d -> d != 0, detractors_by_day) OR arrayExists(d -> d != 0, passives_by_day) OR arrayExists(d -> d != 0, promoters_by_day)
);

CREATE OR REPLACE VIEW {views}.nps_scores
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    survey LowCardinality(String) COMMENT 'Survey; surveys are never pooled',
    day Date COMMENT 'Day of the answer in the reporting time zone',
    score UInt8 COMMENT 'Score 0..10',
    responses Int64 COMMENT 'Answers of the day with the score (METRICS 2)'
)
COMMENT 'Distribution of scores per day (METRICS 2)'
AS
SELECT dimension, segment, survey, day, score, sum(responses) AS responses
FROM {store}.live_nps_scores
WHERE score >= 0
GROUP BY dimension, segment, survey, day, score
HAVING responses != 0;

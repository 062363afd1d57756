-- Net Promoter Score of any period (METRICS 2): responses from daily cells, customers and orders from facts.

CREATE OR REPLACE VIEW {store}.period_answers
COMMENT 'Scored answers that stand for a customer or an order in a period, the latest of each: the period from_day..to_day, previous (as many days before) and year_ago (the same days a year before)'
AS
WITH
    toInt32({from_day:Date}) AS first,
    toInt32({to_day:Date}) AS last,
    [
        ('period', first, last),
        ('previous', 2 * first - last - 1, first - 1),
        ('year_ago', toInt32(addYears({from_day:Date}, -1)), toInt32(addYears({to_day:Date}, -1)))
    ] AS periods,
    answers AS
    (
        SELECT
            place.1 AS period, place.3 AS last_of_period,
            assumeNotNull(survey) AS survey, key, id, assumeNotNull(score) AS score, dimensions, segments,
            answered_at, superseded_on, order_id
        FROM {store}.survey_responses AS r FINAL
        ARRAY JOIN arrayFilter(p -> toInt32(assumeNotNull(day)) BETWEEN p.2 AND p.3, periods) AS place
        WHERE epoch = (SELECT epoch FROM {store}.current)
            AND has((SELECT nps_surveys FROM {store}.current), assumeNotNull(r.survey))
            AND counted AND r.score IS NOT NULL AND day IS NOT NULL
    )
-- A customer's latest answer of the period is the one that none of the period supersedes; a guest's are each their own customer.
SELECT period, 'customers' AS population, survey, key, score, dimensions, segments
FROM answers
WHERE ifNull(toInt32(superseded_on) > last_of_period, true)
UNION ALL
SELECT
    period, 'orders' AS population, survey, key,
    latest.1 AS score, latest.2 AS dimensions, latest.3 AS segments
FROM
(
    SELECT period, survey, key, argMax((score, dimensions, segments), (assumeNotNull(answered_at), id)) AS latest
    FROM answers
    WHERE order_id IS NOT NULL
    GROUP BY period, survey, key, order_id
);

CREATE OR REPLACE VIEW {views}.nps_between
COMMENT 'NPS of the answers given in from_day..to_day, both included: the columns of the view nps without window_days and as_of (target as on to_day), with previous_nps of as many days before, and nps_year_ago, yoy (nps - nps_year_ago) of the same days a year before. Segments of customers are those of today; customers and orders come from facts (METRICS 2)'
AS
WITH
    toInt32({from_day:Date}) AS first,
    toInt32({to_day:Date}) AS last,
    toInt32(addYears({from_day:Date}, -1)) AS year_ago_first,
    toInt32(addYears({to_day:Date}, -1)) AS year_ago_last,
    (SELECT customer_dimensions FROM {store}.current) AS customer_dimensions,
    toInt32(assumeNotNull((SELECT today - response_horizon_days FROM {store}.current))) AS last_answerable,
    (SELECT bands FROM {store}.shown) AS bands,
    (SELECT benchmarks FROM {store}.shown) AS benchmarks,
    arrayFilter(b -> b.kind = 'target' AND b.metric = 'nps' AND {to_day:Date} BETWEEN b.valid_from AND ifNull(b.valid_to, {to_day:Date}), benchmarks) AS targets
SELECT
    dimension, segment, survey, population,
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
        multiIf(nps < 0, 'below 0', nps < 50, '0 to 50', nps <= 80, '50 to 80', 'above 80')), 'LowCardinality(String)') AS band,
    year_ago_score AS nps_year_ago,
    score - year_ago_score AS yoy
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
            if(year_ago_responses = 0, NULL, 100 * (year_ago_promoters - year_ago_detractors) / year_ago_responses) AS year_ago_score,
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
                dimension, segment, survey, population,
                sumIf(scored, period = 'period' AND score BETWEEN 0 AND 6) AS detractors,
                sumIf(scored, period = 'period' AND score BETWEEN 7 AND 8) AS passives,
                sumIf(scored, period = 'period' AND score >= 9) AS promoters,
                detractors + passives + promoters AS responses,
                sumIf(scored, period = 'previous' AND score BETWEEN 0 AND 6) AS previous_detractors,
                sumIf(scored, period = 'previous' AND score >= 9) AS previous_promoters,
                sumIf(scored, period = 'previous' AND score >= 0) AS previous_responses,
                sumIf(scored, period = 'year_ago' AND score BETWEEN 0 AND 6) AS year_ago_detractors,
                sumIf(scored, period = 'year_ago' AND score >= 9) AS year_ago_promoters,
                sumIf(scored, period = 'year_ago' AND score >= 0) AS year_ago_responses,
                sum(unscored) AS no_score,
                sum(delivered) AS delivered, sum(answered) AS answered, sum(pending) AS pending
            FROM
            (
                SELECT
                    dimension, segment, survey, population, period, score,
                    if(population = 'responses' AND score >= 0, answers, 0) AS scored,
                    if(period = 'period' AND score < 0, answers, 0) AS unscored,
                    0 AS delivered, 0 AS answered, 0 AS pending
                FROM
                (
                    SELECT dimension, segment, survey, period, score, sum(responses) AS answers
                    FROM {store}.live_nps_scores
                    ARRAY JOIN arrayFilter(
                        p -> toInt32(day) BETWEEN p.2 AND p.3,
                        [('period', first, last), ('previous', 2 * first - last - 1, first - 1), ('year_ago', year_ago_first, year_ago_last)]).1 AS period
                    WHERE has((SELECT nps_surveys FROM {store}.current), survey)
                        -- The same in bounds that the primary key can use.
                        AND (toInt32(day) BETWEEN 2 * first - last - 1 AND last OR toInt32(day) BETWEEN year_ago_first AND year_ago_last)
                    GROUP BY dimension, segment, survey, period, score
                )
                ARRAY JOIN CAST(['responses', 'customers', 'orders'], 'Array(LowCardinality(String))') AS population
                UNION ALL
                SELECT
                    CAST(cut.1, 'LowCardinality(String)') AS dimension, CAST(cut.2, 'LowCardinality(String)') AS segment,
                    survey, CAST(population, 'LowCardinality(String)') AS population, period, latest_score AS score,
                    sum(answers) AS scored, 0 AS unscored, 0 AS delivered, 0 AS answered, 0 AS pending
                FROM
                (
                    SELECT
                        survey, population, period, a.score AS latest_score, a.dimensions AS response_dimensions, a.segments AS response_segments,
                        if(empty(f.dimensions), customer_dimensions, f.dimensions) AS known_dimensions,
                        -- Who is no customer, or has no figures, is unknown in every dimension of customers.
                        if(empty(f.dimensions), arrayMap(d -> 'unknown', customer_dimensions), f.segments) AS known_segments,
                        toInt64(count()) AS answers
                    FROM {store}.period_answers(from_day = {from_day:Date}, to_day = {to_day:Date}) AS a
                    LEFT JOIN
                    (
                        SELECT key, dimensions, segments
                        FROM {store}.customer_figures FINAL
                        WHERE epoch = (SELECT epoch FROM {store}.current)
                    ) AS f ON f.key = a.key
                    GROUP BY survey, population, period, latest_score, response_dimensions, response_segments, known_dimensions, known_segments
                )
                ARRAY JOIN arrayConcat(
                    [('all', 'all')],
                    arrayZip(response_dimensions, response_segments),
                    arrayZip(known_dimensions, known_segments)) AS cut
                GROUP BY dimension, segment, survey, population, period, score
                UNION ALL
                SELECT
                    dimension, segment, survey, population, 'period' AS period, -1 AS score, 0 AS scored, 0 AS unscored,
                    delivered, answered, pending
                FROM
                (
                    SELECT
                        dimension, segment, survey,
                        sumIf(i.delivered, toInt32(day) <= last_answerable) AS delivered,
                        sumIf(i.answered, toInt32(day) <= last_answerable) AS answered,
                        sumIf(i.delivered, toInt32(day) > last_answerable) AS pending
                    FROM {store}.live_nps_invitations AS i
                    WHERE toInt32(day) BETWEEN first AND last
                    GROUP BY dimension, segment, survey
                )
                ARRAY JOIN CAST(['responses', 'customers', 'orders'], 'Array(LowCardinality(String))') AS population
            )
            GROUP BY dimension, segment, survey, population
            HAVING responses != 0 OR previous_responses != 0 OR year_ago_responses != 0
        )
    )
);

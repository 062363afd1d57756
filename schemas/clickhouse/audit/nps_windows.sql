-- An answer is in the window of W days from its day on, until its unit answers again or W days are over (METRICS 2).
SELECT
    key_hash, cut, asked AS survey, population, days AS window_days, edge.1 AS day,
    edge.2 * (score <= 6) AS detractors, edge.2 * (score IN (7, 8)) AS passives, edge.2 * (score >= 9) AS promoters
FROM
(
    SELECT
        key_hash, cuts, asked, population, days, score,
        if(next = toDate(0), day + days, least(day + days, next)) AS end,
        if(end = day, [], [(day, 1), (end, -1)]) AS edges
    FROM
    (
        SELECT
            key_hash, cuts, asked, day, score, unit.1 AS population, unit.2 AS next, {windows} AS windows
        FROM
        (
            SELECT
                key_hash, arrayConcat(customer_cuts, response_cuts) AS cuts, asked, day, assumeNotNull(score) AS score,
                arrayConcat([('customers', next_of_customer)], if(order_id IS NULL, [], [('orders', next_of_order)])) AS units
            FROM answers_cut
            WHERE scored AND asked IN {nps_surveys}
        )
        ARRAY JOIN units AS unit
    )
    ARRAY JOIN windows AS days
)
ARRAY JOIN edges AS edge
ARRAY JOIN cuts AS cut

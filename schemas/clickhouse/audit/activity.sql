-- New in the first month, returning after a month bought in, else reactivated; lapsed in the month after one bought in (METRICS 3).
SELECT
    key_hash, cut, edge.1 AS month,
    edge.2 = 'new' AS new, edge.2 = 'returning' AS returning, edge.2 = 'reactivated' AS reactivated, edge.2 = 'lapsed' AS lapsed,
    edge.2 != 'lapsed' AND so_far >= 2 AS repeat
FROM
(
    SELECT
        m.*, {cuts_of_customer:c} AS cuts,
        multiIf(month_before = toDate(0), 'new', addMonths(month_before, 1) = bought_in, 'returning', 'reactivated') AS state,
        arrayConcat(
            [(bought_in, state)],
            if(month_after = addMonths(bought_in, 1), [], [(addMonths(bought_in, 1), 'lapsed')])) AS edges
    FROM
    (
        SELECT
            key, hash AS key_hash, bought_in,
            sum(bought) OVER (PARTITION BY key ORDER BY bought_in ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far,
            lagInFrame(bought_in) OVER w AS month_before,
            leadInFrame(bought_in) OVER w AS month_after
        FROM
        (
            SELECT key, any(key_hash) AS hash, toStartOfMonth(day) AS bought_in, count() AS bought
            FROM purchases
            GROUP BY key, bought_in
        )
        WINDOW w AS (PARTITION BY key ORDER BY bought_in ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    ) AS m
    LEFT JOIN customer_cuts AS c ON c.key = m.key
)
ARRAY JOIN edges AS edge
ARRAY JOIN cuts AS cut

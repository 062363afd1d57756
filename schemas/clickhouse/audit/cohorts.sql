-- A refund from before the first purchase belongs to its month (METRICS 4).
SELECT
    hash AS key_hash, cut, born_in AS cohort_month, since AS month_index, money AS currency,
    toInt64(bought > 0) AS customers, bought AS orders, earned AS revenue, kept AS margin
FROM
(
    SELECT m.*, {cuts_of_customer:c} AS cuts
    FROM
    (
        SELECT
            key, any(key_hash) AS hash, money, toStartOfMonth(any(born)) AS born_in,
            greatest(0, dateDiff('month', toStartOfMonth(born), toStartOfMonth(day))) AS since,
            toInt64(sum(opens_in_money)) AS bought, sum(revenue) AS earned, sum(margin) AS kept
        FROM lines
        WHERE born != toDate(0)
        GROUP BY key, money, since
    ) AS m
    LEFT JOIN customer_cuts AS c ON c.key = m.key
)
ARRAY JOIN cuts AS cut

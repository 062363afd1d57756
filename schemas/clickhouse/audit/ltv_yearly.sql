-- A refund from before the first purchase belongs to its year (METRICS 4).
SELECT
    hash AS key_hash, cut, bought_in AS year, born_in AS cohort_year, money AS currency,
    toInt64(bought > 0) AS customers, bought AS orders, earned AS revenue, kept AS margin
FROM
(
    SELECT m.*, {cuts_of_customer:c} AS cuts
    FROM
    (
        SELECT
            key, any(key_hash) AS hash, money, toYear(any(born)) AS born_in, greatest(toYear(day), toYear(born)) AS bought_in,
            toInt64(sum(opens_in_money)) AS bought, sum(revenue) AS earned, sum(margin) AS kept
        FROM lines
        WHERE born != toDate(0)
        GROUP BY key, money, bought_in
    ) AS m
    LEFT JOIN customer_cuts AS c ON c.key = m.key
)
ARRAY JOIN cuts AS cut

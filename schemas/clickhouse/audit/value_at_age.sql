SELECT
    hash AS key_hash, cut, money AS currency, age_days, born_on AS first_day,
    1 AS customers, revenue_inside AS revenue, margin_inside AS margin
FROM
(
    SELECT m.*, {cuts_of_customer:c} AS cuts
    FROM
    (
        SELECT
            key, any(key_hash) AS hash, money, any(born) AS born_on, age_days,
            sumIf(revenue, toInt32(day) - toInt32(born) < age_days) AS revenue_inside,
            sumIf(margin, toInt32(day) - toInt32(born) < age_days) AS margin_inside
        FROM lines
        ARRAY JOIN [90, 180, 365, 730] AS age_days
        WHERE born != toDate(0)
        GROUP BY key, money, age_days
    ) AS m
    LEFT JOIN customer_cuts AS c ON c.key = m.key
)
ARRAY JOIN cuts AS cut

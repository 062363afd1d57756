SELECT hash AS key_hash, cut, years AS years_bought, 1 AS customers
FROM
(
    SELECT m.*, {cuts_of_customer:c} AS cuts
    FROM (SELECT key, any(key_hash) AS hash, uniqExact(toYear(day)) AS years FROM purchases GROUP BY key) AS m
    LEFT JOIN customer_cuts AS c ON c.key = m.key
)
ARRAY JOIN cuts AS cut

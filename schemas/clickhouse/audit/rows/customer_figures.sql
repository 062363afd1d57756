SELECT
    k.key AS key,
    nullIf(r.excluded_reason, '') AS excluded_reason,
    if(o.key = '', NULL, toString(o.first_at)) AS first_order_at, if(o.key = '', NULL, toString(o.last_at)) AS last_order_at,
    if(p.key = '', NULL, toString(p.first)) AS first_day, if(p.key = '', NULL, toString(p.last)) AS last_day,
    o.orders AS orders, p.purchases AS purchases, a.answers AS answers, p.years AS years_bought,
    if(a.headlines = 0, NULL, a.latest.1) AS latest_score, if(a.headlines = 0, NULL, toString(a.latest.2)) AS latest_answered_at,
    o.referrer AS referred_by,
    toString(arraySlice({cuts_of_customer:c}, 2)) AS segments
FROM
(
    {every_customer}
) AS k
LEFT JOIN customer_records AS r ON r.key = k.key
LEFT JOIN
(
    SELECT key, min(at) AS first_at, max(at) AS last_at, count() AS orders, argMin(tuple(referred_by), (at, id)).1 AS referrer
    FROM orders_counted
    WHERE is_customer
    GROUP BY key
) AS o ON o.key = k.key
LEFT JOIN
(
    SELECT key, min(day) AS first, max(day) AS last, count() AS purchases, uniqExact(toYear(day)) AS years
    FROM purchases
    GROUP BY key
) AS p ON p.key = k.key
LEFT JOIN
(
    SELECT
        key, count() AS answers, countIf(asked = {headline}) AS headlines,
        argMaxIf((score, at), (at, id), asked = {headline}) AS latest
    FROM answers
    WHERE scored AND is_customer
    GROUP BY key
) AS a ON a.key = k.key
LEFT JOIN customer_cuts AS c ON c.key = k.key

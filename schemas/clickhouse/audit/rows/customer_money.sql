SELECT
    k.key AS key,
    toString(sides.1) AS currency, toString(sides.2) AS orders, toString(sides.3) AS purchases, toString(sides.4) AS months_487,
    toString(sides.5) AS gross, toString(sides.6) AS refunded, toString(sides.7) AS revenue, toString(sides.8) AS margin
FROM
(
    {every_customer}
) AS k
LEFT JOIN
(
    SELECT
        key,
        arraySort(groupArray((money, orders, purchases, months_487, gross, refunded, revenue, margin))) AS sides
    FROM purses
    GROUP BY key
) AS p ON p.key = k.key

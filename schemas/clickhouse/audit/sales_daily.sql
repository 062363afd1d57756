-- Orders on their own day, guests included; refunds_booked is the same money by the day it was given back (METRICS 1).
SELECT
    key_hash, cut, day, money AS currency,
    orders, purchases, new_customers, guests, gross, refunded, revenue, margin, refunds_booked
FROM
(
    SELECT
        o.key_hash AS key_hash, arrayConcat({cuts_of_customer:c}, o.own_cuts) AS cuts, o.day AS day, o.money AS money,
        toInt64(1) AS orders, toInt64(o.opens) AS purchases, toInt64(o.is_customer AND o.place = 1) AS new_customers,
        toInt64(NOT o.is_customer) AS guests, o.amount_units AS gross, o.refunded_units AS refunded,
        o.revenue_units AS revenue, o.net_margin_units AS margin, toInt128(0) AS refunds_booked
    FROM orders_counted AS o
    LEFT JOIN customer_cuts AS c ON c.key = o.key
    UNION ALL
    SELECT
        r.key_hash AS key_hash, arrayConcat({cuts_of_customer:c}, if(o.key != '', o.own_cuts, r.own_cuts)) AS cuts,
        r.day AS day, r.money AS money,
        toInt64(0) AS orders, toInt64(0) AS purchases, toInt64(0) AS new_customers, toInt64(0) AS guests,
        toInt128(0) AS gross, toInt128(0) AS refunded, toInt128(0) AS revenue, toInt128(0) AS margin,
        r.amount_units AS refunds_booked
    FROM refunds_alive AS r
    LEFT JOIN customer_cuts AS c ON c.key = r.key
    LEFT JOIN (SELECT key, id, own_cuts FROM orders_refunded WHERE counts) AS o ON o.key = r.key AND o.id = r.order_id
    WHERE r.key NOT IN (SELECT key FROM excluded_keys)
)
ARRAY JOIN cuts AS cut

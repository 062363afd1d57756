-- Refunds of customers without a counted order are a line of their own, in no segment's customers (METRICS 1, 4).
SELECT
    key_hash, cut, currency, toInt64(bought) AS customers,
    if(bought, all_orders, 0) AS orders, if(bought, all_purchases, 0) AS purchases, if(bought, lifetime, 0) AS months_487,
    if(bought, all_gross, 0) AS gross, if(bought, all_refunded, 0) AS refunded, if(bought, all_revenue, 0) AS revenue,
    if(bought, all_margin, 0) AS margin, if(bought, 0, all_refunded) AS refund_only
FROM
(
    SELECT
        p.hash AS key_hash, p.money AS currency, p.purchases > 0 AS bought,
        p.orders AS all_orders, p.purchases AS all_purchases, p.months_487 AS lifetime,
        p.gross AS all_gross, p.refunded AS all_refunded, p.revenue AS all_revenue, p.margin AS all_margin,
        if(bought, {cuts_of_customer:c}, [('all', 'all')]) AS cuts
    FROM purses AS p
    LEFT JOIN customer_cuts AS c ON c.key = p.key
)
ARRAY JOIN cuts AS cut

SELECT
    e.key AS key, e.id AS id,
    {shown_day:e.ordered_at} AS day,
    toUInt8(c.key != '') AS counted,
    r.refunded_units AS refunded, r.over_refunded_units AS over_refunded,
    c.revenue_units AS revenue, c.net_margin_units AS net_margin,
    if(c.is_customer, c.number, NULL) AS nth,
    toUInt8(c.is_customer AND c.place = 1) AS is_first,
    if(p.day_before = toDate(0), NULL, p.day - p.day_before) AS days_since_previous
FROM (SELECT key, id, ordered_at FROM {store}.orders FINAL PREWHERE {scope}) AS e
LEFT JOIN orders_refunded AS r ON r.key = e.key AND r.id = e.id
LEFT JOIN orders_counted AS c ON c.key = e.key AND c.id = e.id
LEFT JOIN purchases AS p ON p.key = c.key AND p.number = c.number

SELECT key_hash, cut, number AS step, toUInt32(day_after - day) AS gap_days, 1 AS customers
FROM (SELECT p.*, {cuts_of_customer:c} AS cuts FROM purchases AS p LEFT JOIN customer_cuts AS c ON c.key = p.key)
ARRAY JOIN cuts AS cut
WHERE day_after != toDate(0)

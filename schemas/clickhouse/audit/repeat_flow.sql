SELECT key_hash, cut, toStartOfMonth(day) AS month, number AS step, 1 AS purchases
FROM (SELECT p.*, {cuts_of_customer:c} AS cuts FROM purchases AS p LEFT JOIN customer_cuts AS c ON c.key = p.key)
ARRAY JOIN cuts AS cut

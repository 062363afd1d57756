SELECT key_hash, cut, asked AS survey, day, ifNull(score, -1) AS score, 1 AS responses
FROM answers_cut
ARRAY JOIN arrayConcat(customer_cuts, response_cuts) AS cut

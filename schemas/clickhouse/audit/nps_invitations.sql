SELECT
    key_hash, cut, asked AS survey, day,
    1 AS invited, toInt64(delivered) AS delivered, toInt64(delivered AND response != '') AS answered
FROM (SELECT key_hash, cuts, asked, day, delivered, response FROM invitations)
ARRAY JOIN cuts AS cut

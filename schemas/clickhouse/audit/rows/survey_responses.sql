SELECT
    e.key AS key, e.id AS id,
    {shown_day:e.answered_at} AS day,
    toUInt8(a.key != '') AS counted,
    if(a.scored AND a.is_customer AND a.next_of_customer != toDate(0), toString(a.next_of_customer), NULL) AS superseded_on,
    toString(a.response_cuts) AS segments
FROM (SELECT key, id, answered_at FROM {store}.survey_responses FINAL PREWHERE {scope}) AS e
LEFT JOIN answers_cut AS a ON a.key = e.key AND a.id = e.id

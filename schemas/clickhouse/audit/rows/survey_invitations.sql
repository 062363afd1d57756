SELECT
    e.key AS key, e.id AS id,
    {shown_day:e.invited_at} AS day,
    toUInt8(i.key != '') AS counted,
    if(i.key != '', i.reminders, NULL) AS reminders,
    if(i.response != '', i.response, NULL) AS response_id
FROM (SELECT key, id, invited_at FROM {store}.survey_invitations FINAL PREWHERE {scope}) AS e
LEFT JOIN invitations AS i ON i.key = e.key AND i.id = e.id

-- Why the Net Promoter Score changed (METRICS 2): who answered, or what they said.

CREATE OR REPLACE VIEW {views}.nps_change
COMMENT 'Change of the NPS of a dimension against the window before, split by segment: nps_change(as_of = day, window_days = W). Per dimension, segment, survey, population: responses_before, responses_now, share_before and share_now (of the answers of the dimension, 0..1), nps_before, nps_now, mix (points: its share moved), rate (points: its score moved), total_change (points, of the whole dimension). Over the segments of a dimension mix and rate add up to total_change. Ask for yesterday to compare complete days (METRICS 2, 7)'
AS
SELECT
    dimension, cell.1 AS segment, survey, population,
    cell.4 AS responses_before, cell.2 AS responses_now,
    if(all_before = 0, NULL, responses_before / all_before) AS share_before,
    if(all_now = 0, NULL, responses_now / all_now) AS share_now,
    cell.5 AS nps_before, cell.3 AS nps_now,
    -- Where a segment had no answers its score did not move: its whole part is mix.
    (share_now - share_before) * ((ifNull(nps_now, nps_before) + ifNull(nps_before, nps_now)) / 2 - (score_now + score_before) / 2) AS mix,
    (ifNull(nps_now, nps_before) - ifNull(nps_before, nps_now)) * (share_now + share_before) / 2 AS rate,
    score_now - score_before AS total_change
FROM
(
    SELECT
        dimension, survey, population,
        groupArray((segment, responses, nps, previous_responses, previous_nps)) AS cells,
        sum(responses) AS all_now,
        sum(previous_responses) AS all_before,
        if(all_now = 0, NULL, 100 * (sum(promoters) - sum(detractors)) / all_now) AS score_now,
        if(all_before = 0, NULL, sum(previous_nps * previous_responses) / all_before) AS score_before
    FROM {store}.nps_state(as_of = {as_of:Date}, windows = [{window_days:UInt16}])
    GROUP BY dimension, survey, population
)
ARRAY JOIN cells AS cell;

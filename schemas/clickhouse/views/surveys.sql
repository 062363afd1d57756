-- Survey responses, answers and invitations: facts, one row per entity. NPS is in nps.sql.

CREATE OR REPLACE VIEW {views}.survey_responses
(
    response_id String COMMENT 'Response',
    survey LowCardinality(Nullable(String)) COMMENT 'Survey',
    survey_kind LowCardinality(Nullable(String)) COMMENT 'relational, transactional or other, as declared; NULL of a survey that is not declared',
    wave LowCardinality(Nullable(String)) COMMENT 'Wave',
    language LowCardinality(Nullable(String)) COMMENT 'Language',
    customer_id Nullable(String) COMMENT 'Customer; NULL of a guest',
    respondent_id Nullable(String) COMMENT 'Respondent, when the customer is not known',
    order_id Nullable(String) COMMENT 'Order asked about',
    invitation_id Nullable(String) COMMENT 'Invitation answered',
    answered_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When the answer was given',
    day Nullable(Date) COMMENT 'Day of answered_at in the reporting time zone',
    counted Bool COMMENT 'Whether it counts in the figures: not excluded, and the latest scored answer to its invitation (METRICS 1)',
    score Nullable(UInt8) COMMENT 'Score 0..10; NULL: answered without a score',
    nps_group LowCardinality(Nullable(String)) COMMENT 'detractor (0-6), passive (7-8) or promoter (9-10); NULL without a score and of a survey on another scale (METRICS 2)',
    superseded_on Nullable(Date) COMMENT 'Day of the next scored answer of the same customer to the survey; NULL: it is the latest (METRICS 2)',
    reasons Array(String) COMMENT 'Reasons named',
    channel LowCardinality(Nullable(String)) COMMENT 'Channel of the survey',
    touchpoint LowCardinality(Nullable(String)) COMMENT 'Touchpoint asked about',
    manager LowCardinality(Nullable(String)) COMMENT 'Manager',
    store LowCardinality(Nullable(String)) COMMENT 'Store',
    segments Map(String, String) COMMENT 'Dimension of responses -> segment, as it was on the record',
    excluded_reason LowCardinality(Nullable(String)) COMMENT 'Why the response itself counts in no figure: test, employee, reseller, fraud, ...',
    source LowCardinality(String) COMMENT 'Configured source of the latest record',
    updated_at DateTime64(6, 'UTC') COMMENT 'When the latest record says it was made'
)
COMMENT 'Survey responses that are neither deleted, nor moved to another customer, nor erased (METRICS 1, 2)'
AS
WITH
    (SELECT surveys FROM {store}.current) AS declared,
    (SELECT survey_kinds FROM {store}.current) AS kinds,
    (SELECT survey_scales FROM {store}.current) AS scales,
    indexOf(declared, assumeNotNull(r.survey)) AS place
SELECT
    id AS response_id,
    survey, if(place = 0, NULL, kinds[place]) AS survey_kind, wave, language,
    if(startsWith(key, 'c:'), substring(key, 3), NULL) AS customer_id,
    respondent_id, order_id, invitation_id, answered_at, day, counted, score,
    multiIf(r.score IS NULL OR scales[place] != '0-10', NULL, r.score >= 9, 'promoter', r.score >= 7, 'passive', 'detractor') AS nps_group,
    superseded_on, reasons, channel, touchpoint, manager, store, mapFromArrays(dimensions, r.segments) AS segments,
    excluded_reason, source, updated_at
FROM {store}.survey_responses AS r FINAL
WHERE epoch = (SELECT epoch FROM {store}.current)
    AND NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
-- A filter on the key or the id reads those two columns of the table first, and the others only where it holds.
SETTINGS optimize_move_to_prewhere_if_final = 1;

CREATE OR REPLACE VIEW {views}.survey_answers
(
    response_id String COMMENT 'Response',
    customer_id Nullable(String) COMMENT 'Customer; NULL of a guest',
    question LowCardinality(String) COMMENT 'Question; comment is one of them',
    answer String COMMENT 'What was answered: personal data, for the role pii alone'
)
COMMENT 'Free-text answers of the responses that the view survey_responses shows, without those of erased customers, one row per question (METRICS 1)'
AS
SELECT
    id AS response_id,
    if(startsWith(key, 'c:'), substring(key, 3), NULL) AS customer_id,
    if(field = 'comment', field, substring(field, length('answers.') + 1)) AS question,
    assumeNotNull(value) AS answer
FROM {store}.details FINAL
WHERE subject = 'survey_response' AND (field = 'comment' OR startsWith(field, 'answers.')) AND value IS NOT NULL
    AND (key, id) IN (
        SELECT key, id
        FROM {store}.survey_responses FINAL
        WHERE epoch = (SELECT epoch FROM {store}.current)
            AND NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
            AND key NOT IN (SELECT key FROM {store}.customers FINAL WHERE epoch = (SELECT epoch FROM {store}.current) AND erased)
    )
SETTINGS optimize_move_to_prewhere_if_final = 1;

CREATE OR REPLACE VIEW {views}.survey_invitations
(
    invitation_id String COMMENT 'Invitation',
    survey LowCardinality(Nullable(String)) COMMENT 'Survey',
    customer_id Nullable(String) COMMENT 'Customer; NULL of a guest',
    order_id Nullable(String) COMMENT 'Order asked about',
    channel LowCardinality(Nullable(String)) COMMENT 'Channel of the survey',
    touchpoint LowCardinality(Nullable(String)) COMMENT 'Touchpoint asked about',
    invited_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When the question was asked',
    day Nullable(Date) COMMENT 'Day of invited_at in the reporting time zone',
    status LowCardinality(Nullable(String)) COMMENT 'sent, delivered or bounced',
    counted Bool COMMENT 'Whether it counts in the figures: not excluded, not a reminder (METRICS 2)',
    reminder_of Nullable(String) COMMENT 'Invitation that it reminds of, and is a part of',
    reminders UInt32 COMMENT 'Reminders of it',
    response_id Nullable(String) COMMENT 'Latest scored answer to it; NULL: none',
    source LowCardinality(String) COMMENT 'Configured source of the latest record',
    updated_at DateTime64(6, 'UTC') COMMENT 'When the latest record says it was made'
)
COMMENT 'Survey invitations and reminders that are neither deleted, nor moved to another customer, nor erased (METRICS 1, 2)'
AS
SELECT
    id AS invitation_id,
    survey,
    if(startsWith(key, 'c:'), substring(key, 3), NULL) AS customer_id,
    order_id, channel, touchpoint, invited_at, day, status, counted, reminder_of, reminders, response_id, source, updated_at
FROM {store}.survey_invitations FINAL
WHERE epoch = (SELECT epoch FROM {store}.current)
    AND NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
-- A filter on the key or the id reads those two columns of the table first, and the others only where it holds.
SETTINGS optimize_move_to_prewhere_if_final = 1;

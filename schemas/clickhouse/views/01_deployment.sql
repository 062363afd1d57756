-- What people are shown beside the figures. Sorts before the views that read its reference lines and bands.

CREATE OR REPLACE VIEW {store}.shown
(
    name String COMMENT 'Name of the deployment',
    notice String COMMENT 'Put on every panel and report; empty for none',
    bands Map(String, String) COMMENT 'Survey -> preset of its bands: bain or strict; bain where a survey is missing',
    benchmarks Array(Tuple(
        name String, kind String, metric String, survey String, dimension String, segment String,
        value Float64, valid_from Date, valid_to Nullable(Date), source String)) COMMENT 'Reference lines'
)
COMMENT 'One row: what the latest migrate was configured with'
AS
WITH
    (SELECT argMax(tuple(name, notice, bands, benchmarks), sequence) FROM {store}.deployment) AS latest
SELECT
    if(empty(latest.1), 'Sarafan', latest.1) AS name,
    latest.2 AS notice,
    latest.3 AS bands,
    latest.4 AS benchmarks;

CREATE OR REPLACE VIEW {views}.benchmarks
(
    name String COMMENT 'Name of the reference line',
    kind LowCardinality(String) COMMENT 'target (our own), industry or competitor',
    metric LowCardinality(String) COMMENT 'Figure that it is held against: nps',
    survey LowCardinality(String) COMMENT 'Survey; surveys are never pooled',
    dimension LowCardinality(String) COMMENT 'Dimension; all is the whole',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    value Float64 COMMENT 'Value to compare with, in the unit of the metric: points for nps (METRICS 2)',
    valid_from Date COMMENT 'First day on which it is valid',
    valid_to Nullable(Date) COMMENT 'Last day on which it is valid; NULL: until further notice',
    source String COMMENT 'Where the value is from; empty when not said'
)
COMMENT 'Reference lines as configured at the latest migrate (METRICS 2)'
AS
SELECT
    line.1 AS name, line.2 AS kind, line.3 AS metric, line.4 AS survey, line.5 AS dimension, line.6 AS segment,
    line.7 AS value, line.8 AS valid_from, line.9 AS valid_to, line.10 AS source
FROM {store}.shown
ARRAY JOIN benchmarks AS line;

CREATE OR REPLACE VIEW {views}.deployment
(
    name String COMMENT 'Name of the deployment, for titles',
    notice String COMMENT 'To be put on every panel and report, such as SYNTHETIC; empty for none',
    epoch String COMMENT 'The live epoch, 16 hexadecimal digits (label epoch in Prometheus: the first 8); empty before the first',
    headline_survey String COMMENT 'The survey of the headline: the configured one, else the first, among those with an NPS; empty when there is none (METRICS 2)',
    headline_kind LowCardinality(String) COMMENT 'Its kind: relational, transactional or other; empty without a survey',
    headline_population LowCardinality(String) COMMENT 'Population of the headline: customers of a relational survey, else responses (METRICS 2)',
    window_days UInt16 COMMENT 'Rolling window of the headline, days: 30 if it is configured, else the first; 0 before the first epoch',
    windows Array(UInt16) COMMENT 'Configured rolling windows, days',
    surveys Array(String) COMMENT 'Surveys with an NPS, the headline first',
    timezone String COMMENT 'IANA name of the reporting time zone, whose days the figures speak of',
    today Date COMMENT 'Today in the reporting time zone',
    currency String COMMENT 'Currency with the most revenue, by the number alone; empty when nothing was sold',
    data_as_of Nullable(DateTime64(6, 'UTC')) COMMENT 'When the latest record that is in the tables reached the broker; NULL when there is none'
)
COMMENT 'One row: what a panel or a report needs to know of the deployment before it asks for figures'
AS
WITH
    (SELECT tuple(name, notice) FROM {store}.shown) AS shown,
    (SELECT tuple(epoch, headline_survey, surveys, survey_kinds, nps_surveys, windows, timezone, today) FROM {store}.current) AS registered,
    (
        SELECT argMax(currency, (revenue, currency))
        FROM (SELECT toString(currency) AS currency, sum(revenue) AS revenue FROM {store}.live_sales_daily WHERE dimension = 'all' GROUP BY currency)
    ) AS main_currency,
    (SELECT max(last_received_at) FROM {store}.arrivals) AS received,
    assumeNotNull(registered.5) AS nps_surveys,
    assumeNotNull(registered.6) AS lengths,
    if(has(nps_surveys, registered.2), assumeNotNull(registered.2), nps_surveys[1]) AS headline,
    assumeNotNull(registered.4)[indexOf(assumeNotNull(registered.3), headline)] AS kind
SELECT
    shown.1 AS name,
    shown.2 AS notice,
    if(registered.1 = 0, '', leftPad(lower(hex(assumeNotNull(registered.1))), 16, '0')) AS epoch,
    headline AS headline_survey,
    kind AS headline_kind,
    if(headline = '', '', if(kind = 'relational', 'customers', 'responses')) AS headline_population,
    if(has(lengths, 30), 30, lengths[1]) AS window_days,
    lengths AS windows,
    arrayConcat(if(headline = '', [], [headline]), arrayFilter(s -> s != headline, nps_surveys)) AS surveys,
    assumeNotNull(registered.7) AS timezone,
    assumeNotNull(registered.8) AS today,
    ifNull(main_currency, '') AS currency,
    received AS data_as_of;

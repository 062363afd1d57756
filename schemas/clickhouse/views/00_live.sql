-- Private views that the public ones stand on; applied first. They say once what every view must hold to: the live epoch, the
-- current incarnation, and of each partition the cells of the highest term with a marker row in the same table (DESIGN 2.5).
--
-- While terms are switched, the cells must not be of an older snapshot than the markers: it would lack the term that the markers
-- name, and whole partitions would be missing. A scalar subquery is evaluated while the query is analysed, and what stands in
-- view(...) takes its snapshot later, when it is planned; the terms that were found are there until long after. So it holds with and
-- without enable_shared_storage_snapshot_in_query, which a view cannot set for the query that reads it. Without view(...) the cells
-- are the older ones: the test the_live_terms_of_a_view_are_read_before_its_cells puts a switch in between, and sees nothing of them.

CREATE OR REPLACE VIEW {store}.current
(
    epoch UInt64 COMMENT 'The live epoch; 0 before the first',
    incarnation UInt64 COMMENT 'The current incarnation of the store; 0 before the first',
    timezone String COMMENT 'IANA name of the reporting time zone',
    today Date COMMENT 'Today in the reporting time zone',
    windows Array(UInt16) COMMENT 'Rolling windows of NPS, in days',
    response_horizon_days UInt16 COMMENT 'Days after which an unanswered invitation is no longer pending',
    headline_survey String COMMENT 'The survey that customer rows speak of',
    surveys Array(String) COMMENT 'Declared surveys',
    survey_kinds Array(String) COMMENT 'Kind of each of surveys',
    survey_scales Array(String) COMMENT 'Scale of each of surveys',
    nps_surveys Array(String) COMMENT 'Declared surveys on the scale 0-10: the others have no NPS',
    customer_dimensions Array(String) COMMENT 'Declared dimensions of customers'
)
COMMENT 'One row: which epoch and incarnation views show, and what the epoch was registered with'
AS
WITH
    (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AS live,
    (SELECT argMax(incarnation, sequence) FROM {store}.incarnations) AS latest_incarnation,
    (
        -- An aggregate without GROUP BY: a row there is, also before the first epoch.
        SELECT argMax(
            tuple(timezone, windows, response_horizon_days, headline_survey, surveys, survey_kinds, survey_scales, dimensions, dimension_kinds),
            sequence)
        FROM {store}.epochs
        WHERE epoch = live
    ) AS registered
SELECT
    ifNull(live, 0) AS epoch,
    ifNull(latest_incarnation, 0) AS incarnation,
    if(empty(registered.1), 'UTC', registered.1) AS timezone,
    toDate(now('UTC'), if(empty(registered.1), 'UTC', registered.1)) AS today,
    registered.2 AS windows,
    registered.3 AS response_horizon_days,
    registered.4 AS headline_survey,
    registered.5 AS surveys,
    registered.6 AS survey_kinds,
    registered.7 AS survey_scales,
    arrayFilter((survey, scale) -> scale = '0-10', registered.5, registered.7) AS nps_surveys,
    arrayFilter((dimension, kind) -> kind = 'customer', registered.8, registered.9) AS customer_dimensions;

CREATE OR REPLACE VIEW {store}.live_nps_scores
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    survey LowCardinality(String) COMMENT 'Survey; surveys are never pooled',
    day Date COMMENT 'Day of the answer',
    score Int8 COMMENT 'Score 0..10; -1: answered without a score',
    responses Int64 COMMENT 'Answers'
)
COMMENT 'Cells of nps_scores that count, one row per partition and cell'
AS
WITH (
    SELECT groupArray((partition, highest.1, highest.2))
    FROM
    (
        SELECT partition, max((term, owner)) AS highest
        FROM {store}.nps_scores
        WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch)
            AND marker
            AND incarnation = (SELECT argMax(incarnation, sequence) FROM {store}.incarnations)
        GROUP BY partition
    )
) AS live_terms
SELECT dimension, segment, survey, day, score, responses
FROM view(
    SELECT *
    FROM {store}.nps_scores FINAL
    WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AND marker = false
)
WHERE (partition, term, owner) IN live_terms;

CREATE OR REPLACE VIEW {store}.live_nps_windows
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    survey LowCardinality(String) COMMENT 'Survey; surveys are never pooled',
    population LowCardinality(String) COMMENT 'customers (latest answer per customer) or orders (latest answer per order)',
    window_days UInt16 COMMENT 'Length W of the rolling window in days',
    day Date COMMENT 'Day of the change',
    detractors Int64 COMMENT 'Detractors who enter (+1) or leave (-1) the window on the day',
    passives Int64 COMMENT 'Passives who enter or leave the window on the day',
    promoters Int64 COMMENT 'Promoters who enter or leave the window on the day'
)
COMMENT 'Cells of nps_windows that count, one row per partition and cell'
AS
WITH (
    SELECT groupArray((partition, highest.1, highest.2))
    FROM
    (
        SELECT partition, max((term, owner)) AS highest
        FROM {store}.nps_windows
        WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch)
            AND marker
            AND incarnation = (SELECT argMax(incarnation, sequence) FROM {store}.incarnations)
        GROUP BY partition
    )
) AS live_terms
SELECT dimension, segment, survey, population, window_days, day, detractors, passives, promoters
FROM view(
    SELECT *
    FROM {store}.nps_windows FINAL
    WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AND marker = false
)
WHERE (partition, term, owner) IN live_terms;

CREATE OR REPLACE VIEW {store}.live_nps_invitations
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    survey LowCardinality(String) COMMENT 'Survey; surveys are never pooled',
    day Date COMMENT 'Day of the invitation',
    invited Int64 COMMENT 'Invitations, reminders not counted',
    delivered Int64 COMMENT 'Of these, delivered',
    answered Int64 COMMENT 'Of the delivered, answered with a score'
)
COMMENT 'Cells of nps_invitations that count, one row per partition and cell'
AS
WITH (
    SELECT groupArray((partition, highest.1, highest.2))
    FROM
    (
        SELECT partition, max((term, owner)) AS highest
        FROM {store}.nps_invitations
        WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch)
            AND marker
            AND incarnation = (SELECT argMax(incarnation, sequence) FROM {store}.incarnations)
        GROUP BY partition
    )
) AS live_terms
SELECT dimension, segment, survey, day, invited, delivered, answered
FROM view(
    SELECT *
    FROM {store}.nps_invitations FINAL
    WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AND marker = false
)
WHERE (partition, term, owner) IN live_terms;

CREATE OR REPLACE VIEW {store}.live_gaps_closed
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    step UInt32 COMMENT 'Step k: from the k-th to the next purchase',
    gap_days UInt32 COMMENT 'Whole days between the two',
    customers Int64 COMMENT 'Customers'
)
COMMENT 'Cells of gaps_closed that count, one row per partition and cell'
AS
WITH (
    SELECT groupArray((partition, highest.1, highest.2))
    FROM
    (
        SELECT partition, max((term, owner)) AS highest
        FROM {store}.gaps_closed
        WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch)
            AND marker
            AND incarnation = (SELECT argMax(incarnation, sequence) FROM {store}.incarnations)
        GROUP BY partition
    )
) AS live_terms
SELECT dimension, segment, step, gap_days, customers
FROM view(
    SELECT *
    FROM {store}.gaps_closed FINAL
    WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AND marker = false
)
WHERE (partition, term, owner) IN live_terms;

CREATE OR REPLACE VIEW {store}.live_gaps_open
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    step UInt32 COMMENT 'Step k: the latest purchase is the k-th',
    day Date COMMENT 'Day of the latest purchase',
    customers Int64 COMMENT 'Customers'
)
COMMENT 'Cells of gaps_open that count, one row per partition and cell'
AS
WITH (
    SELECT groupArray((partition, highest.1, highest.2))
    FROM
    (
        SELECT partition, max((term, owner)) AS highest
        FROM {store}.gaps_open
        WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch)
            AND marker
            AND incarnation = (SELECT argMax(incarnation, sequence) FROM {store}.incarnations)
        GROUP BY partition
    )
) AS live_terms
SELECT dimension, segment, step, day, customers
FROM view(
    SELECT *
    FROM {store}.gaps_open FINAL
    WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AND marker = false
)
WHERE (partition, term, owner) IN live_terms;

CREATE OR REPLACE VIEW {store}.live_repeat_flow
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    month Date COMMENT 'First day of the month',
    step UInt32 COMMENT 'k of the k-th purchase',
    purchases Int64 COMMENT 'Purchases of the month that were somebody\'s k-th'
)
COMMENT 'Cells of repeat_flow that count, one row per partition and cell'
AS
WITH (
    SELECT groupArray((partition, highest.1, highest.2))
    FROM
    (
        SELECT partition, max((term, owner)) AS highest
        FROM {store}.repeat_flow
        WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch)
            AND marker
            AND incarnation = (SELECT argMax(incarnation, sequence) FROM {store}.incarnations)
        GROUP BY partition
    )
) AS live_terms
SELECT dimension, segment, month, step, purchases
FROM view(
    SELECT *
    FROM {store}.repeat_flow FINAL
    WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AND marker = false
)
WHERE (partition, term, owner) IN live_terms;

CREATE OR REPLACE VIEW {store}.live_activity
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    month Date COMMENT 'First day of the month',
    new Int64 COMMENT 'Customers with their first purchase',
    returning Int64 COMMENT 'Customers who bought the month before too',
    reactivated Int64 COMMENT 'Customers who bought earlier, not the month before',
    lapsed Int64 COMMENT 'Customers who bought the month before, not in this one; the month may lie in the future',
    repeat Int64 COMMENT 'Active customers with at least two purchases by the end of the month'
)
COMMENT 'Cells of activity that count, one row per partition and cell'
AS
WITH (
    SELECT groupArray((partition, highest.1, highest.2))
    FROM
    (
        SELECT partition, max((term, owner)) AS highest
        FROM {store}.activity
        WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch)
            AND marker
            AND incarnation = (SELECT argMax(incarnation, sequence) FROM {store}.incarnations)
        GROUP BY partition
    )
) AS live_terms
SELECT dimension, segment, month, new, returning, reactivated, lapsed, repeat
FROM view(
    SELECT *
    FROM {store}.activity FINAL
    WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AND marker = false
)
WHERE (partition, term, owner) IN live_terms;

CREATE OR REPLACE VIEW {store}.live_sales_daily
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    day Date COMMENT 'Day of the order; of the refund for refunds_booked',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    orders Int64 COMMENT 'Counted orders',
    purchases Int64 COMMENT 'Purchases',
    new_customers Int64 COMMENT 'First orders of customers',
    guests Int64 COMMENT 'Orders of guests',
    gross Decimal(38, 4) COMMENT 'Sum of amounts',
    refunded Decimal(38, 4) COMMENT 'Refunds of the day\'s orders',
    revenue Decimal(38, 4) COMMENT 'gross - refunded',
    margin Decimal(38, 4) COMMENT 'Margin after refunds',
    refunds_booked Decimal(38, 4) COMMENT 'Refunds given back on the day'
)
COMMENT 'Cells of sales_daily that count, one row per partition and cell'
AS
WITH (
    SELECT groupArray((partition, highest.1, highest.2))
    FROM
    (
        SELECT partition, max((term, owner)) AS highest
        FROM {store}.sales_daily
        WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch)
            AND marker
            AND incarnation = (SELECT argMax(incarnation, sequence) FROM {store}.incarnations)
        GROUP BY partition
    )
) AS live_terms
SELECT dimension, segment, day, currency, orders, purchases, new_customers, guests, gross, refunded, revenue, margin, refunds_booked
FROM view(
    SELECT *
    FROM {store}.sales_daily FINAL
    WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AND marker = false
)
WHERE (partition, term, owner) IN live_terms;

CREATE OR REPLACE VIEW {store}.live_ltv
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    customers Int64 COMMENT 'Customers with a counted order',
    orders Int64 COMMENT 'Counted orders',
    purchases Int64 COMMENT 'Purchases',
    months_487 Int64 COMMENT 'Sum of lifetimes in 1/487 month',
    gross Decimal(38, 4) COMMENT 'Sum of amounts',
    refunded Decimal(38, 4) COMMENT 'Refunds, those that name no order included',
    revenue Decimal(38, 4) COMMENT 'gross - refunded',
    margin Decimal(38, 4) COMMENT 'Margin after refunds',
    refund_only Decimal(38, 4) COMMENT 'Refunds of customers without a counted order; only in the cell of all; not in revenue'
)
COMMENT 'Cells of ltv that count, one row per partition and cell'
AS
WITH (
    SELECT groupArray((partition, highest.1, highest.2))
    FROM
    (
        SELECT partition, max((term, owner)) AS highest
        FROM {store}.ltv
        WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch)
            AND marker
            AND incarnation = (SELECT argMax(incarnation, sequence) FROM {store}.incarnations)
        GROUP BY partition
    )
) AS live_terms
SELECT dimension, segment, currency, customers, orders, purchases, months_487, gross, refunded, revenue, margin, refund_only
FROM view(
    SELECT *
    FROM {store}.ltv FINAL
    WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AND marker = false
)
WHERE (partition, term, owner) IN live_terms;

CREATE OR REPLACE VIEW {store}.live_value_at_age
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    age_days UInt16 COMMENT 'Age: 90, 180, 365 or 730 days after the first order',
    first_day Date COMMENT 'Day of the first order',
    customers Int64 COMMENT 'Customers',
    revenue Decimal(38, 4) COMMENT 'Their revenue within age_days of the first order',
    margin Decimal(38, 4) COMMENT 'Their margin within age_days of the first order'
)
COMMENT 'Cells of value_at_age that count, one row per partition and cell'
AS
WITH (
    SELECT groupArray((partition, highest.1, highest.2))
    FROM
    (
        SELECT partition, max((term, owner)) AS highest
        FROM {store}.value_at_age
        WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch)
            AND marker
            AND incarnation = (SELECT argMax(incarnation, sequence) FROM {store}.incarnations)
        GROUP BY partition
    )
) AS live_terms
SELECT dimension, segment, currency, age_days, first_day, customers, revenue, margin
FROM view(
    SELECT *
    FROM {store}.value_at_age FINAL
    WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AND marker = false
)
WHERE (partition, term, owner) IN live_terms;

CREATE OR REPLACE VIEW {store}.live_ltv_yearly
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    year UInt16 COMMENT 'Calendar year of purchase',
    cohort_year UInt16 COMMENT 'Calendar year of the first order',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    customers Int64 COMMENT 'Customers who bought',
    orders Int64 COMMENT 'Purchases',
    revenue Decimal(38, 4) COMMENT 'Revenue',
    margin Decimal(38, 4) COMMENT 'Margin'
)
COMMENT 'Cells of ltv_yearly that count, one row per partition and cell'
AS
WITH (
    SELECT groupArray((partition, highest.1, highest.2))
    FROM
    (
        SELECT partition, max((term, owner)) AS highest
        FROM {store}.ltv_yearly
        WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch)
            AND marker
            AND incarnation = (SELECT argMax(incarnation, sequence) FROM {store}.incarnations)
        GROUP BY partition
    )
) AS live_terms
SELECT dimension, segment, year, cohort_year, currency, customers, orders, revenue, margin
FROM view(
    SELECT *
    FROM {store}.ltv_yearly FINAL
    WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AND marker = false
)
WHERE (partition, term, owner) IN live_terms;

CREATE OR REPLACE VIEW {store}.live_core_customers
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    years_bought UInt16 COMMENT 'Number of calendar years with a purchase',
    customers Int64 COMMENT 'Customers'
)
COMMENT 'Cells of core_customers that count, one row per partition and cell'
AS
WITH (
    SELECT groupArray((partition, highest.1, highest.2))
    FROM
    (
        SELECT partition, max((term, owner)) AS highest
        FROM {store}.core_customers
        WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch)
            AND marker
            AND incarnation = (SELECT argMax(incarnation, sequence) FROM {store}.incarnations)
        GROUP BY partition
    )
) AS live_terms
SELECT dimension, segment, years_bought, customers
FROM view(
    SELECT *
    FROM {store}.core_customers FINAL
    WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AND marker = false
)
WHERE (partition, term, owner) IN live_terms;

CREATE OR REPLACE VIEW {store}.live_cohorts
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    cohort_month Date COMMENT 'First day of the month of the first order',
    month_index UInt16 COMMENT 'Months since cohort_month',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    customers Int64 COMMENT 'Customers of the cohort who bought',
    orders Int64 COMMENT 'Purchases',
    revenue Decimal(38, 4) COMMENT 'Revenue',
    margin Decimal(38, 4) COMMENT 'Margin'
)
COMMENT 'Cells of cohorts that count, one row per partition and cell'
AS
WITH (
    SELECT groupArray((partition, highest.1, highest.2))
    FROM
    (
        SELECT partition, max((term, owner)) AS highest
        FROM {store}.cohorts
        WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch)
            AND marker
            AND incarnation = (SELECT argMax(incarnation, sequence) FROM {store}.incarnations)
        GROUP BY partition
    )
) AS live_terms
SELECT dimension, segment, cohort_month, month_index, currency, customers, orders, revenue, margin
FROM view(
    SELECT *
    FROM {store}.cohorts FINAL
    WHERE epoch = (SELECT argMax(epoch, sequence) FROM {store}.live_epoch) AND marker = false
)
WHERE (partition, term, owner) IN live_terms;

-- Repeat purchase (METRICS 3): gaps between purchases, the funnel with its Kaplan-Meier figures, the flow per month.

CREATE OR REPLACE VIEW {store}.gaps_at
COMMENT 'Histogram of gaps per step: as_of 1970-01-01 stands for today, from rollups; any other day is computed from facts, leaving out what was bought after it'
AS
WITH
    {as_of:Date} = toDate(0) AS as_of_now,
    assumeNotNull((SELECT if({as_of:Date} = toDate(0), today, {as_of:Date}) FROM {store}.current)) AS last_day,
    -- No row has epoch 0: the side that is not asked for reads nothing.
    (SELECT if({as_of:Date} = toDate(0), 0, epoch) FROM {store}.current) AS epoch_of_facts
SELECT
    dimension, segment, step, gap_days,
    sum(closed_gaps) AS closed,
    sum(open_gaps) AS open
FROM
(
    SELECT dimension, segment, step, toInt32(gap_days) AS gap_days, customers AS closed_gaps, 0 AS open_gaps
    FROM {store}.live_gaps_closed
    WHERE as_of_now
    UNION ALL
    SELECT dimension, segment, step, toInt32(last_day) - toInt32(day) AS gap_days, 0 AS closed_gaps, customers AS open_gaps
    FROM {store}.live_gaps_open
    WHERE as_of_now
    UNION ALL
    SELECT
        CAST(cut.1, 'LowCardinality(String)') AS dimension, CAST(cut.2, 'LowCardinality(String)') AS segment, step, gap_days,
        if(is_closed, customers, 0) AS closed_gaps,
        if(is_closed, 0, customers) AS open_gaps
    FROM
    (
        SELECT
            gap.1 AS step, gap.2 AS gap_days, gap.3 AS is_closed, dimensions, segments, toInt64(count()) AS customers
        FROM
        (
            -- Days of the purchases of a customer, in their order; the last one waits for the next. A purchase of several orders
            -- happened on the day of the first. Pairs of (nth, day) as one number each: tuples would take twice the time.
            SELECT
                key,
                arraySort(groupArray(toUInt64(nth) * 65536 + toUInt16(assumeNotNull(day)))) AS bought,
                arrayMap(
                    pair -> toInt32(pair % 65536),
                    arrayFilter(
                        (pair, before) -> intDiv(pair, 65536) != intDiv(before, 65536),
                        bought, arrayPushFront(arrayPopBack(bought), 0))) AS days,
                arrayMap(
                    (purchase_day, next_day, place) -> (toUInt32(place), next_day - purchase_day, place < length(days)),
                    days, arrayPushBack(arrayPopFront(days), toInt32(last_day)), arrayEnumerate(days)) AS gaps
            FROM {store}.orders FINAL
            WHERE epoch = epoch_of_facts AND counted AND nth IS NOT NULL AND startsWith(key, 'c:') AND day <= last_day
            GROUP BY key
        ) AS purchases
        LEFT JOIN
        (
            SELECT key, dimensions, segments
            FROM {store}.customer_figures FINAL
            WHERE epoch = epoch_of_facts
        ) AS figures ON figures.key = purchases.key
        ARRAY JOIN gaps AS gap
        GROUP BY step, gap_days, is_closed, dimensions, segments
    )
    ARRAY JOIN arrayConcat([('all', 'all')], arrayZip(dimensions, segments)) AS cut
)
GROUP BY dimension, segment, step, gap_days
HAVING closed != 0 OR open != 0;

CREATE OR REPLACE VIEW {store}.funnel_at
COMMENT 'The repeat-purchase funnel over gaps_at: one definition for repeat_funnel and repeat_funnel_at'
AS
WITH [30, 60, 90, 180, 365] AS horizons
SELECT
    dimension, segment, step, customers, next_customers, next_customers / customers AS conversion,
    CAST(mapFromArrays(horizons, risk_at), 'Map(UInt16, Int64)') AS at_risk,
    estimate[1] AS p30, low[1] AS p30_low, high[1] AS p30_high,
    estimate[2] AS p60, low[2] AS p60_low, high[2] AS p60_high,
    estimate[3] AS p90, low[3] AS p90_low, high[3] AS p90_high,
    estimate[4] AS p180, low[4] AS p180_low, high[4] AS p180_high,
    estimate[5] AS p365, low[5] AS p365_low, high[5] AS p365_high,
    median_gap_days
FROM
(
    SELECT
        dimension, segment, step, customers, next_customers,
        arrayMap(h -> arraySum(arrayMap((g, n) -> if(g >= h, n, 0), gaps, leaving)), horizons) AS risk_at,
        -- Gaps up to each horizon; the curves below start before the first gap.
        arrayMap(h -> arrayCount(g -> g <= h, gaps) + 1, horizons) AS places,
        -- Greenwood's variance is not defined where nobody is left waiting.
        arrayMap(i -> if(waiting[i] = 0, NULL, 1.959963984540054 * waiting[i] * sqrt(greenwood[i])), places) AS half_widths,
        arrayMap((h, i) -> if(h > gaps[-1], NULL, 1 - waiting[i]), horizons, places) AS estimate,
        arrayMap((p, w) -> if(p IS NULL OR w IS NULL, NULL, greatest(assumeNotNull(p) - assumeNotNull(w), 0)), estimate, half_widths) AS low,
        arrayMap((p, w) -> if(p IS NULL OR w IS NULL, NULL, least(assumeNotNull(p) + assumeNotNull(w), 1)), estimate, half_widths) AS high,
        -- A product of fractions may miss one half by its last digit.
        arrayFirstIndex(s -> s <= 0.5 + 1e-9, waiting) AS median_place,
        if(median_place = 0, NULL, toUInt32(gaps[median_place - 1])) AS median_gap_days
    FROM
    (
        SELECT
            dimension, segment, step,
            arraySort(groupArray((gap_days, closed, open))) AS histogram,
            histogram.1 AS gaps,
            arrayMap((c, o) -> c + o, histogram.2, histogram.3) AS leaving,
            arraySum(histogram.2) AS next_customers,
            arraySum(leaving) AS customers,
            -- At risk at a gap is whoever has not left before it, by a purchase or by being too young.
            arrayMap((n, left) -> customers - left + n, leaving, arrayCumSum(leaving)) AS at_risk,
            arrayPushFront(arrayMap(l -> exp(l), arrayCumSum(arrayMap((d, n) -> log(1 - d / n), histogram.2, at_risk))), 1.) AS waiting,
            arrayPushFront(arrayCumSum(arrayMap((d, n) -> if(d = n, 0., d / (n * (n - d))), histogram.2, at_risk)), 0.) AS greenwood
        FROM {store}.gaps_at(as_of = {as_of:Date})
        GROUP BY dimension, segment, step
    )
);

CREATE OR REPLACE VIEW {views}.repeat_gaps
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    step UInt32 COMMENT 'Step k: from the k-th purchase to the next',
    gap_days Int32 COMMENT 'Whole days between the two; of open gaps, days from the k-th purchase to today (below zero when it is dated after today)',
    closed Int64 COMMENT 'Customers who bought again after gap_days (METRICS 3)',
    open Int64 COMMENT 'Customers whose k-th purchase is their latest, gap_days ago (METRICS 3)'
)
COMMENT 'Gaps between consecutive purchases as of now, closed and open (METRICS 3)'
AS
SELECT * FROM {store}.gaps_at(as_of = '1970-01-01');

CREATE OR REPLACE VIEW {views}.repeat_funnel
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    step UInt32 COMMENT 'Step k = 1, 2, 3, ... without a cap',
    customers Int64 COMMENT 'Customers with at least k purchases (METRICS 3)',
    next_customers Int64 COMMENT 'Customers with at least k + 1 purchases (METRICS 3)',
    conversion Float64 COMMENT 'next_customers / customers, 0..1; who bought lately counts as lost, p30..p365 do not do that (METRICS 3)',
    at_risk Map(UInt16, Int64) COMMENT 'Horizon t in days -> customers at risk at t: neither bought again nor younger than t (METRICS 3)',
    p30 Nullable(Float64) COMMENT 'Kaplan-Meier probability of the next purchase within 30 days, 0..1; NULL beyond the longest follow-up (METRICS 3)',
    p30_low Nullable(Float64) COMMENT 'Lower end of the 95 % interval of p30, Greenwood, not below 0; NULL when nobody is left waiting (METRICS 3)',
    p30_high Nullable(Float64) COMMENT 'Upper end of the 95 % interval of p30, Greenwood, not above 1; NULL when nobody is left waiting (METRICS 3)',
    p60 Nullable(Float64) COMMENT 'Kaplan-Meier probability of the next purchase within 60 days, 0..1; NULL beyond the longest follow-up (METRICS 3)',
    p60_low Nullable(Float64) COMMENT 'Lower end of the 95 % interval of p60, Greenwood, not below 0; NULL when nobody is left waiting (METRICS 3)',
    p60_high Nullable(Float64) COMMENT 'Upper end of the 95 % interval of p60, Greenwood, not above 1; NULL when nobody is left waiting (METRICS 3)',
    p90 Nullable(Float64) COMMENT 'Kaplan-Meier probability of the next purchase within 90 days, 0..1; NULL beyond the longest follow-up (METRICS 3)',
    p90_low Nullable(Float64) COMMENT 'Lower end of the 95 % interval of p90, Greenwood, not below 0; NULL when nobody is left waiting (METRICS 3)',
    p90_high Nullable(Float64) COMMENT 'Upper end of the 95 % interval of p90, Greenwood, not above 1; NULL when nobody is left waiting (METRICS 3)',
    p180 Nullable(Float64) COMMENT 'Kaplan-Meier probability of the next purchase within 180 days, 0..1; NULL beyond the longest follow-up (METRICS 3)',
    p180_low Nullable(Float64) COMMENT 'Lower end of the 95 % interval of p180, Greenwood, not below 0; NULL when nobody is left waiting (METRICS 3)',
    p180_high Nullable(Float64) COMMENT 'Upper end of the 95 % interval of p180, Greenwood, not above 1; NULL when nobody is left waiting (METRICS 3)',
    p365 Nullable(Float64) COMMENT 'Kaplan-Meier probability of the next purchase within 365 days, 0..1; NULL beyond the longest follow-up (METRICS 3)',
    p365_low Nullable(Float64) COMMENT 'Lower end of the 95 % interval of p365, Greenwood, not below 0; NULL when nobody is left waiting (METRICS 3)',
    p365_high Nullable(Float64) COMMENT 'Upper end of the 95 % interval of p365, Greenwood, not above 1; NULL when nobody is left waiting (METRICS 3)',
    median_gap_days Nullable(UInt32) COMMENT 'First day on which the Kaplan-Meier probability of the next purchase is one half; NULL when it never is (METRICS 3)'
)
COMMENT 'Repeat-purchase funnel as of now (METRICS 3)'
AS
SELECT * FROM {store}.funnel_at(as_of = '1970-01-01');

CREATE OR REPLACE VIEW {views}.repeat_funnel_at
COMMENT 'The columns of the view repeat_funnel on a day, from facts: repeat_funnel_at(as_of = day). Purchases after that day are left out; statuses, refunds and segments are those of today (METRICS 3)'
AS
SELECT * FROM {store}.funnel_at(as_of = {as_of:Date});

CREATE OR REPLACE VIEW {views}.repeat_flow
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    month Date COMMENT 'First day of the month',
    step UInt32 COMMENT 'k',
    purchases Int64 COMMENT 'Purchases of the month that were somebody\'s k-th (METRICS 3)'
)
COMMENT 'Purchases per month that were somebody\'s 1st, 2nd, 3rd, ... (METRICS 3)'
AS
SELECT dimension, segment, month, step, sum(purchases) AS purchases
FROM {store}.live_repeat_flow
GROUP BY dimension, segment, month, step
HAVING purchases != 0;

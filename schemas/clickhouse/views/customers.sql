-- Customers and their money (METRICS 4).

CREATE OR REPLACE VIEW {views}.customer_money
(
    customer_id String COMMENT 'Customer',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    orders Int64 COMMENT 'Counted orders',
    purchases Int64 COMMENT 'Purchases: counted orders, those of one purchase_id taken as one (METRICS 1)',
    gross Decimal(38, 4) COMMENT 'Sum of amounts of counted orders, in currency (METRICS 1)',
    refunded Decimal(38, 4) COMMENT 'Refunds, those that name no order included, in currency (METRICS 1)',
    revenue Decimal(38, 4) COMMENT 'gross - refunded, in currency (METRICS 1)',
    margin Decimal(38, 4) COMMENT 'Margin after refunds, in currency (METRICS 1)',
    average_check Nullable(Float64) COMMENT 'S = revenue / purchases, in currency; NULL with revenue <= 0 (METRICS 4)',
    orders_per_month Nullable(Float64) COMMENT 'C = purchases / lifetime_months; NULL with revenue <= 0 (METRICS 4)',
    margin_rate Nullable(Float64) COMMENT 'P = margin / revenue, a fraction; NULL with revenue <= 0 (METRICS 4)',
    lifetime_months Nullable(Float64) COMMENT 't = max(1, days from first to last purchase / 30.4375), months; NULL with revenue <= 0 (METRICS 4)',
    ltv Decimal(38, 4) COMMENT 'Realised lifetime value S x C x P x t = margin to date, in currency; it grows with age (METRICS 4)'
)
COMMENT 'Money of a customer, one row per currency (METRICS 4)'
AS
SELECT
    substring(key, 3) AS customer_id,
    currency, orders, purchases, gross, refunded, revenue, margin,
    if(revenue > 0 AND purchases > 0, toFloat64(revenue) / purchases, NULL) AS average_check,
    if(revenue > 0 AND months_487 > 0, purchases * 487 / months_487, NULL) AS orders_per_month,
    if(revenue > 0, toFloat64(margin) / toFloat64(revenue), NULL) AS margin_rate,
    if(revenue > 0, months_487 / 487, NULL) AS lifetime_months,
    margin AS ltv
FROM {store}.customer_money FINAL
ARRAY JOIN currency, orders, purchases, months_487, gross, refunded, revenue, margin
WHERE epoch = (SELECT epoch FROM {store}.current)
    AND startsWith(key, 'c:')
    AND (orders != 0 OR gross != 0 OR refunded != 0 OR revenue != 0 OR margin != 0)
    AND key NOT IN (SELECT key FROM {store}.customers FINAL WHERE epoch = (SELECT epoch FROM {store}.current) AND erased);

CREATE OR REPLACE VIEW {views}.customers
(
    customer_id String COMMENT 'Customer',
    first_order_at Nullable(DateTime64(6, 'UTC')) COMMENT 'First counted order; NULL when there is none',
    last_order_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Latest counted order; NULL when there is none',
    tenure_months Nullable(Float64) COMMENT 'Days from the first purchase to today / 30.4375, months (METRICS 4)',
    orders UInt32 COMMENT 'Counted orders',
    purchases UInt32 COMMENT 'Purchases: counted orders, those of one purchase_id taken as one (METRICS 1)',
    nps_answers UInt32 COMMENT 'Scored answers that count, of all surveys (METRICS 2)',
    years_bought UInt16 COMMENT 'Calendar years with a purchase (METRICS 4)',
    is_core Bool COMMENT 'Whether the customer bought in at least 2 calendar years (METRICS 4)',
    referred_customers UInt64 COMMENT 'Customers whose first counted order names this one as who referred them (METRICS 5)',
    latest_score Nullable(UInt8) COMMENT 'Latest score in the headline survey; NULL: none (METRICS 2)',
    latest_nps_group LowCardinality(Nullable(String)) COMMENT 'Group of latest_score: detractor, passive or promoter (METRICS 2)',
    latest_answered_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When latest_score was given',
    segments Map(String, String) COMMENT 'Dimension -> segment, as the customer is today',
    excluded_reason LowCardinality(Nullable(String)) COMMENT 'Why the customer counts in no figure: test, employee, reseller, fraud, ...',
    currency LowCardinality(Nullable(String)) COMMENT 'Main currency, that of most orders (of two alike the first by alphabet), and of all money in the row; NULL without money',
    gross Decimal(38, 4) COMMENT 'Sum of amounts of counted orders, in currency (METRICS 1)',
    refunded Decimal(38, 4) COMMENT 'Refunds, those that name no order included, in currency (METRICS 1)',
    revenue Decimal(38, 4) COMMENT 'gross - refunded, in currency (METRICS 1)',
    margin Decimal(38, 4) COMMENT 'Margin after refunds, in currency (METRICS 1)',
    average_check Nullable(Float64) COMMENT 'S = revenue / purchases, in currency; NULL with revenue <= 0 (METRICS 4)',
    orders_per_month Nullable(Float64) COMMENT 'C = purchases / lifetime_months; NULL with revenue <= 0 (METRICS 4)',
    margin_rate Nullable(Float64) COMMENT 'P = margin / revenue, a fraction; NULL with revenue <= 0 (METRICS 4)',
    lifetime_months Nullable(Float64) COMMENT 't = max(1, days from first to last purchase / 30.4375), months; NULL with revenue <= 0 (METRICS 4)',
    ltv Decimal(38, 4) COMMENT 'Realised lifetime value = margin to date, in currency; it grows with age (METRICS 4)'
)
COMMENT 'Customers that are not erased, with their money in their main currency; customer_money has every currency (METRICS 4)'
AS
WITH
    -- Money of the main currency stands at this place of the arrays; 0 when there is none.
    indexOf(m.orders, arrayMax(m.orders)) AS main,
    m.revenue[main] AS main_revenue
SELECT
    substring(f.key, 3) AS customer_id,
    f.first_order_at, f.last_order_at,
    (toInt32(assumeNotNull((SELECT today FROM {store}.current))) - toInt32(f.first_day)) / 30.4375 AS tenure_months,
    f.orders AS orders, f.purchases AS purchases, f.answers AS nps_answers, f.years_bought, toBool(f.years_bought >= 2) AS is_core,
    r.referred AS referred_customers,
    f.latest_score,
    multiIf(f.latest_score IS NULL, NULL, f.latest_score >= 9, 'promoter', f.latest_score >= 7, 'passive', 'detractor') AS latest_nps_group,
    f.latest_answered_at,
    mapFromArrays(f.dimensions, f.segments) AS segments,
    f.excluded_reason,
    if(main = 0, NULL, m.currency[main]) AS currency,
    m.gross[main] AS gross, m.refunded[main] AS refunded, main_revenue AS revenue, m.margin[main] AS margin,
    if(main_revenue > 0, toFloat64(main_revenue) / m.purchases[main], NULL) AS average_check,
    if(main_revenue > 0, m.purchases[main] * 487 / m.months_487[main], NULL) AS orders_per_month,
    if(main_revenue > 0, toFloat64(m.margin[main]) / toFloat64(main_revenue), NULL) AS margin_rate,
    if(main_revenue > 0, m.months_487[main] / 487, NULL) AS lifetime_months,
    m.margin[main] AS ltv
FROM
(
    SELECT *
    FROM {store}.customer_figures FINAL
    WHERE epoch = (SELECT epoch FROM {store}.current)
        AND startsWith(key, 'c:')
        AND key NOT IN (SELECT key FROM {store}.customers FINAL WHERE epoch = (SELECT epoch FROM {store}.current) AND erased)
) AS f
LEFT JOIN
(
    SELECT * FROM {store}.customer_money FINAL WHERE epoch = (SELECT epoch FROM {store}.current)
) AS m ON m.key = f.key
LEFT JOIN
(
    SELECT concat('c:', assumeNotNull(referred_by)) AS key, count() AS referred
    FROM {store}.customer_figures FINAL
    WHERE epoch = (SELECT epoch FROM {store}.current) AND referred_by IS NOT NULL
    GROUP BY key
) AS r ON r.key = f.key;

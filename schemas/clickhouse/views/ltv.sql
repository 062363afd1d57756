-- Customer lifetime value (METRICS 4): realised, at the same age, by year, by cohort.

CREATE OR REPLACE VIEW {views}.ltv
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    customers Int64 COMMENT 'Customers with a counted order in the currency (METRICS 4)',
    orders Int64 COMMENT 'Counted orders (METRICS 1)',
    purchases Int64 COMMENT 'Purchases: counted orders, those of one purchase_id taken as one (METRICS 1)',
    gross Decimal(38, 4) COMMENT 'Sum of amounts, in currency (METRICS 1)',
    refunded Decimal(38, 4) COMMENT 'Refunds of these customers, those that name no order included, in currency (METRICS 1)',
    revenue Decimal(38, 4) COMMENT 'gross - refunded, in currency (METRICS 1)',
    margin Decimal(38, 4) COMMENT 'Margin after refunds, in currency (METRICS 1)',
    lifetime_months Float64 COMMENT 'Sum of the customers\' lifetimes, each max(1, days from first to last purchase / 30.4375), months (METRICS 4)',
    average_check Nullable(Float64) COMMENT 'S = revenue / purchases, in currency; NULL with revenue <= 0 (METRICS 4)',
    orders_per_month Nullable(Float64) COMMENT 'C = purchases / lifetime_months; NULL with revenue <= 0 (METRICS 4)',
    margin_rate Nullable(Float64) COMMENT 'P = margin / revenue, a fraction; NULL with revenue <= 0 (METRICS 4)',
    months Nullable(Float64) COMMENT 't = lifetime_months / customers, months; NULL with revenue <= 0 (METRICS 4)',
    ltv Nullable(Float64) COMMENT 'Realised lifetime value S x C x P x t = margin / customers, in currency; it grows with age: never compare old and young segments by it, value_at_age is for that (METRICS 4)',
    refund_only Nullable(Decimal(38, 4)) COMMENT 'Refunds of customers without a counted order, in currency, not in revenue; NULL in segments, for such customers are in none (METRICS 1)'
)
COMMENT 'Realised lifetime value, margin to date, per currency (METRICS 4)'
AS
SELECT
    dimension, segment, currency,
    sum(c.customers) AS customers,
    sum(c.orders) AS orders,
    sum(c.purchases) AS purchases,
    sum(c.gross) AS gross,
    sum(c.refunded) AS refunded,
    sum(c.revenue) AS revenue,
    sum(c.margin) AS margin,
    sum(c.months_487) AS total_487,
    total_487 / 487 AS lifetime_months,
    if(revenue > 0 AND purchases > 0, toFloat64(revenue) / purchases, NULL) AS average_check,
    if(revenue > 0 AND total_487 > 0, purchases * 487 / total_487, NULL) AS orders_per_month,
    if(revenue > 0, toFloat64(margin) / toFloat64(revenue), NULL) AS margin_rate,
    if(revenue > 0 AND customers > 0, total_487 / 487 / customers, NULL) AS months,
    if(customers > 0, toFloat64(margin) / customers, NULL) AS ltv,
    if(dimension = 'all', sum(c.refund_only), NULL) AS refund_only
FROM {store}.live_ltv AS c
GROUP BY dimension, segment, currency
HAVING customers != 0 OR orders != 0 OR gross != 0 OR refunded != 0 OR revenue != 0 OR margin != 0 OR ifNull(refund_only, 0) != 0;

CREATE OR REPLACE VIEW {views}.value_at_age
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    age_days UInt16 COMMENT 'Age: 90, 180, 365 or 730 days after the first order',
    customers Int64 COMMENT 'n: customers whose first order is at least age_days old (METRICS 4)',
    revenue Decimal(38, 4) COMMENT 'Their revenue within age_days of the first order, in currency (METRICS 4)',
    margin Decimal(38, 4) COMMENT 'Their margin within age_days of the first order, in currency (METRICS 4)',
    margin_per_customer Nullable(Float64) COMMENT 'margin / customers, in currency: comparable between old and young segments (METRICS 4)'
)
COMMENT 'Value at the same age, over the customers old enough (METRICS 4)'
AS
SELECT
    dimension, segment, currency, age_days,
    sum(c.customers) AS customers,
    sum(c.revenue) AS revenue,
    sum(c.margin) AS margin,
    if(customers = 0, NULL, toFloat64(margin) / customers) AS margin_per_customer
FROM {store}.live_value_at_age AS c
WHERE toInt32(first_day) + age_days <= toInt32(assumeNotNull((SELECT today FROM {store}.current)))
GROUP BY dimension, segment, currency, age_days
HAVING customers != 0 OR revenue != 0 OR margin != 0;

CREATE OR REPLACE VIEW {views}.ltv_yearly
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    year UInt16 COMMENT 'Calendar year of purchase',
    cohort_year UInt16 COMMENT 'Calendar year of the first order',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    customers Int64 COMMENT 'Customers of the cohort who bought in the year (METRICS 4)',
    orders Int64 COMMENT 'Their purchases in the year (METRICS 4)',
    revenue Decimal(38, 4) COMMENT 'Their revenue in the year, in currency (METRICS 4)',
    margin Decimal(38, 4) COMMENT 'Their margin in the year, in currency (METRICS 4)'
)
COMMENT 'Customers and money by year of purchase and cohort year (METRICS 4)'
AS
SELECT
    dimension, segment, year, cohort_year, currency,
    sum(c.customers) AS customers,
    sum(c.orders) AS orders,
    sum(c.revenue) AS revenue,
    sum(c.margin) AS margin
FROM {store}.live_ltv_yearly AS c
GROUP BY dimension, segment, year, cohort_year, currency
HAVING customers != 0 OR orders != 0 OR revenue != 0 OR margin != 0;

CREATE OR REPLACE VIEW {views}.core_customers
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    years_bought UInt16 COMMENT 'Number of calendar years with a purchase; core customers have at least 2',
    customers Int64 COMMENT 'Customers who bought in exactly that many calendar years (METRICS 4)'
)
COMMENT 'Customers by number of calendar years bought in (METRICS 4)'
AS
SELECT dimension, segment, years_bought, sum(c.customers) AS customers
FROM {store}.live_core_customers AS c
GROUP BY dimension, segment, years_bought
HAVING customers != 0;

CREATE OR REPLACE VIEW {views}.cohorts
(
    dimension LowCardinality(String) COMMENT 'Dimension; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    cohort_month Date COMMENT 'First day of the month of the first order',
    month_index UInt16 COMMENT 'Months since cohort_month: 0, 1, 2, ...',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    customers Int64 COMMENT 'Customers of the cohort who bought in the month (METRICS 4)',
    orders Int64 COMMENT 'Their purchases in the month (METRICS 4)',
    revenue Decimal(38, 4) COMMENT 'Their revenue in the month, in currency (METRICS 4)',
    margin Decimal(38, 4) COMMENT 'Their margin in the month, in currency (METRICS 4)',
    cohort_size Int64 COMMENT 'Customers of the cohort: those of month_index 0 (METRICS 4)',
    cumulative_margin Decimal(38, 4) COMMENT 'Margin of the cohort up to the month, in currency (METRICS 4)',
    cumulative_margin_per_customer Nullable(Float64) COMMENT 'cumulative_margin / cohort_size, in currency (METRICS 4)'
)
COMMENT 'Cohorts by month of the first order (METRICS 4)'
AS
SELECT
    dimension, segment, cohort_month, cell.1 AS month_index, currency,
    cell.2 AS customers, cell.3 AS orders, cell.4 AS revenue, cell.5 AS margin,
    size AS cohort_size,
    running AS cumulative_margin,
    if(size = 0, NULL, toFloat64(running) / size) AS cumulative_margin_per_customer
FROM
(
    SELECT
        dimension, segment, cohort_month, currency,
        arraySort(groupArray((month_index, buyers, purchases, money, profit))) AS cells,
        sumIf(buyers, month_index = 0) AS size
    FROM
    (
        SELECT
            dimension, segment, cohort_month, month_index, currency,
            sum(customers) AS buyers, sum(orders) AS purchases, sum(revenue) AS money, sum(margin) AS profit
        FROM {store}.live_cohorts
        GROUP BY dimension, segment, cohort_month, month_index, currency
        HAVING buyers != 0 OR purchases != 0 OR money != 0 OR profit != 0
    )
    GROUP BY dimension, segment, cohort_month, currency
)
ARRAY JOIN cells AS cell, arrayCumSum(cells.5) AS running;

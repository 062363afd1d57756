-- Sales per day (METRICS 1).

CREATE OR REPLACE VIEW {views}.sales_daily
(
    dimension LowCardinality(String) COMMENT 'Dimension of customers or orders; all is always there',
    segment LowCardinality(String) COMMENT 'Segment of the dimension',
    day Date COMMENT 'Day of the order in the reporting time zone; of the refund for refunds_booked',
    currency LowCardinality(String) COMMENT 'Currency of all money in the row',
    orders Int64 COMMENT 'Counted orders (METRICS 1)',
    purchases Int64 COMMENT 'Purchases: counted orders, those of one purchase_id taken as one (METRICS 1)',
    new_customers Int64 COMMENT 'Customers with their first counted order (METRICS 3)',
    gross Decimal(38, 4) COMMENT 'Sum of amounts, in currency (METRICS 1)',
    refunded Decimal(38, 4) COMMENT 'Refunds of the day\'s orders, whenever given, in currency (METRICS 1)',
    revenue Decimal(38, 4) COMMENT 'gross - refunded, in currency (METRICS 1)',
    margin Decimal(38, 4) COMMENT 'Margin after refunds, in currency (METRICS 1)',
    refunds_booked Decimal(38, 4) COMMENT 'Refunds given on the day, whatever their orders, in currency: the finance view of the same money (METRICS 1)',
    guests Int64 COMMENT 'Of orders, those of guests (METRICS 1)'
)
COMMENT 'Orders and money per day and currency, guests included (METRICS 1)'
AS
SELECT
    dimension, segment, day, currency,
    sum(orders) AS orders,
    sum(purchases) AS purchases,
    sum(new_customers) AS new_customers,
    sum(gross) AS gross,
    sum(refunded) AS refunded,
    sum(revenue) AS revenue,
    sum(margin) AS margin,
    sum(refunds_booked) AS refunds_booked,
    sum(guests) AS guests
FROM {store}.live_sales_daily
GROUP BY dimension, segment, day, currency
HAVING orders != 0 OR purchases != 0 OR new_customers != 0 OR guests != 0
    OR gross != 0 OR refunded != 0 OR revenue != 0 OR margin != 0 OR refunds_booked != 0;

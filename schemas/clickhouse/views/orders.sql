-- Orders, refunds, lines and attributes of orders: facts, one row per entity.

CREATE OR REPLACE VIEW {views}.orders
(
    order_id String COMMENT 'Order',
    purchase_id String COMMENT 'Purchase that the order is a part of; its own id when the record names none (METRICS 1)',
    customer_id Nullable(String) COMMENT 'Customer; NULL of a guest',
    ordered_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When the purchase was made',
    day Nullable(Date) COMMENT 'Day of ordered_at in the reporting time zone',
    status LowCardinality(Nullable(String)) COMMENT 'pending, placed, paid, shipped, delivered, completed, cancelled, returned or failed',
    kind LowCardinality(String) COMMENT 'sale, exchange, replacement or sample',
    counted Bool COMMENT 'Whether it counts in the figures (METRICS 1)',
    amount Nullable(Decimal(38, 4)) COMMENT 'Goods after discounts, without tax and shipping, in currency',
    tax Nullable(Decimal(38, 4)) COMMENT 'Tax, in currency',
    shipping Nullable(Decimal(38, 4)) COMMENT 'Shipping, in currency',
    discount Nullable(Decimal(38, 4)) COMMENT 'Discount, in currency',
    bonus_spent Nullable(Decimal(38, 4)) COMMENT 'Paid with loyalty points, in currency',
    refunded Decimal(38, 4) COMMENT 'Refunds that name the order, at most amount, in currency (METRICS 1)',
    over_refunded Decimal(38, 4) COMMENT 'Refunds that name the order beyond its amount, in currency (METRICS 1)',
    revenue Decimal(38, 4) COMMENT 'amount - refunded of a counted order, on the day of the order, in currency (METRICS 1)',
    margin Decimal(38, 4) COMMENT 'Margin of a counted order after refunds, in currency (METRICS 1)',
    currency LowCardinality(Nullable(String)) COMMENT 'Currency of all money in the row',
    nth Nullable(UInt32) COMMENT 'The purchase of the customer that it belongs to: 1, 2, 3, ...; NULL of a guest and when not counted',
    is_first Bool COMMENT 'Whether it is the first counted order of its customer',
    days_since_previous Nullable(UInt32) COMMENT 'Whole days since the purchase before; NULL of the first',
    channel LowCardinality(Nullable(String)) COMMENT 'Sales channel',
    store LowCardinality(Nullable(String)) COMMENT 'Store',
    seller LowCardinality(Nullable(String)) COMMENT 'Seller',
    manager LowCardinality(Nullable(String)) COMMENT 'Manager',
    campaign LowCardinality(Nullable(String)) COMMENT 'Campaign',
    referred_by Nullable(String) COMMENT 'Customer who referred the buyer',
    excluded_reason LowCardinality(Nullable(String)) COMMENT 'Why the order itself counts in no figure: test, employee, reseller, fraud, ...',
    source LowCardinality(String) COMMENT 'Configured source of the latest record',
    updated_at DateTime64(6, 'UTC') COMMENT 'When the latest record says it was made'
)
COMMENT 'Orders that are neither deleted, nor moved to another customer, nor erased (METRICS 1)'
AS
SELECT
    id AS order_id,
    coalesce(o.purchase_id, id) AS purchase_id,
    if(startsWith(key, 'c:'), substring(key, 3), NULL) AS customer_id,
    ordered_at, day, status, ifNull(o.kind, 'sale') AS kind, counted,
    amount, tax, shipping, discount, bonus_spent,
    refunded, over_refunded, revenue, net_margin AS margin, currency,
    nth, is_first, days_since_previous,
    channel, store, seller, manager, campaign, referred_by, excluded_reason, source, updated_at
FROM {store}.orders AS o FINAL
WHERE epoch = (SELECT epoch FROM {store}.current)
    AND NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
-- A filter on the key or the id reads those two columns of the table first, and the others only where it holds.
SETTINGS optimize_move_to_prewhere_if_final = 1;

CREATE OR REPLACE VIEW {views}.refunds
(
    refund_id String COMMENT 'Refund',
    customer_id Nullable(String) COMMENT 'Customer; NULL of a guest',
    order_id Nullable(String) COMMENT 'Order that it names; NULL when it names none',
    refunded_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When the money was given back',
    day Nullable(Date) COMMENT 'Day of refunded_at in the reporting time zone',
    amount Nullable(Decimal(38, 4)) COMMENT 'Money given back, in currency',
    margin Nullable(Decimal(38, 4)) COMMENT 'Margin given back, as the record says, in currency; NULL when it does not say (METRICS 1)',
    currency LowCardinality(Nullable(String)) COMMENT 'Currency of all money in the row',
    channel LowCardinality(Nullable(String)) COMMENT 'Sales channel',
    store LowCardinality(Nullable(String)) COMMENT 'Store',
    reason LowCardinality(Nullable(String)) COMMENT 'Reason',
    source LowCardinality(String) COMMENT 'Configured source of the latest record',
    updated_at DateTime64(6, 'UTC') COMMENT 'When the latest record says it was made'
)
COMMENT 'Refunds that are neither deleted, nor moved to another customer, nor erased (METRICS 1)'
AS
SELECT
    id AS refund_id,
    if(startsWith(key, 'c:'), substring(key, 3), NULL) AS customer_id,
    order_id, refunded_at, day, amount, margin, currency, channel, store, reason, source, updated_at
FROM {store}.refunds FINAL
WHERE epoch = (SELECT epoch FROM {store}.current)
    AND NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
-- A filter on the key or the id reads those two columns of the table first, and the others only where it holds.
SETTINGS optimize_move_to_prewhere_if_final = 1;

CREATE OR REPLACE VIEW {views}.order_items
(
    order_id String COMMENT 'Order',
    customer_id Nullable(String) COMMENT 'Customer; NULL of a guest',
    ordered_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When the purchase was made',
    counted Bool COMMENT 'Whether the order counts in the figures (METRICS 1)',
    line UInt32 COMMENT 'Place of the line in the order: 1, 2, 3, ...',
    sku String COMMENT 'Stock-keeping unit',
    category Nullable(String) COMMENT 'Category; NULL when unknown',
    brand Nullable(String) COMMENT 'Brand; NULL when unknown',
    quantity Decimal(38, 4) COMMENT 'Pieces, kilograms, ...',
    price Decimal(38, 4) COMMENT 'Price of one, in currency',
    amount Decimal(38, 4) COMMENT 'What the line costs, in currency',
    currency LowCardinality(Nullable(String)) COMMENT 'Currency of all money in the row'
)
COMMENT 'Lines of the orders that the view orders shows, one row per line (METRICS 1)'
AS
SELECT
    id AS order_id,
    if(startsWith(key, 'c:'), substring(key, 3), NULL) AS customer_id,
    ordered_at, counted, line,
    sku, nullIf(category, '') AS category, nullIf(brand, '') AS brand,
    quantity, price, amount, currency
FROM
(
    SELECT key, id, line, sku, category, brand, quantity, price, amount
    FROM {store}.order_items FINAL
    ARRAY JOIN arrayEnumerate(sku) AS line, sku, category, brand, quantity, price, amount
) AS lines
INNER JOIN
(
    SELECT key, id, ordered_at, counted, currency
    FROM {store}.orders FINAL
    WHERE epoch = (SELECT epoch FROM {store}.current)
        AND NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
) AS alive USING (key, id)
-- Both sides are sorted by the key already; a hash table of all orders would take three times as long.
SETTINGS join_algorithm = 'full_sorting_merge', optimize_move_to_prewhere_if_final = 1;

CREATE OR REPLACE VIEW {views}.order_attributes
(
    order_id String COMMENT 'Order',
    customer_id Nullable(String) COMMENT 'Customer; NULL of a guest',
    name String COMMENT 'Attribute',
    value String COMMENT 'Its value'
)
COMMENT 'Free attributes of the orders that the view orders shows, without those of erased customers, one row per attribute (METRICS 1)'
AS
SELECT
    id AS order_id,
    if(startsWith(key, 'c:'), substring(key, 3), NULL) AS customer_id,
    substring(field, length('attributes.') + 1) AS name,
    assumeNotNull(d.value) AS value
FROM {store}.details AS d FINAL
WHERE subject = 'order' AND startsWith(field, 'attributes.') AND d.value IS NOT NULL
    -- The few that are not shown, for the many that are would not fit into memory.
    AND (key, id) NOT IN (
        SELECT key, id
        FROM {store}.orders FINAL
        WHERE epoch = (SELECT epoch FROM {store}.current)
            AND (erased OR ifNull(deleted, false) OR ifNull(moved, false))
    )
    AND key NOT IN (SELECT key FROM {store}.customers FINAL WHERE epoch = (SELECT epoch FROM {store}.current) AND erased)
SETTINGS optimize_move_to_prewhere_if_final = 1;

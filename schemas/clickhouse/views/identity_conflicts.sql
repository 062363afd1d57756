-- One id under two keys: never a silent double count (DESIGN 1).

CREATE OR REPLACE VIEW {views}.identity_conflicts
(
    order_id Nullable(String) COMMENT 'Order that is alive under more than one key; NULL when it is a response',
    response_id Nullable(String) COMMENT 'Response that is alive under more than one key; NULL when it is an order',
    keys Array(String) COMMENT 'The keys: c:<customer>, o:<order> or e:<own id>',
    amounts Array(Nullable(Decimal(38, 4))) COMMENT 'Amount of the order under each of keys, in the same order; empty of a response',
    currencies Array(Nullable(String)) COMMENT 'Currency of each of amounts; empty of a response',
    counted UInt64 COMMENT 'Under how many of the keys it counts'
)
COMMENT 'Order ids and response ids alive under two keys: each is counted twice until the source says which is right (DESIGN 1)'
AS
WITH
    -- Almost no id is a conflict: counting hashes first keeps the many that are none out of memory.
    suspect_orders AS
    (
        SELECT sipHash64(id)
        FROM {store}.orders FINAL
        WHERE epoch = (SELECT epoch FROM {store}.current)
            AND NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
        GROUP BY sipHash64(id)
        HAVING count() > 1
    ),
    suspect_responses AS
    (
        SELECT sipHash64(id)
        FROM {store}.survey_responses FINAL
        WHERE epoch = (SELECT epoch FROM {store}.current)
            AND NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
        GROUP BY sipHash64(id)
        HAVING count() > 1
    )
SELECT
    if(is_order, id, NULL) AS order_id,
    if(is_order, NULL, id) AS response_id,
    sides.1 AS keys,
    if(is_order, sides.2, []) AS amounts,
    if(is_order, sides.3, []) AS currencies,
    countEqual(sides.4, true) AS counted
FROM
(
    SELECT true AS is_order, id, arraySort(groupArray((key, amount, currency, counted))) AS sides
    FROM {store}.orders FINAL
    WHERE epoch = (SELECT epoch FROM {store}.current)
        AND NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
        AND sipHash64(id) IN suspect_orders
    GROUP BY id
    HAVING count() > 1
    UNION ALL
    SELECT
        false AS is_order, id,
        arraySort(groupArray((key, CAST(NULL, 'Nullable(Decimal(18, 4))'), CAST(NULL, 'LowCardinality(Nullable(String))'), counted))) AS sides
    FROM {store}.survey_responses FINAL
    WHERE epoch = (SELECT epoch FROM {store}.current)
        AND NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
        AND sipHash64(id) IN suspect_responses
    GROUP BY id
    HAVING count() > 1
)
SETTINGS optimize_move_to_prewhere_if_final = 1;

-- What counts, recounted from the entities' own fields alone: no derived column and no line of the fold is read here (METRICS 1, 2).
-- Common table expressions that every recount beside this file begins with; what a recount does not name costs nothing.
-- Money is in 1/10 000 as Int128, so that every sum is exact. A day of 1970-01-01 stands for none: no event is that old.

WITH
customer_records AS
(
    SELECT key, CAST(ifNull(excluded_reason, ''), 'String') AS excluded_reason, attribute_names, attribute_values
    FROM {store}.customers FINAL
    PREWHERE {scope}
    WHERE NOT erased AND NOT ifNull(deleted, false) AND key = concat('c:', id)
),
excluded_keys AS
(
    SELECT key FROM customer_records WHERE excluded_reason != ''
),
refunds_alive AS
(
    SELECT
        key, key_hash, id, order_id,
        toDate(assumeNotNull(refunded_at), {zone}) AS day,
        toInt128(toDecimal256(assumeNotNull(amount), 4) * 10000) AS amount_units,
        toInt128(toDecimal256(margin, 4) * 10000) AS margin_units,
        CAST(assumeNotNull(currency), 'String') AS money,
        {refund_cuts} AS own_cuts
    FROM {store}.refunds FINAL
    PREWHERE {scope}
    WHERE NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
        AND refunded_at IS NOT NULL AND amount IS NOT NULL AND currency IS NOT NULL
),
-- What the refunds of one order in one currency add up to; their own margins only when all of them carry one.
given_back AS
(
    SELECT
        key, assumeNotNull(order_id) AS id, money,
        sum(amount_units) AS given,
        countIf(margin_units IS NULL) = 0 AS all_carry_margin,
        sum(ifNull(margin_units, 0)) AS given_margin
    FROM refunds_alive
    WHERE order_id IS NOT NULL
    GROUP BY key, id, money
),
orders_alive AS
(
    SELECT
        key, key_hash, id,
        assumeNotNull(ordered_at) AS at,
        toDate(at, {zone}) AS day,
        toInt128(toDecimal256(assumeNotNull(amount), 4) * 10000) AS amount_units,
        toInt128(toDecimal256(margin, 4) * 10000) AS said_margin,
        CAST(assumeNotNull(currency), 'String') AS money,
        ifNull(purchase_id, id) AS purchase,
        referred_by,
        ifNull(kind, 'sale') = 'sale'
            AND ifNull(status, '') IN ('placed', 'paid', 'shipped', 'delivered', 'completed')
            AND ifNull(excluded_reason, '') = '' AS sells,
        {order_texts} AS texts,
        {order_cuts} AS own_cuts
    FROM {store}.orders FINAL
    PREWHERE {scope}
    WHERE NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
        AND ordered_at IS NOT NULL AND amount IS NOT NULL AND currency IS NOT NULL
),
-- What the refunds take from each order, its margin before them, and whether it counts.
orders_refunded AS
(
    SELECT
        o.key AS key, key_hash, o.id AS id, at, day, amount_units, o.money AS money, purchase, referred_by, texts, own_cuts,
        least(given, amount_units) AS refunded_units,
        given - refunded_units AS over_refunded_units,
        sells
            AND (amount_units > 0 OR (amount_units = 0 AND {count_zero_amount}))
            AND NOT (amount_units > 0 AND refunded_units >= amount_units)
            AND key NOT IN (SELECT key FROM excluded_keys) AS counts,
        {half_even:usual_margin:amount_units * {margin_rate}:toInt128(10000)},
        ifNull(said_margin, usual_margin) AS full_margin,
        {half_even:share:full_margin * refunded_units:greatest(amount_units, toInt128(1))},
        -- No refund at all takes nothing, and nothing is shared out of an order of zero.
        full_margin - multiIf(all_carry_margin, given_margin, amount_units = 0, 0, share) AS net_margin_units
    FROM orders_alive AS o
    LEFT JOIN given_back AS g ON g.key = o.key AND g.id = o.id AND g.money = o.money
),
-- Orders that share a purchase_id are one purchase, on its first day: once over all currencies, once within each.
orders_grouped AS
(
    SELECT
        *,
        startsWith(key, 'c:') AS is_customer,
        amount_units - refunded_units AS revenue_units,
        row_number() OVER (PARTITION BY key ORDER BY at, id) AS place,
        row_number() OVER (PARTITION BY key, purchase ORDER BY at, id) = 1 AS begins,
        row_number() OVER (PARTITION BY key, money, purchase ORDER BY at, id) = 1 AS begins_in_money
    FROM orders_refunded
    WHERE counts
),
orders_counted AS
(
    SELECT
        *,
        max(if(begins, number_so_far, 0)) OVER (PARTITION BY key, purchase) AS number
    FROM
    (
        SELECT *, sum(opens) OVER (PARTITION BY key ORDER BY at, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS number_so_far
        FROM
        (
            SELECT
                *,
                toUInt8(begins AND NOT ({merge_same_day} AND day = lagInFrame(day) OVER (
                    PARTITION BY key, begins ORDER BY at, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))) AS opens,
                toUInt8(begins_in_money AND NOT ({merge_same_day} AND day = lagInFrame(day) OVER (
                    PARTITION BY key, money, begins_in_money ORDER BY at, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))) AS opens_in_money
            FROM orders_grouped
        )
    )
),
-- The purchases of customers, and the day of the one before and the one after.
purchases AS
(
    SELECT
        key, key_hash, number, day,
        lagInFrame(day) OVER w AS day_before,
        leadInFrame(day) OVER w AS day_after
    FROM orders_counted
    WHERE opens = 1 AND is_customer
    WINDOW w AS (PARTITION BY key ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
),
-- The segments of each customer; who is not in it is unknown in all of them.
customer_cuts AS
(
    {customer_cuts}
),
-- Money of customers by day: of an order, or less by a refund that names none.
lines AS
(
    SELECT *, minIf(day, opens_in_money = 1) OVER (PARTITION BY key, money) AS born
    FROM
    (
        SELECT
            key, key_hash, money, day, opens_in_money, toInt128(1) AS orders, amount_units AS gross,
            refunded_units AS refunded, revenue_units AS revenue, net_margin_units AS margin
        FROM orders_counted
        WHERE is_customer
        UNION ALL
        SELECT
            key, key_hash, money, day, 0 AS opens_in_money, toInt128(0) AS orders, toInt128(0) AS gross,
            amount_units AS refunded, -amount_units AS revenue, -ifNull(margin_units, usual) AS margin
        FROM
        (
            SELECT *, {half_even:usual:amount_units * {margin_rate}:toInt128(10000)}
            FROM refunds_alive
            WHERE order_id IS NULL AND startsWith(key, 'c:') AND key NOT IN (SELECT key FROM excluded_keys)
        )
    )
),
-- A customer's money in one currency; without a day of birth there are refunds alone.
purses AS
(
    SELECT
        key, any(key_hash) AS hash, money, any(born) AS born_on,
        sum(orders) AS orders, toInt128(sum(opens_in_money)) AS purchases,
        sum(gross) AS gross, sum(refunded) AS refunded, sum(revenue) AS revenue, sum(margin) AS margin,
        if(purchases = 0, 0, greatest(487, 16 * (toInt128(maxIf(day, opens_in_money = 1)) - toInt128(born_on)))) AS months_487
    FROM lines
    GROUP BY key, money
),
invitations_alive AS
(
    SELECT
        key, key_hash, id, CAST(ifNull(survey, ''), 'String') AS asked, ifNull(reminder_of, '') AS earlier,
        if(invited_at IS NULL, toDate(0), toDate(assumeNotNull(invited_at), {zone})) AS day,
        ifNull(status, '') = 'delivered' AS arrived,
        ifNull(order_id, '') AS order_named, order_id IS NOT NULL AS names_order,
        {invitation_texts} AS own_texts
    FROM {store}.survey_invitations FINAL
    PREWHERE {scope}
    WHERE NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
),
-- Which invitation each reminder, reminder of a reminder, ... belongs to. Who reminds of itself in a circle reminds of nothing.
reminders AS
(
    SELECT
        key, ids[n] AS id,
        arrayFold((at, step) -> if(has(ids, at), parents[indexOf(ids, at)], at), arrayEnumerate(ids), ids[n]) AS end,
        if(has(ids, end), id, end) AS root
    FROM
    (
        SELECT i.key AS key, groupArray(i.id) AS ids, groupArray(i.earlier) AS parents
        FROM invitations_alive AS i
        SEMI LEFT JOIN invitations_alive AS p ON p.key = i.key AND p.id = i.earlier
        WHERE i.earlier != i.id
        GROUP BY key
    )
    ARRAY JOIN arrayEnumerate(ids) AS n
),
answers_alive AS
(
    SELECT
        a.key AS key, a.key_hash AS key_hash, a.id AS id,
        assumeNotNull(answered_at) AS at,
        toDate(at, {zone}) AS day,
        CAST(assumeNotNull(survey), 'String') AS asked,
        a.score AS score, a.score IS NOT NULL AS scored,
        order_id,
        if(r.root != '', r.root, ifNull(invitation_id, '')) AS invitation,
        {response_texts} AS own_texts
    FROM
    (
        SELECT *
        FROM {store}.survey_responses FINAL
        PREWHERE {scope}
        WHERE NOT erased AND NOT ifNull(deleted, false) AND NOT ifNull(moved, false)
            AND ifNull(excluded_reason, '') = '' AND answered_at IS NOT NULL
            AND ifNull(survey, '') IN {surveys}
            AND key NOT IN (SELECT key FROM excluded_keys)
    ) AS a
    LEFT JOIN reminders AS r ON r.key = a.key AND r.id = a.invitation_id
),
-- Of several scored answers to one invitation only the latest counts. What comes next takes its unit's place in a window.
answers AS
(
    SELECT
        *,
        startsWith(key, 'c:') AS is_customer,
        if(is_customer, leadInFrame(day) OVER (
            PARTITION BY key, asked, scored ORDER BY at, id
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), toDate(0)) AS next_of_customer,
        leadInFrame(day) OVER (
            PARTITION BY key, asked, scored, order_id ORDER BY at, id
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next_of_order
    FROM
    (
        SELECT *, row_number() OVER (PARTITION BY key, asked, invitation, scored ORDER BY at DESC, id DESC) AS later
        FROM answers_alive
    )
    WHERE NOT scored OR invitation = '' OR later = 1
),
answers_cut AS
(
    SELECT a.*, {cuts_of_customer:c} AS customer_cuts, {response_cuts:a:o} AS response_cuts
    FROM answers AS a
    LEFT JOIN customer_cuts AS c ON c.key = a.key
    LEFT JOIN {counted_texts} AS o ON o.key = a.key AND o.id = a.order_id
),
-- Invitations that count: reminders are part of the one that they remind of.
invitations AS
(
    SELECT
        i.key AS key, i.key_hash AS key_hash, i.id AS id, i.asked AS asked, i.day AS day,
        f.reminders AS reminders, f.delivered AS delivered, ifNull(l.response, '') AS response,
        arrayConcat({cuts_of_customer:c}, {response_cuts:i:o}) AS cuts
    FROM invitations_alive AS i
    INNER JOIN
    (
        SELECT m.key AS key, if(r.root != '', r.root, m.id) AS root, max(arrived) AS delivered, countIf(m.id != root) AS reminders
        FROM invitations_alive AS m
        LEFT JOIN reminders AS r ON r.key = m.key AND r.id = m.id
        GROUP BY key, root
    ) AS f ON f.key = i.key AND f.root = i.id
    LEFT JOIN
    (
        SELECT key, asked, invitation, any(id) AS response
        FROM answers
        WHERE scored AND invitation != ''
        GROUP BY key, asked, invitation
    ) AS l ON l.key = i.key AND l.asked = i.asked AND l.invitation = i.id
    LEFT JOIN customer_cuts AS c ON c.key = i.key
    LEFT JOIN {counted_texts} AS o ON o.key = i.key AND o.id = i.order_named AND i.names_order
    WHERE i.asked IN {surveys} AND i.day != toDate(0) AND i.key NOT IN (SELECT key FROM excluded_keys)
)

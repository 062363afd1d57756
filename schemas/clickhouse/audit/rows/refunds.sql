SELECT key, id, {shown_day:refunded_at} AS day
FROM (SELECT key, id, refunded_at FROM {store}.refunds FINAL PREWHERE {scope})

SELECT * FROM deployment
SELECT * FROM nps WHERE dimension = 'all'
SELECT * FROM nps WHERE dimension = 'region' AND window_days = 30
SELECT * FROM nps WHERE dimension = 'store' AND window_days = 30
SELECT * FROM nps_at(as_of = today() - 1, window_days = 30) WHERE dimension = 'all'
SELECT * FROM nps_at(as_of = today() - 1, window_days = 30) WHERE dimension = 'region'
SELECT * FROM nps_at(as_of = today() - 1, window_days = 30) WHERE dimension = 'store'
SELECT * FROM nps_at(as_of = today() - 1, window_days = 365) WHERE dimension = 'store' AND survey = 'after_delivery' AND population = 'responses'
SELECT * FROM nps_at(as_of = today() - 1, window_days = 365) WHERE dimension = 'store' AND survey = 'after_delivery' AND population = 'customers'
SELECT * FROM nps_change(as_of = today() - 1, window_days = 30) WHERE dimension = 'store'
SELECT * FROM nps_trend(window_days = 30, from_day = today() - 365, to_day = today()) WHERE dimension = 'all'
SELECT * FROM nps_trend(window_days = 30, from_day = today() - 365, to_day = today()) WHERE dimension = 'store' AND segment = 'store 7'
SELECT * FROM nps_between(from_day = today() - 30, to_day = today()) WHERE dimension = 'region' AND population = 'responses'
SELECT score, sum(responses) FROM nps_scores WHERE dimension = 'region' AND day > today() - 30 GROUP BY score
SELECT * FROM repeat_funnel WHERE dimension = 'all'
SELECT * FROM repeat_funnel WHERE dimension = 'region'
SELECT * FROM repeat_funnel WHERE dimension = 'cohort_month' AND segment = 'cohort_month 7'
SELECT * FROM repeat_funnel WHERE dimension = 'cohort_month'
SELECT * FROM repeat_flow WHERE dimension = 'region'
SELECT * FROM activity WHERE dimension = 'region'
SELECT * FROM sales_daily WHERE dimension = 'all' AND day > today() - 90
SELECT segment, sum(revenue) FROM sales_daily WHERE dimension = 'store' AND day > today() - 90 GROUP BY segment
SELECT * FROM ltv WHERE dimension = 'region'
SELECT * FROM value_at_age WHERE dimension = 'region'
SELECT * FROM cohorts WHERE dimension = 'all'

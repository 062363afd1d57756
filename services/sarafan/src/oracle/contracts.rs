//! Which rows of which view the recount speaks of, and how a view is read in its words.

/// How one view is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contract {
    /// The view; the recount calls it the same.
    pub(super) view: &'static str,
    /// Columns that tell rows apart.
    pub(super) keys: &'static [&'static str],
    /// Columns that must be equal, digit for digit.
    pub(super) exact: &'static [&'static str],
    /// Columns that are quotients: equal but for the order of floating-point operations.
    pub(super) close: &'static [&'static str],
    /// Reads these columns.
    pub(super) sql: &'static str,
}

/// Every view that the recount knows.
pub(super) const CONTRACTS: &[Contract] = &[
    Contract {
        view: "nps",
        keys: &["survey", "population", "window_days", "dimension", "segment"],
        exact: &["detractors", "passives", "promoters", "responses", "significant"],
        close: &["nps", "nps_low", "nps_high", "previous_nps", "change_p"],
        sql: "SELECT survey, population, window_days, dimension, segment, detractors, passives, promoters, responses, \
              significant, nps, nps_low, nps_high, previous_nps, change_p FROM nps",
    },
    Contract {
        view: "nps_scores",
        keys: &["survey", "dimension", "segment", "day", "score"],
        exact: &["responses"],
        close: &[],
        sql: "SELECT survey, dimension, segment, day, score, responses FROM nps_scores",
    },
    Contract {
        view: "repeat_funnel",
        keys: &["dimension", "segment", "step"],
        exact: &["customers", "next_customers"],
        close: &["conversion", "p30", "p60", "p90", "p180", "p365"],
        sql: "SELECT dimension, segment, step, customers, next_customers, conversion, p30, p60, p90, p180, p365 \
              FROM repeat_funnel",
    },
    Contract {
        view: "repeat_gaps",
        keys: &["dimension", "segment", "step", "gap_days"],
        exact: &["closed", "open"],
        close: &[],
        sql: "SELECT dimension, segment, step, gap_days, closed, open FROM repeat_gaps",
    },
    Contract {
        view: "ltv",
        keys: &["dimension", "segment", "currency"],
        exact: &["customers", "orders", "purchases", "gross", "refunded", "revenue", "margin", "refund_only"],
        close: &["lifetime_months", "average_check", "orders_per_month", "margin_rate", "months", "ltv"],
        // The recount has no row for a currency in which money was only ever given back.
        sql: "SELECT dimension, segment, currency, customers, orders, purchases, gross, refunded, revenue, margin, \
              refund_only, lifetime_months, average_check, orders_per_month, margin_rate, months, ltv FROM ltv \
              WHERE customers != 0",
    },
    Contract {
        view: "cohorts",
        keys: &["dimension", "segment", "cohort_month", "month_index", "currency"],
        exact: &["customers", "orders", "revenue", "margin"],
        close: &[],
        sql: "SELECT dimension, segment, formatDateTime(cohort_month, '%Y-%m') AS cohort_month, month_index, currency, \
              customers, orders, revenue, margin FROM cohorts",
    },
    Contract {
        view: "value_at_age",
        keys: &["dimension", "segment", "currency", "age_days"],
        exact: &["customers", "revenue", "margin"],
        close: &[],
        sql: "SELECT dimension, segment, currency, age_days, customers, revenue, margin FROM value_at_age",
    },
    Contract {
        view: "ltv_yearly",
        keys: &["dimension", "segment", "year", "cohort_year", "currency"],
        exact: &["customers", "orders", "revenue", "margin"],
        close: &[],
        sql: "SELECT dimension, segment, year, cohort_year, currency, customers, orders, revenue, margin \
              FROM ltv_yearly",
    },
    Contract {
        view: "core_customers",
        keys: &["dimension", "segment", "years_bought"],
        exact: &["count"],
        close: &[],
        sql: "SELECT dimension, segment, years_bought, customers AS count FROM core_customers",
    },
    Contract {
        view: "activity",
        keys: &["dimension", "segment", "month"],
        exact: &["new", "returning", "reactivated", "lapsed", "repeat"],
        close: &[],
        sql: "SELECT dimension, segment, formatDateTime(month, '%Y-%m') AS month, new, returning, reactivated, lapsed, \
              toInt64(round(ifNull(repeat_rate, 0) * active)) AS repeat FROM activity",
    },
    Contract {
        view: "repeat_flow",
        keys: &["dimension", "segment", "month", "step"],
        exact: &["count"],
        close: &[],
        sql: "SELECT dimension, segment, formatDateTime(month, '%Y-%m') AS month, step, purchases AS count \
              FROM repeat_flow",
    },
    Contract {
        view: "sales_daily",
        keys: &["dimension", "segment", "day", "currency"],
        exact: &[
            "orders",
            "purchases",
            "new_customers",
            "gross",
            "refunded",
            "revenue",
            "margin",
            "refunds_booked",
            "guests",
        ],
        close: &[],
        sql: "SELECT dimension, segment, day, currency, orders, purchases, new_customers, gross, refunded, revenue, \
              margin, refunds_booked, guests FROM sales_daily",
    },
];

/// What the shop's program counts besides.
pub(super) const SHOP_CONTRACTS: &[Contract] = &[
    Contract {
        view: "response_rates",
        keys: &["survey", "window_days", "dimension", "segment"],
        exact: &["delivered", "answered", "pending"],
        close: &[],
        sql: "SELECT survey, window_days, dimension, segment, delivered, answered, pending FROM nps \
              WHERE population = 'customers'",
    },
    Contract {
        view: "dead_letters",
        keys: &["source", "reason"],
        exact: &["records"],
        close: &[],
        sql: "SELECT source, reason, records FROM freshness \
              ARRAY JOIN mapKeys(dead_letters) AS reason, mapValues(dead_letters) AS records",
    },
    Contract {
        view: "accounts",
        keys: &["view"],
        exact: &["entities"],
        close: &[],
        sql: "SELECT 'orders' AS view, count() AS entities FROM orders \
              UNION ALL SELECT 'refunds', count() FROM refunds \
              UNION ALL SELECT 'survey_responses', count() FROM survey_responses",
    },
];

/// Columns of `ltv` that METRICS 4 leaves NULL where the revenue is not above zero. The recount divides all the same.
pub(super) const FACTORS: &[&str] = &["average_check", "orders_per_month", "margin_rate", "months"];

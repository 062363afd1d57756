//! What was planted in the simulated shop, read back from the views.

use jiff::civil::Date;
use sarafan_simulator::truths::{BAD_CAMPAIGN, COLLAPSED_STORE, ONE_TIME_CHANNEL};
use sarafan_store::Store;

/// Something that the views must show of the simulated shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// What is read.
    pub what: String,
    /// What was planted.
    pub expected: String,
    /// What the views show.
    pub found: String,
}

/// Stores whose NPS of 30 complete days fell against the 30 days before, by customers, at 5 % after Holm's correction
/// for the stores with 30 answers or more.
const FALLEN: &str = "
    SELECT arrayStringConcat(arraySort(groupArray(segment)), ', ')
    FROM
    (
        SELECT segment, nps, previous_nps, max(raised) OVER (ORDER BY change_p) AS corrected
        FROM
        (
            SELECT
                segment, nps, previous_nps, change_p,
                change_p * (1 + count() OVER () - row_number() OVER (ORDER BY change_p)) AS raised
            FROM nps_at(as_of = {as_of:Date}, window_days = 30)
            WHERE survey = 'after_delivery' AND population = 'customers' AND dimension = 'store' AND responses >= 30
        )
    )
    WHERE corrected < 0.05 AND nps < previous_nps";

const ONE_TIME: &str = "
    SELECT concat(if(customers >= 50, 'of 50 or more, ', 'of too few, '), toString(next_customers))
    FROM repeat_funnel WHERE dimension = 'first_channel' AND segment = {channel:String} AND step = 1";

/// A customer's margin within the first 90 days, in the main currency: that of a campaign against all that came without.
const VALUE: &str = "
    SELECT if(anyIf(each, segment = {campaign:String}) < anyIf(each, segment = 'unknown') / 2, 'less than half', 'more')
    FROM
    (
        SELECT segment, margin / customers AS each
        FROM value_at_age WHERE dimension = 'first_campaign' AND currency = 'EUR' AND age_days = 90
    )";

const REPEAT: &str = "
    SELECT if(anyIf(conversion, segment = {campaign:String}) < anyIf(conversion, segment = 'unknown') / 2, 'less than half', 'more')
    FROM repeat_funnel WHERE dimension = 'first_campaign' AND step = 1";

/// Share of orders of which something came back.
const SENT_BACK: &str = "
    SELECT if(
        avgIf(is_back, ifNull(campaign, '') = {campaign:String}) > 2 * avgIf(is_back, campaign IS NULL),
        'more than twice', 'less')
    FROM
    (
        SELECT campaign, order_id IN (SELECT assumeNotNull(order_id) FROM refunds WHERE order_id IS NOT NULL) AS is_back
        FROM orders
    )";

/// Reads all that was planted; `as_of` is the last day of the shop's history.
///
/// # Errors
///
/// When a view cannot be read.
pub async fn shop_truths(store: &Store, as_of: Date) -> anyhow::Result<Vec<Truth>> {
    let as_of = as_of.to_string();
    let [campaign, channel, day] =
        [("campaign", BAD_CAMPAIGN), ("channel", ONE_TIME_CHANNEL), ("as_of", as_of.as_str())];
    let truths = [
        ("stores whose NPS fell significantly".to_owned(), COLLAPSED_STORE, FALLEN, day),
        (
            format!("customers won by {ONE_TIME_CHANNEL} who bought again"),
            "of 50 or more, 0",
            ONE_TIME,
            channel,
        ),
        (format!("margin of {BAD_CAMPAIGN} at 90 days, against none"), "less than half", VALUE, campaign),
        (format!("repeat conversion of {BAD_CAMPAIGN}, against none"), "less than half", REPEAT, campaign),
        (format!("orders of {BAD_CAMPAIGN} sent back, against none"), "more than twice", SENT_BACK, campaign),
    ];
    let mut read = Vec::new();
    for (what, expected, sql, parameter) in truths {
        let rows = store.query(sql, &[parameter]).await?;
        let found = rows.columns.first().and_then(|column| rows.text(0, &column.name)).unwrap_or_default();
        read.push(Truth { what, expected: expected.to_owned(), found });
    }
    Ok(read)
}

//! Damage that the account has to find: without it, nobody knows that a clean account means something.

use super::site::Site;

/// Takes a refund away, adds one that nobody gave, and moves the sales of a day by one.
pub(super) fn spoil(site: &Site) -> anyhow::Result<()> {
    let store = site.store.store_database();
    let one = format!("(SELECT min((key, id)) FROM {store}.refunds)");
    let other = format!("(SELECT max((key, id)) FROM {store}.refunds)");
    let day = format!("(SELECT max(day) FROM {store}.sales_daily WHERE dimension = 'all' AND gross > 0)");
    for sql in [
        format!("ALTER TABLE {store}.refunds DELETE WHERE (key, id) = {one} SETTINGS mutations_sync = 2"),
        format!(
            "INSERT INTO {store}.refunds SELECT * REPLACE (id || '-twice' AS id) FROM (SELECT * FROM {store}.refunds FINAL WHERE (key, id) = {other})"
        ),
        format!(
            "ALTER TABLE {store}.sales_daily UPDATE gross = gross + 1 WHERE dimension = 'all' AND day = {day} SETTINGS mutations_sync = 2"
        ),
    ] {
        site.execute(&sql)?;
    }
    Ok(())
}

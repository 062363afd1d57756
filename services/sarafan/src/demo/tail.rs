//! The last tenth of the data, sent while one looks on.

use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use sarafan_store::Store;
use sarafan_stream::ProducerRecord;

use super::known::scalar;
use super::site::Site;
use crate::commands::replay::writer;
use crate::terminal;

/// How often the figures are read again.
const LOOK: Duration = Duration::from_secs(1);

/// Sends `(topic, record)`s, `per_second` of them, with the figures of the views beside it; then goes on showing them.
/// Ends only when something fails; whoever calls it listens for Ctrl-C.
pub(crate) async fn stream_tail(site: &Site, records: &[(&'static str, &str)], per_second: u32) -> anyhow::Result<()> {
    let ticker = ProgressBar::new_spinner();
    let mut writer = writer(&site.deployment)?;
    let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second.max(1));
    let mut look = tokio::time::interval(LOOK);
    let mut rest = records.iter();
    let mut sent = 0_usize;
    loop {
        tokio::select! {
            _ = look.tick() => {
                site.check_services()?;
                show(&site.store, &ticker, sent, records.len()).await?;
            }
            _ = pace.tick(), if rest.len() > 0 => {
                let Some((topic, text)) = rest.next() else { continue };
                let value = Some(text.as_bytes().to_vec());
                writer.write(&ProducerRecord { topic: Arc::from(*topic), value, ..ProducerRecord::default() }).await?;
                sent += 1;
            }
        }
    }
}

async fn show(store: &Store, ticker: &ProgressBar, sent: usize, all: usize) -> anyhow::Result<()> {
    let sql = "SELECT concat( \
        'orders ', toString((SELECT sum(orders) FROM ltv WHERE dimension = 'all')), \
        '  revenue ', toString((SELECT sum(revenue) FROM ltv WHERE dimension = 'all')), ' GBP', \
        '  bought twice ', toString((SELECT sum(next_customers) FROM repeat_funnel WHERE dimension = 'all' AND step = 1)), \
        '  NPS ', toString((SELECT round(any(nps), 2) FROM nps WHERE dimension = 'all' AND population = 'responses' AND window_days = 365)))";
    let figures = scalar(store, sql).await?;
    let line = format!("{sent} of {all} more records sent  |  {figures}");
    ticker.set_message(line.clone());
    ticker.tick();
    if !terminal::is_watched() && sent < all {
        terminal::note(line);
    }
    Ok(())
}

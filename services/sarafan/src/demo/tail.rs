//! The last tenth of the data, sent while one looks on.

use std::cell::Cell;
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
pub(crate) async fn stream_tail(
    site: &Site,
    records: &[(&'static str, &str)],
    per_second: u32,
) -> anyhow::Result<()> {
    // Side by side in one task: a slow query does not hold the stream up.
    let sent = Cell::new(0);
    tokio::try_join!(send(site, records, per_second, &sent), look_on(site, records.len(), &sent))?;
    Ok(())
}

async fn send(
    site: &Site,
    records: &[(&'static str, &str)],
    per_second: u32,
    sent: &Cell<usize>,
) -> anyhow::Result<()> {
    let mut writer = writer(&site.deployment)?;
    let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second.max(1));
    for (topic, text) in records {
        pace.tick().await;
        let value = Some(text.as_bytes().to_vec());
        writer
            .write(&ProducerRecord { topic: Arc::from(*topic), value, ..ProducerRecord::default() })
            .await?;
        sent.set(sent.get() + 1);
    }
    writer.finish().await?;
    Ok(())
}

async fn look_on(site: &Site, all: usize, sent: &Cell<usize>) -> anyhow::Result<()> {
    let ticker = ProgressBar::new_spinner();
    let mut last = String::new();
    loop {
        site.check_services()?;
        let line = format!("{} of {all} more records sent  |  {}", sent.get(), figures(&site.store).await?);
        if line != last {
            ticker.set_message(line.clone());
            if !terminal::is_watched() {
                terminal::note(&line);
            }
            last = line;
        }
        ticker.tick();
        tokio::time::sleep(LOOK).await;
    }
}

async fn figures(store: &Store) -> anyhow::Result<String> {
    let sql = "SELECT concat( \
        'orders ', toString((SELECT sum(orders) FROM ltv WHERE dimension = 'all')), \
        '  revenue ', toString((SELECT sum(revenue) FROM ltv WHERE dimension = 'all')), ' GBP', \
        '  bought twice ', toString((SELECT sum(next_customers) FROM repeat_funnel WHERE dimension = 'all' AND step = 1)), \
        '  NPS ', toString((SELECT round(any(nps), 2) FROM nps WHERE dimension = 'all' AND population = 'responses' AND window_days = 365)))";
    scalar(store, sql).await
}

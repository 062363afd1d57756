//! Sends records into the source topics, and waits until the views show what became of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use indicatif::ProgressBar;
use sarafan_stream::ProducerRecord;

use super::site::Site;
use crate::commands::replay::writer;
use crate::scrape::{scrape, sum};
use crate::settled::backlog;
use crate::terminal::{self, Unit};

const POLL: Duration = Duration::from_millis(100);
/// Nothing moved for so long: it will not any more.
const STANDSTILL: Duration = Duration::from_secs(60);

/// Sends `(topic, record)`s in their order; returns when the brokers have all of them.
pub(crate) async fn feed(site: &Site, title: &str, records: &[(&'static str, &str)]) -> anyhow::Result<()> {
    let bar = terminal::bar(title, Some(records.len() as u64), Unit::Records);
    let mut writer = writer(&site.deployment)?;
    for (topic, text) in records {
        let value = Some(text.as_bytes().to_vec());
        writer
            .write(&ProducerRecord { topic: Arc::from(*topic), value, ..ProducerRecord::default() })
            .await?;
        bar.inc(1);
    }
    writer.finish().await?;
    bar.finish_and_clear();
    Ok(())
}

/// Waits until ingest has read as many source records as were sent, and the brokers have all that it made of them.
pub(crate) async fn wait_for_ingest(site: &Site, sent: u64) -> anyhow::Result<()> {
    let bar = terminal::bar("ingest", Some(sent), Unit::Records);
    let mut watch = Watch::new(site, bar);
    loop {
        let samples = scrape(site.ingest.address)?;
        let read = sum(&samples, sarafan_ingest::RECORDS, &[]) as u64;
        let events = sum(&samples, sarafan_ingest::EVENTS, &[]);
        let acknowledged = sum(
            &samples,
            sarafan_stream::metrics::RECORDS_PRODUCED,
            &[("topic", &site.deployment.topics.events)],
        );
        if read >= sent && acknowledged >= events {
            return Ok(());
        }
        watch.moved_to(read, acknowledged as u64).await?;
    }
}

/// Waits until the views show everything that the canonical topic holds.
pub(crate) async fn wait_for_views(site: &Site) -> anyhow::Result<()> {
    let bar = terminal::bar("aggregate", Some(0), Unit::Records);
    let mut watch = Watch::new(site, bar);
    loop {
        let backlog = backlog(&site.deployment, &site.admin, &site.store).await?;
        if backlog.behind == 0 {
            return Ok(());
        }
        watch.bar.set_length(backlog.records);
        watch.moved_to(backlog.records - backlog.behind, 0).await?;
    }
}

/// Sees that something still moves and that the services still run.
struct Watch<'a> {
    site: &'a Site,
    bar: ProgressBar,
    last: (u64, u64),
    since: Instant,
}

impl<'a> Watch<'a> {
    fn new(site: &'a Site, bar: ProgressBar) -> Self {
        Self { site, bar, last: (0, 0), since: Instant::now() }
    }

    async fn moved_to(&mut self, position: u64, other: u64) -> anyhow::Result<()> {
        self.site.check_services()?;
        self.bar.set_position(position);
        if self.last != (position, other) {
            self.last = (position, other);
            self.since = Instant::now();
        }
        if self.since.elapsed() > STANDSTILL {
            let (ingest, aggregator) = (self.site.ingest.log_tail(), self.site.aggregator.log_tail());
            bail!("nothing moved for {} s;\n{ingest}\n{aggregator}", STANDSTILL.as_secs());
        }
        tokio::time::sleep(POLL).await;
        Ok(())
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

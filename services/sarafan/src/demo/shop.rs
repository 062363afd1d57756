//! The simulated shop beside the real data.

use std::time::Duration;

use jiff::Timestamp;
use sarafan_simulator::{Settings, Simulation};

use super::Finding;
use super::feed::{wait_for_ingest, wait_for_views};
use super::site::Site;
use crate::commands::replay::writer;
use crate::commands::simulate::{Topics, write_history, yesterday};
use crate::oracle;

/// The shop's world, and the site that its records go to.
pub(crate) struct Shop<'a> {
    site: &'a Site,
    settings: Settings,
    simulation: Simulation,
    topics: Topics,
    sent: u64,
}

impl<'a> Shop<'a> {
    /// The whole shop: two years and more, until yesterday.
    pub(crate) fn whole(site: &'a Site) -> anyhow::Result<Self> {
        Self::of(site, Settings::until(yesterday()))
    }

    /// A shop that is just large enough to show what was planted in it.
    pub(crate) fn small(site: &'a Site) -> anyhow::Result<Self> {
        Self::of(site, Settings { customers: 3_000, days: 480, ..Settings::until(yesterday()) })
    }

    fn of(site: &'a Site, settings: Settings) -> anyhow::Result<Self> {
        let simulation = Simulation::new(&settings)?;
        let topics = Topics::of(&site.deployment)?;
        Ok(Self { site, settings, simulation, topics, sent: 0 })
    }

    /// Sends its history.
    pub(crate) async fn send_history(&mut self) -> anyhow::Result<()> {
        let Self { site, settings, simulation, topics, .. } = self;
        self.sent = write_history(simulation, settings, &site.deployment, topics).await?;
        Ok(())
    }

    /// Waits until the views show all that was sent.
    pub(crate) async fn wait(&self) -> anyhow::Result<()> {
        wait_for_ingest(self.site, self.sent).await?;
        wait_for_views(self.site).await
    }

    /// What was planted, as the views show it.
    pub(crate) async fn truths(&self) -> anyhow::Result<Vec<Finding>> {
        let truths = oracle::shop_truths(&self.site.store, self.settings.until).await?;
        let finding = |truth: oracle::Truth| Finding {
            what: format!("shop: {}", truth.what),
            expected: truth.expected,
            found: truth.found,
        };
        Ok(truths.into_iter().map(finding).collect())
    }

    /// Goes on with its world, so many records a second, until something fails or nobody waits for it any more.
    pub(crate) async fn go_on(&mut self, per_second: u32) -> anyhow::Result<()> {
        let mut writer = writer(&self.site.deployment)?;
        let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second.max(1));
        loop {
            pace.tick().await;
            self.site.check_services()?;
            let Some(record) = self.simulation.live(Timestamp::now()) else { return Ok(()) };
            self.topics.write(&mut writer, record).await?;
        }
    }
}

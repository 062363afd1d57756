//! `sarafan demo`

use std::time::Instant;

use jiff::civil::Date;
use sarafan_runtime::shutdown::Shutdown;

use super::block_on;
use super::export::exported;
use super::report::as_table;
use crate::demo::{self, DataSet, Finding, Monitoring, Plan, Shop, Site, SourceLine, Stage};
use crate::failure::CheckFailed;
use crate::figures::{self, Choice};
use crate::{oracle, terminal};

const EXAMPLES: &str = "\
Examples:
  sarafan demo                      replay, figures, where to look; then live until Ctrl-C
  sarafan demo --check              replay everything; 0 when every known figure came out
  sarafan demo --check --sample 7   a random part, shuffled and repeated, against the recount (needs python3)

Starts a Kafka, a ClickHouse and a Prometheus of its own on free ports of this machine, fetching what is missing, and
leaves nothing behind. Beside the real data runs a simulated shop, all of it SYNTHETIC, in databases of its own. A
Grafana is started with it where there is one: on the PATH, or at SARAFAN_GRAFANA_HOME.";

/// Arguments of `sarafan demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Compare what comes out with what is known, and end.
    #[arg(long)]
    check: bool,
    /// Check a random part of the data, chosen by this number, against the recount.
    #[arg(long, value_name = "SEED", requires = "check")]
    sample: Option<u64>,
    /// Keep the data, and say where.
    #[arg(long)]
    keep: bool,
    /// Records a second that go on arriving after the figures.
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "check", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    speed: u32,
}

/// Shows or checks everything; Ctrl-C ends it at any moment.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    block_on(async {
        let shutdown = Shutdown::on_signals()?;
        tokio::select! {
            ended = demonstrate(arguments) => ended,
            () = shutdown.requested() => Ok(()),
        }
    })
}

async fn demonstrate(arguments: &Arguments) -> anyhow::Result<()> {
    let started = Instant::now();
    let sets = demo::data_sets()?;
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let shifts = announce(&sets, today)?;
    let keep = if arguments.keep { demo::Data::Keep } else { demo::Data::Remove };
    let stage = Stage::start(keep).await?;
    let scene = Scene::start(&stage, &shifts, arguments.sample.is_none()).await?;
    terminal::note(format!(
        "everything runs after {:.1} s; logs in {}",
        started.elapsed().as_secs_f64(),
        stage.folder().display()
    ));
    match (arguments.check, arguments.sample) {
        (_, Some(seed)) => check_sample(&scene.real, &sets, seed, today, started).await,
        (true, None) => check(&stage, &scene, &sets, started).await,
        (false, None) => show(&stage, &scene, sets, arguments.speed, started).await,
    }
    .inspect_err(|_| say_what_stays(&stage))?;
    say_what_stays(&stage);
    stage.stop(scene.sites()).await
}

fn say_what_stays(stage: &Stage) {
    if let Some(folder) = stage.kept() {
        terminal::note(format!("data and logs stay in {}", folder.display()));
    }
}

/// The two deployments of the demo.
struct Scene {
    real: Site,
    /// Not there when a sample is checked.
    shop: Option<Site>,
}

impl Scene {
    async fn start(stage: &Stage, shifts: &[i32], with_shop: bool) -> anyhow::Result<Self> {
        let shop = async {
            if with_shop { Site::start(stage, Plan::of_the_shop()).await.map(Some) } else { Ok(None) }
        };
        let (real, shop) = tokio::try_join!(Site::start(stage, Plan::of_real_data(shifts)), shop)?;
        let scene = Self { real, shop };
        if let Some(monitoring) = &stage.monitoring {
            monitoring.watch(&[&scene.real].into_iter().chain(&scene.shop).collect::<Vec<_>>())?;
        }
        Ok(scene)
    }

    fn sites(self) -> Vec<Site> {
        [self.real].into_iter().chain(self.shop).collect()
    }
}

/// Says what the data is, and by how much it is moved.
fn announce(sets: &[DataSet], today: Date) -> anyhow::Result<Vec<i32>> {
    let mut shifts = Vec::new();
    for set in sets {
        let shift = set.shift_to(today)?;
        let (first, last) = set.days().unwrap_or_default();
        terminal::note(format!(
            "{}: {} {} of {first} .. {last}, moved by {shift} days so that they end today ({today})",
            set.source,
            set.lines.len(),
            set.what
        ));
        shifts.push(shift);
    }
    Ok(shifts)
}

fn lines(set: &DataSet) -> impl Iterator<Item = (&'static str, &str)> {
    set.lines.iter().map(|line| (set.topic, line.text.as_str()))
}

/// Sends everything, and waits until the views show it.
async fn replay(site: &Site, records: &[(&'static str, &str)]) -> anyhow::Result<()> {
    demo::feed(site, "source topics", records).await?;
    wait(site, records.len()).await
}

/// Waits until the views show so many source records.
async fn wait(site: &Site, sent: usize) -> anyhow::Result<()> {
    demo::wait_for_ingest(site, sent as u64).await?;
    demo::wait_for_views(site).await
}

async fn check(stage: &Stage, scene: &Scene, sets: &[DataSet], started: Instant) -> anyhow::Result<()> {
    let Scene { real: site, shop } = scene;
    let mut shop = shop.as_ref().map(Shop::small).transpose()?;
    let records: Vec<_> = sets.iter().flat_map(lines).collect();
    demo::feed(site, "source topics", &records).await?;
    if let Some(shop) = &mut shop {
        shop.send_history().await?;
    }
    wait(site, records.len()).await?;
    let (accounts, mut findings) = demo::accounting(site, sets).await?;
    findings.extend(demo::known_figures(&site.store).await?);
    if let Some(shop) = &shop {
        shop.wait().await?;
        findings.extend(shop.truths().await?);
    }
    if let Some(monitoring) = &stage.monitoring {
        findings.push(demo::recorded_nps(site, monitoring).await?);
    }
    let seconds = started.elapsed().as_secs_f64();
    terminal::say(format!("{accounts}\n\n{}\nfigures after {seconds:.1} s", demo::table(&findings)))?;
    verdict(&findings)
}

async fn check_sample(
    site: &Site,
    sets: &[DataSet],
    seed: u64,
    today: Date,
    started: Instant,
) -> anyhow::Result<()> {
    let records = demo::sample(sets, seed);
    replay(site, &records).await?;
    terminal::note(format!(
        "{} records after {:.1} s; recounting",
        records.len(),
        started.elapsed().as_secs_f64()
    ));
    // Blocks: nothing else is to be done meanwhile.
    let figures =
        oracle::recount(exported(&site.deployment)?, &site.deployment.definitions, today, site.folder())?;
    let comparisons = oracle::compare(&site.store, &figures).await?;
    let finding = |comparison: &oracle::Comparison| Finding {
        what: format!("rows of {}", comparison.view),
        expected: comparison.expected.to_string(),
        found: match comparison.differences.len() {
            0 => comparison.found.to_string(),
            differences => format!("{}, {differences} differ", comparison.found),
        },
    };
    let findings: Vec<Finding> = comparisons.iter().map(finding).collect();
    terminal::say(format!("seed {seed}\n{}", demo::table(&findings)))?;
    for difference in comparisons.iter().flat_map(|comparison| comparison.differences.iter().take(5)) {
        terminal::say(difference)?;
    }
    verdict(&findings)
}

fn verdict(findings: &[Finding]) -> anyhow::Result<()> {
    match findings.iter().filter(|finding| !finding.holds()).count() {
        0 => Ok(terminal::say(format!("all {} figures are as they should be", findings.len()))?),
        wrong => Err(CheckFailed(format!("{wrong} of {} figures differ", findings.len())).into()),
    }
}

async fn show(
    stage: &Stage,
    scene: &Scene,
    mut sets: [DataSet; 2],
    speed: u32,
    started: Instant,
) -> anyhow::Result<()> {
    let Scene { real: site, shop } = scene;
    let mut shop = shop.as_ref().map(Shop::whole).transpose()?;
    let tails: Vec<(&'static str, Vec<SourceLine>)> =
        sets.iter_mut().map(|set| (set.topic, set.split_tail())).collect();
    let records: Vec<_> = sets.iter().flat_map(lines).collect();
    replay(site, &records).await?;
    figures(site).await?;
    terminal::say(format!("figures after {:.1} s", started.elapsed().as_secs_f64()))?;
    // Whoever waits for the figures of the real data does not wait for the shop's.
    if let Some(shop) = &mut shop {
        shop.send_history().await?;
        shop.wait().await?;
        terminal::note(format!("the simulated shop stands after {:.1} s", started.elapsed().as_secs_f64()));
    }
    terminal::say(where_to_look(stage, scene))?;
    let rest =
        tails.iter().map(|(topic, lines)| lines.iter().map(|line| (*topic, line.text.as_str())).collect());
    let records = interleaved(rest.collect());
    let shop = async {
        match &mut shop {
            Some(shop) => shop.go_on(speed).await,
            None => Ok(()),
        }
    };
    tokio::try_join!(demo::stream_tail(site, &records, speed), shop).map(|_| ())
}

/// Both tails side by side: each goes on for as long as the other.
fn interleaved<'a>(tails: Vec<Vec<(&'static str, &'a str)>>) -> Vec<(&'static str, &'a str)> {
    let place = |(at, length): (usize, usize)| at as f64 / length as f64;
    let with_place = |tail: Vec<(&'static str, &'a str)>| {
        let length = tail.len();
        tail.into_iter().enumerate().map(move |(at, record)| (place((at, length)), record))
    };
    let mut records: Vec<_> = tails.into_iter().flat_map(with_place).collect();
    records.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    records.into_iter().map(|(_, record)| record).collect()
}

async fn figures(site: &Site) -> anyhow::Result<()> {
    let choice = Choice::default();
    let sections = [
        figures::nps(&site.store, &site.deployment.definitions, &choice).await?,
        figures::funnel(&site.store, &choice).await?,
        figures::ltv(&site.store, &choice).await?,
    ];
    for section in sections {
        terminal::say(format!("\n{}\n{}", section.title, as_table(&section.rows)))?;
    }
    Ok(())
}

fn where_to_look(stage: &Stage, scene: &Scene) -> String {
    let site = &scene.real;
    let url = &site.deployment.clickhouse.url;
    let database = &site.deployment.clickhouse.database;
    format!(
        "
The first nine tenths of both data sets are in. ClickHouse answers on {url}, the views are in `{database}`:
  curl '{url}/?database={database}' --data-binary 'SELECT * FROM nps WHERE dimension = {q}airline{q} AND window_days = 365 FORMAT PrettyCompact'
  curl '{url}/?database={database}' --data-binary 'SELECT * FROM repeat_funnel WHERE dimension = {q}country{q} AND step = 1 FORMAT PrettyCompact'
  curl '{url}/?database={database}' --data-binary 'SELECT * FROM metric_definitions FORMAT Vertical'
A simulated shop, all of it SYNTHETIC, is in `demo_shop`, with the same views:
  curl '{url}/?database=demo_shop' --data-binary 'SELECT * FROM nps WHERE dimension = {q}store{q} AND window_days = 30 AND population = {q}customers{q} FORMAT PrettyCompact'
  Kafka: {}   ingest: http://{}/metrics   aggregator: http://{}/metrics
  {}
The last tenth arrives now, and the shop goes on; Ctrl-C ends everything.",
        site.deployment.kafka.brokers,
        site.ingest.address,
        site.aggregator.address,
        stage.monitoring.as_ref().map(Monitoring::addresses).unwrap_or_default(),
        q = "'\\''",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_different_lengths_end_together() {
        let tails = vec![vec![("a", "1"), ("a", "2"), ("a", "3"), ("a", "4")], vec![("b", "x"), ("b", "y")]];
        let texts: Vec<_> = interleaved(tails).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["1", "x", "2", "3", "y", "4"]);
    }
}

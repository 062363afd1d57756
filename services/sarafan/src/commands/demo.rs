//! `sarafan demo`

use std::time::Instant;

use jiff::civil::Date;
use sarafan_runtime::shutdown::Shutdown;

use super::block_on;
use super::export::exported;
use super::report::as_table;
use crate::demo::{self, DataSet, Finding, Site, SourceLine};
use crate::failure::CheckFailed;
use crate::figures::{self, Choice};
use crate::{oracle, terminal};

const EXAMPLES: &str = "\
Examples:
  sarafan demo                      replay, figures, where to look; then live until Ctrl-C
  sarafan demo --check              replay everything; 0 when every known figure came out
  sarafan demo --check --sample 7   a random part, shuffled and repeated, against the recount (needs python3)

Starts a Kafka and a ClickHouse of its own on free ports of this machine, fetching what is missing, and leaves
nothing behind.";

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
    let site = Site::start(&shifts, keep).await?;
    terminal::note(format!(
        "everything runs after {:.1} s; logs in {}",
        started.elapsed().as_secs_f64(),
        site.folder().display()
    ));
    let done = match (arguments.check, arguments.sample) {
        (_, Some(seed)) => check_sample(&site, &sets, seed, today, started).await,
        (true, None) => check(&site, &sets, started).await,
        (false, None) => show(&site, sets, arguments.speed, started).await,
    };
    if let Some(folder) = site.kept() {
        terminal::note(format!("data and logs stay in {}", folder.display()));
    }
    done?;
    site.stop().await
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
    demo::wait_for_ingest(site, records.len() as u64).await?;
    demo::wait_for_views(site).await
}

async fn check(site: &Site, sets: &[DataSet], started: Instant) -> anyhow::Result<()> {
    let records: Vec<_> = sets.iter().flat_map(lines).collect();
    replay(site, &records).await?;
    let seconds = started.elapsed().as_secs_f64();
    let (accounts, mut findings) = demo::accounting(site, sets).await?;
    findings.extend(demo::known_figures(&site.store).await?);
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

async fn show(site: &Site, mut sets: [DataSet; 2], speed: u32, started: Instant) -> anyhow::Result<()> {
    let tails: Vec<(&'static str, Vec<SourceLine>)> =
        sets.iter_mut().map(|set| (set.topic, set.split_tail())).collect();
    let records: Vec<_> = sets.iter().flat_map(lines).collect();
    replay(site, &records).await?;
    figures(site).await?;
    terminal::say(format!(
        "figures after {:.1} s\n{}",
        started.elapsed().as_secs_f64(),
        where_to_look(site)
    ))?;
    let rest =
        tails.iter().map(|(topic, lines)| lines.iter().map(|line| (*topic, line.text.as_str())).collect());
    demo::stream_tail(site, &interleaved(rest.collect()), speed).await
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

fn where_to_look(site: &Site) -> String {
    let url = &site.deployment.clickhouse.url;
    let database = &site.deployment.clickhouse.database;
    format!(
        "
The first nine tenths of both data sets are in. ClickHouse answers on {url}, the views are in `{database}`:
  curl '{url}/?database={database}' --data-binary 'SELECT * FROM nps WHERE dimension = {q}airline{q} AND window_days = 365 FORMAT PrettyCompact'
  curl '{url}/?database={database}' --data-binary 'SELECT * FROM repeat_funnel WHERE dimension = {q}country{q} AND step = 1 FORMAT PrettyCompact'
  curl '{url}/?database={database}' --data-binary 'SELECT * FROM metric_definitions FORMAT Vertical'
  Kafka: {}   ingest: http://{}/metrics   aggregator: http://{}/metrics
The last tenth arrives now; Ctrl-C ends everything.",
        site.deployment.kafka.brokers,
        site.ingest.address,
        site.aggregator.address,
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

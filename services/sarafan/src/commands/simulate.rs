//! `sarafan simulate`

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use indicatif::ProgressBar;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use sarafan_runtime::shutdown::Shutdown;
use sarafan_simulator::{Record, Settings, Simulation, Topic};
use sarafan_stream::{BulkWriter, ProducerRecord};

use super::block_on;
use super::replay::{Pace, writer};
use crate::cli::ConfigPath;
use crate::deployment::Deployment;
use crate::failure::WrongUsage;
use crate::terminal::{self, Unit};

const EXAMPLES: &str = "\
Examples:
  sarafan simulate --out shop                                     one NDJSON file for each of eight source systems
  sarafan simulate --config deploy/demo/shop.toml --rate 20       into its source topics, then live until Ctrl-C
  sarafan simulate --seed 7 --customers 500 --days 90 --until 2026-06-30 --out small

A made-up retailer: stores, orders, refunds, surveys, service cases, deals and advertising, with the corrections,
duplicates, late and broken records of real systems. The same seed, customers, days and last day give the same records.
What its figures must show is in deploy/demo/README.md. Everything of it is SYNTHETIC.";

/// Arguments of `sarafan simulate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Where the random numbers start.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Customers who appear within the history.
    #[arg(long, value_name = "N", default_value_t = Settings::DEFAULT_CUSTOMERS)]
    customers: u32,
    /// Days of history.
    #[arg(long, value_name = "N", default_value_t = Settings::DEFAULT_DAYS)]
    days: u32,
    /// The last day of the history [default: yesterday, UTC].
    #[arg(long, value_name = "DAY")]
    until: Option<Date>,
    /// Write one file per source into this folder, in place of the topics of the configuration.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on after the history, so many records a second, dated now.
    #[arg(long, value_name = "N", conflicts_with = "out", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: Option<u32>,
}

impl Arguments {
    fn settings(&self) -> Settings {
        let Self { seed, customers, days, until, .. } = *self;
        Settings { seed, customers, days, until: until.unwrap_or_else(yesterday) }
    }
}

/// The last day that is over, UTC.
pub(crate) fn yesterday() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date().saturating_sub(1.day())
}

/// Writes the history; with a rate, goes on.
pub(crate) fn run(place: &ConfigPath, arguments: &Arguments) -> anyhow::Result<()> {
    let settings = arguments.settings();
    let mut simulation = Simulation::new(&settings).map_err(|error| WrongUsage(error.to_string()))?;
    match &arguments.out {
        Some(folder) => to_files(&mut simulation, &settings, folder),
        None => to_topics(&mut simulation, &settings, place, arguments.rate),
    }
}

fn to_files(simulation: &mut Simulation, settings: &Settings, folder: &Path) -> anyhow::Result<()> {
    let started = Instant::now();
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut files = BTreeMap::new();
    for topic in Topic::ALL {
        let path = folder.join(format!("{topic}.ndjson"));
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        files.insert(topic, BufWriter::new(file));
    }
    let progress = Progress::of("history", settings);
    let mut written = 0_u64;
    for record in simulation.history() {
        progress.reached(&record);
        if let Some(file) = files.get_mut(&record.topic) {
            writeln!(file, "{}", record.value)?;
            written += 1;
        }
    }
    files.values_mut().try_for_each(BufWriter::flush)?;
    progress.done();
    let seconds = started.elapsed().as_secs_f64();
    terminal::note(format!(
        "{written} records to {} files in {} in {seconds:.1} s",
        files.len(),
        folder.display()
    ));
    Ok(())
}

fn to_topics(
    simulation: &mut Simulation,
    settings: &Settings,
    place: &ConfigPath,
    rate: Option<u32>,
) -> anyhow::Result<()> {
    let deployment = Deployment::load(&place.path)?;
    let topics = Topics::of(&deployment)?;
    block_on(async {
        let shutdown = Shutdown::on_signals()?;
        let work = async {
            let started = Instant::now();
            let written = write_history(simulation, settings, &deployment, &topics).await?;
            let seconds = started.elapsed().as_secs_f64();
            terminal::note(format!("{written} records to {} topics in {seconds:.1} s", Topic::ALL.len()));
            match rate {
                Some(rate) => go_on(simulation, &deployment, &topics, rate).await,
                None => Ok(()),
            }
        };
        tokio::select! {
            ended = work => ended,
            () = shutdown.requested() => Ok(()),
        }
    })
}

/// Sends the whole history; returns how many records it had, when the brokers have all of them.
pub(crate) async fn write_history(
    simulation: &mut Simulation,
    settings: &Settings,
    deployment: &Deployment,
    topics: &Topics,
) -> anyhow::Result<u64> {
    let progress = Progress::of("history", settings);
    let mut writer = writer(deployment)?;
    for record in simulation.history() {
        progress.reached(&record);
        topics.write(&mut writer, record).await?;
    }
    let written = writer.finish().await?;
    progress.done();
    Ok(written)
}

/// Goes on with the world, so many records a second, until something fails or nobody waits for it any more.
async fn go_on(
    simulation: &mut Simulation,
    deployment: &Deployment,
    topics: &Topics,
    rate: u32,
) -> anyhow::Result<()> {
    let bar = terminal::bar("live", None, Unit::Records);
    let mut writer = writer(deployment)?;
    let mut pace = Pace::of(rate);
    loop {
        pace.wait().await;
        let Some(record) = simulation.live(Timestamp::now()) else { return Ok(()) };
        topics.write(&mut writer, record).await?;
        bar.inc(1);
    }
}

/// The topics of the sources that bear the names of the simulated systems.
#[derive(Debug)]
pub(crate) struct Topics(BTreeMap<Topic, Arc<str>>);

impl Topics {
    /// Finds them in a configuration.
    pub(crate) fn of(deployment: &Deployment) -> Result<Self, WrongUsage> {
        let mapping = &deployment.mapping;
        let of = |topic: Topic| {
            let found = mapping.topics().find(|name| mapping.source_of(name) == Some(topic.name()));
            let missing = || {
                WrongUsage(format!(
                    "the configuration has no [[source]] named `{topic}`, which the simulated shop writes; \
                     deploy/demo/shop.toml has all eight"
                ))
            };
            Ok((topic, Arc::from(found.ok_or_else(missing)?)))
        };
        Topic::ALL.into_iter().map(of).collect::<Result<_, _>>().map(Self)
    }

    /// Hands a record to the writer, with the time of now.
    pub(crate) async fn write(&self, writer: &mut BulkWriter, record: Record) -> anyhow::Result<()> {
        match self.record(record) {
            Some(record) => Ok(writer.write(&record).await?),
            None => Ok(()),
        }
    }

    /// As it is to be sent; none where its source is not configured.
    pub(crate) fn record(&self, record: Record) -> Option<ProducerRecord> {
        Some(ProducerRecord {
            topic: Arc::clone(self.0.get(&record.topic)?),
            key: Some(record.key.into_bytes()),
            value: Some(record.value.into_bytes()),
            ..ProducerRecord::default()
        })
    }
}

/// A progress bar over the days of a history.
struct Progress {
    bar: ProgressBar,
    first: Timestamp,
}

impl Progress {
    fn of(title: &str, settings: &Settings) -> Self {
        let first = settings.until.saturating_sub((i64::from(settings.days) - 1).days());
        let first = first.to_zoned(TimeZone::UTC).map_or(Timestamp::MIN, |midnight| midnight.timestamp());
        Self { bar: terminal::bar(title, Some(u64::from(settings.days)), Unit::Days), first }
    }

    fn reached(&self, record: &Record) {
        let day = record.arrives.duration_since(self.first).as_hours() / 24;
        self.bar.set_position(u64::try_from(day).unwrap_or_default());
    }

    fn done(self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parsed(words: &[&str]) -> Result<Arguments, clap::Error> {
        let words = ["simulate"].iter().chain(words);
        <Line as clap::Parser>::try_parse_from(words).map(|line| line.arguments)
    }

    #[test]
    fn a_world_ends_yesterday_unless_it_is_told() {
        assert_eq!(parsed(&[]).unwrap().settings(), Settings::until(yesterday()));
        let told =
            parsed(&["--until", "2026-06-30", "--seed", "7", "--days", "90", "--customers", "5"]).unwrap();
        let expected = Settings { seed: 7, customers: 5, days: 90, until: "2026-06-30".parse().unwrap() };
        assert_eq!(told.settings(), expected);
    }

    #[test]
    fn files_do_not_go_on() {
        assert!(parsed(&["--out", "x", "--rate", "5"]).is_err());
        assert!(parsed(&["--rate", "0"]).is_err());
    }

    #[test]
    fn a_folder_gets_one_file_per_source_with_a_record_on_each_line() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { customers: 30, days: 60, ..Settings::until("2026-06-30".parse().unwrap()) };
        let out = folder.path().join("new");
        to_files(&mut Simulation::new(&settings).unwrap(), &settings, &out).unwrap();
        let lines: usize = Topic::ALL
            .iter()
            .map(|topic| {
                std::fs::read_to_string(out.join(format!("{topic}.ndjson"))).unwrap().lines().count()
            })
            .sum();
        assert_eq!(lines, Simulation::new(&settings).unwrap().history().count());
    }
}

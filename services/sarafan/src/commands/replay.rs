//! `sarafan replay`

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::ProgressBar;
use prometheus::Registry;
use sarafan_stream::{BulkWriter, ProducerRecord, ProducerSettings, StreamMetrics};
use serde_json::Value;

use super::block_on;
use crate::cli::ConfigPath;
use crate::deployment::Deployment;
use crate::failure::WrongUsage;
use crate::intake::{self, Format, key_at, shift_days};
use crate::terminal::{self, Unit};

const EXAMPLES: &str = "\
Examples:
  sarafan replay --source shop orders.ndjson.gz --key-path customer.id
  sarafan replay --topic shop.orders --rate 500 --shift-days 3650 old-orders.csv
  zcat orders.ndjson.gz | sarafan replay --source shop --limit 1000 -

Sends each record as it stands, into the topic of a source, with the time of now. What Sarafan makes of it is the
source's mapping. --shift-days moves the ISO 8601 days and instants in a record; a source whose times are written
otherwise has shift_days in its [[source]].";

/// About two centuries either way, as for `shift_days` of a source.
const SHIFTS: RangeInclusive<i64> = -80_000..=80_000;

/// Arguments of `sarafan replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Send to the topic of this source.
    #[arg(long, value_name = "NAME", required_unless_present = "topic", conflicts_with = "topic")]
    source: Option<String>,
    /// Send to this topic.
    #[arg(long)]
    topic: Option<String>,
    /// NDJSON or CSV with a header, packed with gzip or not; `-` is standard input.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// How records stand in the file [default: by its name, else ndjson].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Records a second at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Days to add to every ISO 8601 day and instant of a record.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true,
        value_parser = clap::value_parser!(i32).range(SHIFTS)
    )]
    shift_days: i32,
    /// Send this many records at most.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Where a record says its Kafka key, such as customer.id [default: no key].
    #[arg(long, value_name = "PATH")]
    key_path: Option<String>,
}

/// Sends the records of the file.
pub(crate) fn run(place: &ConfigPath, arguments: &Arguments) -> anyhow::Result<()> {
    let deployment = Deployment::load(&place.path)?;
    let topic = topic(&deployment, arguments)?;
    let bar = bar(&arguments.file, &topic);
    let started = Instant::now();
    let values = intake::open(&arguments.file, arguments.format, &bar)?;
    let values = values.take(arguments.limit.unwrap_or(usize::MAX));
    let shape = Shape {
        topic: Arc::from(topic.as_str()),
        shift_days: arguments.shift_days,
        key_path: arguments.key_path.clone(),
    };
    let sent = block_on(async {
        let mut writer = writer(&deployment)?;
        let mut pace = arguments.rate.map(Pace::of);
        for value in values {
            if let Some(pace) = &mut pace {
                pace.wait().await;
            }
            writer.write(&shape.record(value?)).await?;
            if arguments.file == Path::new("-") {
                bar.inc(1);
            }
        }
        Ok(writer.finish().await?)
    })?;
    bar.finish_and_clear();
    terminal::note(format!("{sent} records to {topic} in {:.1} s", started.elapsed().as_secs_f64()));
    Ok(())
}

fn topic(deployment: &Deployment, arguments: &Arguments) -> anyhow::Result<String> {
    let Some(name) = &arguments.source else { return Ok(arguments.topic.clone().unwrap_or_default()) };
    let mapping = &deployment.mapping;
    let found = mapping.topics().find(|topic| mapping.source_of(topic) == Some(name));
    let known =
        || mapping.topics().filter_map(|topic| mapping.source_of(topic)).collect::<Vec<_>>().join(", ");
    let unknown =
        || WrongUsage(format!("--source {name}: there is no such [[source]]; there are {}", known()));
    Ok(found.ok_or_else(unknown)?.to_owned())
}

fn bar(file: &Path, topic: &str) -> ProgressBar {
    let length = std::fs::metadata(file).ok().map(|found| found.len());
    terminal::bar(topic, length, if length.is_some() { Unit::Bytes } else { Unit::Records })
}

/// A writer whose metrics nobody asks for: the process ends with the file.
pub(crate) fn writer(deployment: &Deployment) -> anyhow::Result<BulkWriter> {
    let metrics = StreamMetrics::register(&Registry::new())?;
    BulkWriter::open(&deployment.kafka, &ProducerSettings::default(), metrics)
        .context("cannot write to Kafka")
}

/// What becomes of a value on its way to the topic.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) topic: Arc<str>,
    pub(crate) shift_days: i32,
    pub(crate) key_path: Option<String>,
}

impl Shape {
    /// The record to send. A value that is no JSON goes as it is, without a key: it is for the dead letters to show.
    pub(crate) fn record(&self, value: Vec<u8>) -> ProducerRecord {
        let plain = |key, value| ProducerRecord {
            topic: Arc::clone(&self.topic),
            key,
            value: Some(value),
            ..ProducerRecord::default()
        };
        if self.shift_days == 0 && self.key_path.is_none() {
            return plain(None, value);
        }
        let Ok(mut json) = serde_json::from_slice::<Value>(&value) else { return plain(None, value) };
        let key = self.key_path.as_deref().and_then(|path| key_at(&json, path));
        if self.shift_days == 0 {
            return plain(key, value);
        }
        shift_days(&mut json, self.shift_days);
        plain(key, json.to_string().into_bytes())
    }
}

/// Spreads records evenly over time.
pub(crate) struct Pace {
    next: tokio::time::Instant,
    step: Duration,
}

impl Pace {
    pub(crate) fn of(per_second: u32) -> Self {
        Self { next: tokio::time::Instant::now(), step: Duration::from_secs(1) / per_second }
    }

    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep_until(self.next).await;
        self.next += self.step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(shift_days: i32, key_path: Option<&str>) -> Shape {
        Shape { topic: Arc::from("shop.orders"), shift_days, key_path: key_path.map(str::to_owned) }
    }

    #[test]
    fn a_value_goes_as_it_stands_unless_it_is_to_be_shifted() {
        let value = br#"{ "at":"2026-01-01", "id": 12.50 }"#.to_vec();
        assert_eq!(shape(0, None).record(value.clone()).value, Some(value.clone()));
        let keyed = shape(0, Some("id")).record(value.clone());
        assert_eq!((keyed.key, keyed.value), (Some(b"12.50".to_vec()), Some(value.clone())));
        let shifted = shape(1, None).record(value);
        assert_eq!(shifted.value, Some(br#"{"at":"2026-01-02","id":12.50}"#.to_vec()));
        assert_eq!(shape(1, Some("id")).record(b"not json".to_vec()).value, Some(b"not json".to_vec()));
    }

    #[test]
    fn days_that_no_calendar_holds_are_wrong_usage() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            arguments: Arguments,
        }
        let days = |days: &str| {
            let line = <Line as clap::Parser>::try_parse_from(["x", "--topic", "t", "--shift-days", days]);
            line.map(|line| line.arguments.shift_days)
        };
        assert_eq!(days("-3650").unwrap(), -3650);
        assert!(days("2000000000").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_spreads_records_evenly() {
        let started = tokio::time::Instant::now();
        let mut pace = Pace::of(100);
        for _ in 0..51 {
            pace.wait().await;
        }
        assert_eq!(started.elapsed(), Duration::from_millis(500));
    }
}

//! `sarafan export`

use anyhow::Context as _;
use sarafan_stream::{OwnedRecord, ReadFrom, TopicReader};
use sarafan_wire::{decode, export_json};

use crate::cli::ConfigPath;
use crate::deployment::Deployment;
use crate::terminal::Output;

const EXAMPLES: &str = "\
Examples:
  sarafan export > records.ndjson
  sarafan export | grep '\"customer_id\":\"17850\"'

Prints what the canonical topic held when the command was started, one JSON object a line; records of one customer
come in order. Reads without a consumer group and changes nothing.";

/// Arguments of `sarafan export`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {}

/// Prints the canonical topic.
pub(crate) fn run(place: &ConfigPath, _: &Arguments) -> anyhow::Result<()> {
    let deployment = Deployment::load(&place.path)?;
    let mut output = Output::open();
    for line in exported(&deployment)? {
        if !output.line(&line?)? {
            break;
        }
    }
    output.finish()?;
    Ok(())
}

/// The lines of the canonical topic, up to its end as of now.
pub(crate) fn exported(
    deployment: &Deployment,
) -> anyhow::Result<impl Iterator<Item = anyhow::Result<String>>> {
    let reader = TopicReader::open(&deployment.kafka, &deployment.topics.events, &ReadFrom::Beginning)?;
    Ok(reader.map(|record| line(&record?)))
}

fn line(record: &OwnedRecord) -> anyhow::Result<String> {
    let event = decode(record.value.as_deref().unwrap_or_default()).with_context(|| {
        let OwnedRecord { topic, partition, offset, .. } = record;
        format!("{topic}, partition {partition}, offset {offset}: not a canonical record; find out who writes there")
    })?;
    Ok(export_json(&event).to_string())
}

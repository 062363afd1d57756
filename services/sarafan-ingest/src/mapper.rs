//! One source record into canonical events or a dead letter.

use std::convert::Infallible;
use std::sync::Arc;

use sarafan_core::event::Event;
use sarafan_core::planted;
use sarafan_stream::{
    Consumer, DeadLetters, Outbox, Producer, ProducerRecord, Record, Rejection, Relay, Stage, Transform,
};
use sarafan_wire::{AvroError, Mapping, Outcome, Reason, SourceRecord, encode};

use crate::config::Config;
use crate::metrics::Metrics;

/// The class that dead letters name, for tools that know Kafka Connect.
const REJECTED: &str = "sarafan.SourceRecordRejected";

/// The mapping, as the engine's relay takes it.
pub struct Mapper {
    mapping: Mapping,
    events: Arc<str>,
    metrics: Metrics,
}

/// The relay from the sources of `config` to its canonical topic and its dead letters, over clients that are open already.
pub fn relay(config: &Config, metrics: Metrics, consumer: &Consumer, producer: Producer) -> Relay<Mapper> {
    let dead_letters = DeadLetters::new(config.topics.dead_letters.as_str(), None);
    let events = config.topics.events.as_str().into();
    let mapper = Mapper { mapping: config.mapping.clone(), events, metrics };
    Relay::new(mapper, consumer, producer, dead_letters, config.ingest.first_start)
}

impl Transform for Mapper {
    /// What is wrong with a record never stops the stream.
    type Error = Infallible;

    fn transform(&mut self, record: &Record<'_>, out: &mut Outbox<'_>) -> Result<(), Infallible> {
        let source = self.mapping.source_of(record.topic).unwrap_or(record.topic);
        let counted = |outcome| self.metrics.records.with_label_values(&[source, outcome]).inc();
        match self.mapping.apply(&source_record(record)) {
            Outcome::Filtered { rule } => {
                counted("filtered");
                self.metrics.filtered.with_label_values(&[source, &rule]).inc();
            }
            Outcome::Rejected(_) if planted("planted::poison_is_skipped") => {}
            Outcome::Rejected(rejection) => {
                counted("dead_letter");
                let (reason, stage) = (rejection.reason.code(), stage(rejection.reason));
                dead_letter(source, record, out, reason, stage, &rejection.to_string());
            }
            // All or none: nothing is produced before every event is written.
            Outcome::Mapped(events) => {
                match events.iter().map(|e| self.produced(e)).collect::<Result<Vec<_>, _>>() {
                    Ok(produced) => {
                        counted("mapped");
                        for event in &events {
                            self.metrics.events.with_label_values(&[source, event.subject.name()]).inc();
                        }
                        let left_out = usize::from(planted("planted::half_a_record") && produced.len() > 1);
                        produced.into_iter().skip(left_out).for_each(|record| out.send(record));
                    }
                    Err(error) => {
                        counted("dead_letter");
                        dead_letter(
                            source,
                            record,
                            out,
                            error.reason(),
                            Stage::Transformation,
                            &error.to_string(),
                        );
                    }
                }
            }
        }
        Ok(())
    }
}

impl Mapper {
    /// An event as it stands on the canonical topic. It has the time of production: retention by the source's times
    /// would delete a replayed past at once.
    fn produced(&self, event: &Event) -> Result<ProducerRecord, AvroError> {
        let mut key = event.key().as_str().to_owned();
        if planted("planted::moves_keep_their_key") && event.field("moved").is_some() {
            key = format!("o:{}", event.id);
        }
        Ok(ProducerRecord {
            topic: Arc::clone(&self.events),
            key: Some(key.into_bytes()),
            value: Some(encode(event)?),
            headers: Vec::new(),
            timestamp_ms: None,
        })
    }
}

/// A record as the mapping reads it.
pub fn source_record<'r>(record: &Record<'r>) -> SourceRecord<'r> {
    SourceRecord {
        topic: record.topic,
        partition: record.partition,
        offset: record.offset,
        timestamp_micros: record.timestamp_ms.map(|ms| ms.saturating_mul(1_000)),
        received_micros: record.appended_ms().map(|ms| ms.saturating_mul(1_000)),
        value: record.value,
    }
}

fn dead_letter(
    source: &str,
    record: &Record<'_>,
    out: &mut Outbox<'_>,
    reason: &str,
    stage: Stage,
    message: &str,
) {
    tracing::debug!(
        topic = record.topic,
        partition = record.partition,
        offset = record.offset,
        message,
        "dead letter"
    );
    out.dead_letter(record, &Rejection { connector: source, reason, stage, class: REJECTED, message });
}

/// Whether the bytes could not be read, or what they say makes no sense.
fn stage(reason: Reason) -> Stage {
    match reason {
        Reason::NoValue
        | Reason::TooLarge
        | Reason::InvalidUtf8
        | Reason::TooDeep
        | Reason::NotJson
        | Reason::NotAnObject => Stage::ValueConverter,
        _ => Stage::Transformation,
    }
}

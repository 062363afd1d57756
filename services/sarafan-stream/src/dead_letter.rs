//! What could not be read goes to a topic of its own, untouched, with the reason beside it.

use std::sync::Arc;

use crate::producer::ProducerRecord;
use crate::record::{OwnedHeader, OwnedRecord, Record};

/// The topic the record came from.
pub const TOPIC: &str = "__connect.errors.topic";
/// Its partition there, in decimal.
pub const PARTITION: &str = "__connect.errors.partition";
/// Its offset there, in decimal.
pub const OFFSET: &str = "__connect.errors.offset";
/// Who could not read it.
pub const CONNECTOR_NAME: &str = "__connect.errors.connector.name";
/// Which instance of it.
pub const TASK_ID: &str = "__connect.errors.task.id";
/// At which [`Stage`].
pub const STAGE: &str = "__connect.errors.stage";
/// The class of the error.
pub const EXCEPTION_CLASS: &str = "__connect.errors.exception.class.name";
/// The error in words.
pub const EXCEPTION_MESSAGE: &str = "__connect.errors.exception.message";
/// The stable snake_case code of the reason.
pub const REASON: &str = "sarafan.reason";

/// Where in the processing a record was found to be unreadable, named as Kafka Connect names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Its key could not be decoded.
    KeyConverter,
    /// Its value could not be decoded.
    ValueConverter,
    /// It was decoded, but makes no sense.
    Transformation,
}

impl Stage {
    /// The value of the header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::Transformation => "TRANSFORMATION",
        }
    }
}

/// Why a record is a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection<'a> {
    /// Who could not read it: the name under which records of its topic are read.
    pub connector: &'a str,
    /// A stable snake_case code, also the metric label; one of a bounded set.
    pub reason: &'a str,
    /// Where it was found.
    pub stage: Stage,
    /// The class of the error, for people and tools that know Kafka Connect.
    pub class: &'a str,
    /// What exactly is wrong, in words.
    pub message: &'a str,
}

/// Makes dead letters for one topic.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    topic: Arc<str>,
    task: Option<String>,
}

impl DeadLetters {
    /// Dead letters go to `topic`; `task` is the instance that sends them, if it has a name.
    pub fn new(topic: impl Into<Arc<str>>, task: Option<String>) -> Self {
        Self { topic: topic.into(), task }
    }

    /// Whether a record is one of these.
    pub(crate) fn is_for(&self, record: &ProducerRecord) -> bool {
        record.topic == self.topic
    }

    /// The dead letter of a record: key, value, timestamp and headers as they were, ours after them. A record that
    /// was a dead letter before keeps its old headers too; readers take the last of a name.
    pub fn letter(&self, record: &Record<'_>, rejection: &Rejection<'_>) -> ProducerRecord {
        let OwnedRecord { key, value, mut headers, timestamp_ms, .. } = OwnedRecord::from(*record);
        headers.extend([
            OwnedHeader::new(TOPIC, record.topic),
            OwnedHeader::new(PARTITION, record.partition.to_string()),
            OwnedHeader::new(OFFSET, record.offset.to_string()),
            OwnedHeader::new(CONNECTOR_NAME, rejection.connector),
        ]);
        headers.extend(self.task.as_deref().map(|task| OwnedHeader::new(TASK_ID, task)));
        headers.extend([
            OwnedHeader::new(STAGE, rejection.stage.as_str()),
            OwnedHeader::new(EXCEPTION_CLASS, rejection.class),
            OwnedHeader::new(EXCEPTION_MESSAGE, rejection.message),
            OwnedHeader::new(REASON, rejection.reason),
        ]);
        ProducerRecord { topic: Arc::clone(&self.topic), key, value, headers, timestamp_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> OwnedRecord {
        OwnedRecord {
            topic: "source".to_owned(),
            partition: 3,
            offset: 42,
            timestamp_ms: Some(1_700_000_000_000),
            by_broker: false,
            key: Some(vec![0, 255]),
            value: None,
            headers: vec![OwnedHeader { name: "h".to_owned(), value: None }, OwnedHeader::new("h", "")],
        }
    }

    const REJECTION: Rejection<'static> = Rejection {
        connector: "reader",
        reason: "bad_json",
        stage: Stage::ValueConverter,
        class: "Json",
        message: "line 1: oh",
    };

    #[test]
    fn a_dead_letter_leaves_the_record_untouched() {
        let letter = DeadLetters::new("dlq", None).letter(&record().as_record(), &REJECTION);
        assert_eq!((letter.key, letter.value), (record().key, record().value));
        assert_eq!(letter.timestamp_ms, record().timestamp_ms);
        assert_eq!(&letter.headers[..2], &record().headers[..]);
        assert_eq!(&*letter.topic, "dlq");
    }

    #[test]
    fn a_dead_letter_names_its_origin_and_reason_as_kafka_connect_does() {
        let letter = DeadLetters::new("dlq", Some("1".to_owned())).letter(&record().as_record(), &REJECTION);
        let ours: Vec<(&str, &str)> = letter.headers[2..]
            .iter()
            .map(|header| (header.name.as_str(), str::from_utf8(header.value.as_deref().unwrap()).unwrap()))
            .collect();
        assert_eq!(
            ours,
            [
                ("__connect.errors.topic", "source"),
                ("__connect.errors.partition", "3"),
                ("__connect.errors.offset", "42"),
                ("__connect.errors.connector.name", "reader"),
                ("__connect.errors.task.id", "1"),
                ("__connect.errors.stage", "VALUE_CONVERTER"),
                ("__connect.errors.exception.class.name", "Json"),
                ("__connect.errors.exception.message", "line 1: oh"),
                ("sarafan.reason", "bad_json"),
            ]
        );
    }
}

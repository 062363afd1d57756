//! The configuration of everything that talks to Kafka, as small structs that are read from one file.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// Where Kafka is and how to get in: the section `[kafka]`.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// Bootstrap servers, `host:port` separated by commas.
    pub brokers: String,
    /// The name under which brokers log and limit this process.
    #[serde(default = "default_client_id")]
    pub client_id: String,
    /// Further librdkafka properties, passed through (security, timeouts). They win over the engine's own choices,
    /// except for the ones its correctness rests on: those are refused.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

fn default_client_id() -> String {
    "sarafan".to_owned()
}

impl KafkaConfig {
    /// A configuration with nothing but the brokers.
    pub fn new(brokers: impl Into<String>) -> Self {
        Self { brokers: brokers.into(), client_id: default_client_id(), properties: BTreeMap::new() }
    }
}

/// Prints no secret: the value of a property whose name sounds like one is hidden.
impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: BTreeMap<&str, &str> = self
            .properties
            .iter()
            .map(|(key, value)| (key.as_str(), if is_secret(key) { "***" } else { value.as_str() }))
            .collect();
        f.debug_struct("KafkaConfig")
            .field("brokers", &self.brokers)
            .field("client_id", &self.client_id)
            .field("properties", &shown)
            .finish()
    }
}

/// True for a client property whose value must not be printed.
pub fn is_secret(property: &str) -> bool {
    ["password", "secret", "token", "key.pem", "oauthbearer.config", "jaas"]
        .iter()
        .any(|secret| property.contains(secret))
}

/// How a group member consumes.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ConsumerSettings {
    /// The consumer group.
    pub group: String,
    /// The name of this member across restarts (static membership): a restart within the session timeout moves no
    /// partition. None makes the member dynamic.
    #[serde(default)]
    pub instance_id: Option<String>,
    /// After this many milliseconds without a heartbeat the member is out and its partitions go to others.
    #[serde(default = "defaults::session_timeout_ms")]
    pub session_timeout_ms: u64,
    /// After this many milliseconds without a poll the member is out. Polling has its own thread, so only a revoke
    /// that waits for its last flush comes near it.
    #[serde(default = "defaults::max_poll_interval_ms")]
    pub max_poll_interval_ms: u64,
    /// How long the last flush before a revoke may take, in milliseconds. At most half of `max_poll_interval_ms`
    /// is ever used.
    #[serde(default = "defaults::revoke_flush_ms")]
    pub revoke_flush_ms: u64,
    /// How long stopping may take, in milliseconds: the last flush and the last commit together.
    #[serde(default = "defaults::drain_ms")]
    pub drain_ms: u64,
    /// Upper bound of what the client fetches ahead, in kibibytes over all partitions.
    #[serde(default = "defaults::queued_max_kbytes")]
    pub queued_max_kbytes: u32,
    /// How many batches of records may wait between the polling thread and the handler (each is at most about
    /// 256 KiB unless a single record is larger).
    #[serde(default = "defaults::channel_batches")]
    pub channel_batches: usize,
    /// How long the polling thread waits for room in that queue before it pauses the partitions, in milliseconds.
    /// A pause throws away what was fetched ahead, hence a stall as long as an ordinary flush is waited out; a
    /// rebalance is heard of that much later at most.
    #[serde(default = "defaults::pause_after_ms")]
    pub pause_after_ms: u64,
    /// How often the high watermarks are asked for, in milliseconds.
    #[serde(default = "defaults::lag_interval_ms")]
    pub lag_interval_ms: u64,
    /// After how many milliseconds partitions that the handler declined are offered to it again.
    #[serde(default = "defaults::declined_retry_ms")]
    pub declined_retry_ms: u64,
    /// How often the handler is flushed when nothing arrives, in milliseconds.
    #[serde(default = "defaults::idle_ms")]
    pub idle_ms: u64,
    /// When a flush is due.
    #[serde(default)]
    pub batch: BatchBounds,
}

impl ConsumerSettings {
    /// The defaults for a group.
    pub fn new(group: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            instance_id: None,
            session_timeout_ms: defaults::session_timeout_ms(),
            max_poll_interval_ms: defaults::max_poll_interval_ms(),
            revoke_flush_ms: defaults::revoke_flush_ms(),
            drain_ms: defaults::drain_ms(),
            queued_max_kbytes: defaults::queued_max_kbytes(),
            channel_batches: defaults::channel_batches(),
            pause_after_ms: defaults::pause_after_ms(),
            lag_interval_ms: defaults::lag_interval_ms(),
            declined_retry_ms: defaults::declined_retry_ms(),
            idle_ms: defaults::idle_ms(),
            batch: BatchBounds::default(),
        }
    }

    /// How long the last flush before a revoke may take: bounded well below the poll interval, because no polling
    /// happens meanwhile and being late means being thrown out.
    pub fn revoke_flush(&self) -> Duration {
        Duration::from_millis(self.revoke_flush_ms.min(self.max_poll_interval_ms / 2))
    }
}

/// A flush is due as soon as one of these is reached.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct BatchBounds {
    /// Records applied since the last flush.
    pub max_records: u64,
    /// Bytes of keys and values applied since the last flush.
    pub max_bytes: u64,
    /// Milliseconds since the first record that was applied after the last flush.
    pub max_age_ms: u64,
}

impl Default for BatchBounds {
    fn default() -> Self {
        Self { max_records: 50_000, max_bytes: 64 * 1024 * 1024, max_age_ms: 500 }
    }
}

/// How records are produced.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct ProducerSettings {
    /// How many records may wait for their acknowledgement before the sender has to wait.
    pub max_in_flight_records: u32,
    /// Upper bound of their bytes, in kibibytes.
    pub max_in_flight_kbytes: u32,
    /// How long a record may wait for its acknowledgement, retries included, in milliseconds. After that the
    /// process stops, and reads the source record again when it is started again.
    pub delivery_timeout_ms: u64,
    /// How long a record may wait for company in its batch, in milliseconds.
    pub linger_ms: u64,
    /// The largest record that may be sent, in bytes. The topic's own limit (`max.message.bytes`) applies too.
    pub max_message_bytes: u32,
}

impl Default for ProducerSettings {
    fn default() -> Self {
        Self {
            max_in_flight_records: 100_000,
            max_in_flight_kbytes: 256 * 1024,
            delivery_timeout_ms: 300_000,
            linger_ms: 5,
            max_message_bytes: 8 * 1024 * 1024,
        }
    }
}

mod defaults {
    pub(super) fn session_timeout_ms() -> u64 {
        45_000
    }
    pub(super) fn max_poll_interval_ms() -> u64 {
        300_000
    }
    pub(super) fn revoke_flush_ms() -> u64 {
        30_000
    }
    pub(super) fn drain_ms() -> u64 {
        9_000
    }
    pub(super) fn queued_max_kbytes() -> u32 {
        65_536
    }
    pub(super) fn channel_batches() -> usize {
        16
    }
    pub(super) fn pause_after_ms() -> u64 {
        2_000
    }
    pub(super) fn lag_interval_ms() -> u64 {
        5_000
    }
    pub(super) fn declined_retry_ms() -> u64 {
        60_000
    }
    pub(super) fn idle_ms() -> u64 {
        2_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        let mut kafka = KafkaConfig::new("b:9092");
        for key in ["sasl.password", "ssl.key.password", "sasl.oauthbearer.client.secret", "ssl.key.pem"] {
            kafka.properties.insert(key.to_owned(), "hunter2".to_owned());
        }
        kafka.properties.insert("sasl.username".to_owned(), "alice".to_owned());
        let printed = format!("{kafka:?}");
        assert!(!printed.contains("hunter2") && printed.contains("alice"), "{printed}");
    }

    #[test]
    fn an_unknown_key_is_refused_and_every_other_has_a_default() {
        let read = |text: &str| serde_json::from_str::<ConsumerSettings>(text);
        assert_eq!(read(r#"{"group": "g"}"#).unwrap(), ConsumerSettings::new("g"));
        assert!(read(r#"{"group": "g", "max_age": 5}"#).is_err());
        assert!(serde_json::from_str::<BatchBounds>(r#"{"max_age": 5}"#).is_err());
        assert!(serde_json::from_str::<ProducerSettings>(r#"{"acks": "1"}"#).is_err());
        assert!(serde_json::from_str::<KafkaConfig>(r#"{"brokers": "b", "client": "x"}"#).is_err());
    }

    #[test]
    fn the_last_flush_leaves_half_of_the_poll_interval() {
        let settings = ConsumerSettings {
            revoke_flush_ms: 60_000,
            max_poll_interval_ms: 10_000,
            ..ConsumerSettings::new("g")
        };
        assert_eq!(settings.revoke_flush(), Duration::from_secs(5));
    }
}

//! From our settings to the client's. The choices here are what the engine's correctness and speed rest on.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

use crate::config::{ConsumerSettings, KafkaConfig, ProducerSettings};
use crate::error::StreamError;

/// Properties that the engine sets itself and nobody may override: each of them, set otherwise, loses or repeats
/// records, or splits customers over partitions.
const OWNED: [&str; 14] = [
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "partition.assignment.strategy",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "isolation.level",
    "enable.idempotence",
    "acks",
    "request.required.acks",
    "partitioner",
];

/// What every client has in common.
pub(crate) fn common(kafka: &KafkaConfig) -> Result<ClientConfig, StreamError> {
    let mut config = ClientConfig::new();
    config.set_log_level(RDKafkaLogLevel::Warning);
    config.set("bootstrap.servers", &kafka.brokers);
    config.set("client.id", &kafka.client_id);
    if let Some(refused) = kafka.properties.keys().find(|key| OWNED.contains(&key.as_str())) {
        let source = KafkaError::ClientCreation(format!("`{refused}` may not be overridden in `properties`"));
        return Err(StreamError::config(source));
    }
    Ok(config)
}

/// The user's own properties go last, so that they win where they may.
fn with_properties(mut config: ClientConfig, kafka: &KafkaConfig) -> ClientConfig {
    for (key, value) in &kafka.properties {
        config.set(key, value);
    }
    config
}

/// A client without a group: for requests about topics.
pub(crate) fn admin(kafka: &KafkaConfig) -> Result<ClientConfig, StreamError> {
    Ok(with_properties(common(kafka)?, kafka))
}

/// A member of a consumer group.
pub(crate) fn consumer(
    kafka: &KafkaConfig,
    settings: &ConsumerSettings,
) -> Result<ClientConfig, StreamError> {
    let mut config = common(kafka)?;
    config.set("group.id", &settings.group);
    if let Some(instance_id) = &settings.instance_id {
        config.set("group.instance.id", instance_id);
    }
    // Cooperative: a rebalance stops only the partitions that move, whose state is dear to load.
    config.set("group.protocol", "classic");
    config.set("partition.assignment.strategy", "cooperative-sticky");
    config.set("session.timeout.ms", settings.session_timeout_ms.to_string());
    config.set("heartbeat.interval.ms", (settings.session_timeout_ms / 15).max(100).to_string());
    config.set("max.poll.interval.ms", settings.max_poll_interval_ms.to_string());
    // The engine alone says what is done.
    config.set("enable.auto.commit", "false");
    config.set("enable.auto.offset.store", "false");
    reading(&mut config);
    config.set("queued.max.messages.kbytes", settings.queued_max_kbytes.to_string());
    Ok(with_properties(config, kafka))
}

/// A client that reads given partitions and belongs to no group.
pub(crate) fn reader(kafka: &KafkaConfig) -> Result<ClientConfig, StreamError> {
    let mut config = common(kafka)?;
    // The client insists on a name although nothing is ever committed under it.
    config.set("group.id", "sarafan-reader");
    config.set("enable.auto.commit", "false");
    config.set("enable.auto.offset.store", "false");
    reading(&mut config);
    config.set("enable.partition.eof", "true");
    config.set("queued.max.messages.kbytes", "65536");
    Ok(with_properties(config, kafka))
}

fn reading(config: &mut ClientConfig) {
    config.set("isolation.level", "read_committed");
    // A position that the topic does not hold is for a human: the engine chooses start offsets itself.
    config.set("auto.offset.reset", "error");
    // The default of one second leaves a consumer idle whenever its queue was full once.
    config.set("fetch.queue.backoff.ms", "1");
    // One request per broker is under way at a time, so a partition that starts waits as long as that one does.
    config.set("fetch.wait.max.ms", "100");
}

/// An idempotent producer.
pub(crate) fn producer(
    kafka: &KafkaConfig,
    settings: &ProducerSettings,
) -> Result<ClientConfig, StreamError> {
    let mut config = common(kafka)?;
    config.set("enable.idempotence", "true");
    config.set("acks", "all");
    config.set("compression.type", "lz4");
    // As Java clients partition, so that everybody finds a key in the same place.
    config.set("partitioner", "murmur2_random");
    config.set("linger.ms", settings.linger_ms.to_string());
    config.set("queue.buffering.max.messages", settings.max_in_flight_records.to_string());
    config.set("queue.buffering.max.kbytes", settings.max_in_flight_kbytes.to_string());
    config.set("message.timeout.ms", settings.delivery_timeout_ms.to_string());
    config.set("message.max.bytes", settings.max_message_bytes.to_string());
    Ok(with_properties(config, kafka))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_correctness_rests_on_cannot_be_overridden() {
        for key in OWNED {
            let mut kafka = KafkaConfig::new("127.0.0.1:9092");
            kafka.properties.insert(key.to_owned(), "x".to_owned());
            assert_eq!(consumer(&kafka, &ConsumerSettings::new("g")).unwrap_err().kind(), "config");
            assert_eq!(producer(&kafka, &ProducerSettings::default()).unwrap_err().kind(), "config");
        }
    }

    #[test]
    fn a_secret_that_the_client_refuses_is_not_quoted() {
        let mut kafka = KafkaConfig::new("127.0.0.1:9092");
        kafka.properties.insert("sasl.jaas.config".to_owned(), "password=hunter2".to_owned());
        let config = producer(&kafka, &ProducerSettings::default()).unwrap();
        let refused = config.create_native_config().map(|_| ()).map_err(StreamError::config).unwrap_err();
        let (shown, debugged) = (refused.to_string(), format!("{refused:?}"));
        assert!(shown.contains("sasl.jaas.config"), "{shown}");
        assert!(!shown.contains("hunter2") && !debugged.contains("hunter2"), "{shown}, {debugged}");
    }

    #[test]
    fn properties_win_over_defaults() {
        let mut kafka = KafkaConfig::new("127.0.0.1:9092");
        kafka.properties.insert("compression.type".to_owned(), "zstd".to_owned());
        let config = producer(&kafka, &ProducerSettings::default()).unwrap();
        assert_eq!(config.get("compression.type"), Some("zstd"));
        assert_eq!(config.get("enable.idempotence"), Some("true"));
    }

    #[test]
    fn the_client_accepts_every_configuration() {
        let kafka = KafkaConfig::new("127.0.0.1:9092");
        let mut settings = ConsumerSettings::new("g");
        settings.instance_id = Some("member-1".to_owned());
        for config in [
            admin(&kafka).unwrap(),
            reader(&kafka).unwrap(),
            consumer(&kafka, &settings).unwrap(),
            producer(&kafka, &ProducerSettings::default()).unwrap(),
        ] {
            config.create_native_config().unwrap();
        }
    }
}

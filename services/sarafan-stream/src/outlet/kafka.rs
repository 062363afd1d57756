//! The outlet over the client library, which has a thread of its own.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use tracing::warn;

use super::{Deliveries, Outlet};
use crate::client;
use crate::config::{KafkaConfig, ProducerSettings};
use crate::error::StreamError;
use crate::frontier::Receipt;
use crate::group::log_client;
use crate::producer::ProducerRecord;

struct KafkaOutlet(ThreadedProducer<Deliveries>);

/// Makes a producer of the client library.
pub(crate) fn open(
    kafka: &KafkaConfig,
    settings: &ProducerSettings,
    deliveries: Deliveries,
) -> Result<Arc<dyn Outlet>, StreamError> {
    let client =
        client::producer(kafka, settings)?.create_with_context(deliveries).map_err(StreamError::config)?;
    Ok(Arc::new(KafkaOutlet(client)))
}

impl Outlet for KafkaOutlet {
    fn send(&self, record: &ProducerRecord, receipt: &Receipt) -> Result<(), KafkaError> {
        // The token that went in comes back with a record that is not taken; the caller has the receipt still.
        self.0.send(base_record(record, receipt)).map_err(|(source, _)| source)
    }
}

fn base_record<'a>(
    record: &'a ProducerRecord,
    receipt: &Receipt,
) -> BaseRecord<'a, [u8], [u8], Arc<AtomicU32>> {
    let mut base = BaseRecord::with_opaque_to(&record.topic, receipt.clone().into_shared());
    base.key = record.key.as_deref();
    base.payload = record.value.as_deref();
    base.timestamp = record.timestamp_ms;
    if !record.headers.is_empty() {
        let headers = OwnedHeaders::new_with_capacity(record.headers.len());
        base.headers = Some(record.headers.iter().fold(headers, |headers, header| {
            headers.insert(Header { key: &header.name, value: header.value.as_deref() })
        }));
    }
    base
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_client(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        warn!(%error, reason, "kafka client");
    }
}

/// Called on the client's own thread.
impl ProducerContext for Deliveries {
    type DeliveryOpaque = Arc<AtomicU32>;

    fn delivery(&self, result: &DeliveryResult<'_>, token: Arc<AtomicU32>) {
        match result {
            Ok(message) => {
                let bytes = message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len);
                self.acknowledged(message.topic(), bytes as u64, &Receipt::from_shared(token));
            }
            Err((source, message)) => self.failed(message.topic(), source),
        }
    }
}

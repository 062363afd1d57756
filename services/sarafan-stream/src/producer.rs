//! Producing with acknowledgements that are counted per source record.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use tokio::sync::Notify;
use tokio::time::timeout;
use tracing::{error, warn};

use crate::client;
use crate::config::{KafkaConfig, ProducerSettings};
use crate::error::StreamError;
use crate::frontier::Receipt;
use crate::group::log_client;
use crate::metrics::StreamMetrics;
use crate::record::OwnedHeader;

/// How long a sender waits at most before it looks again whether there is room.
const FULL_RETRY: Duration = Duration::from_millis(5);

/// A record to be produced. Its partition follows from its key, as Java clients compute it (murmur2); without a key
/// it is random.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerRecord {
    /// The topic.
    pub topic: Arc<str>,
    /// The key; absent and empty differ.
    pub key: Option<Vec<u8>>,
    /// The value; absent (a tombstone) and empty differ.
    pub value: Option<Vec<u8>>,
    /// The headers, in order.
    pub headers: Vec<OwnedHeader>,
    /// Milliseconds since the Unix epoch; none lets the client take the time of sending.
    pub timestamp_ms: Option<i64>,
}

/// An idempotent producer. Cheap to clone; all clones share one connection and one bound on what is in flight.
///
/// The first record that is not delivered makes every later call fail with [`StreamError::Delivery`]: the process is
/// to stop and to read the source again, nothing is ever skipped.
#[derive(Clone)]
pub struct Producer {
    client: ThreadedProducer<Deliveries>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    in_flight: AtomicU32,
    /// Somebody waits for room or for the last acknowledgement.
    progress: Notify,
    failure: OnceLock<(String, KafkaError)>,
}

impl Shared {
    fn check(&self) -> Result<(), StreamError> {
        match self.failure.get() {
            None => Ok(()),
            Some((topic, source)) => {
                Err(StreamError::Delivery { topic: topic.clone(), source: source.clone() })
            }
        }
    }
}

/// Whether a record was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way, its receipt waits for it.
    Queued,
    /// Too much is in flight already: try again after an acknowledgement.
    Full,
}

impl Producer {
    /// Makes a producer. Brokers that cannot be reached are no error here; undelivered records are, after the
    /// delivery timeout.
    ///
    /// # Errors
    ///
    /// [`StreamError::Config`] if the client refuses its settings.
    pub fn open(
        kafka: &KafkaConfig,
        settings: &ProducerSettings,
        metrics: StreamMetrics,
    ) -> Result<Self, StreamError> {
        let shared = Arc::new(Shared::default());
        let context = Deliveries { shared: Arc::clone(&shared), metrics };
        let client =
            client::producer(kafka, settings)?.create_with_context(context).map_err(StreamError::config)?;
        Ok(Self { client, shared })
    }

    /// Queues a record if there is room. On [`Sent::Queued`] the receipt expects one more acknowledgement.
    ///
    /// # Errors
    ///
    /// [`StreamError::Delivery`] if this record can never be sent (too large) or an earlier one was not delivered.
    pub fn try_send(&self, record: &ProducerRecord, receipt: &Receipt) -> Result<Sent, StreamError> {
        self.shared.check()?;
        // Before the client may answer, and taken back if it does not take the record.
        receipt.expect();
        self.shared.in_flight.fetch_add(1, Ordering::AcqRel);
        let Err((source, refused)) = self.client.send(base_record(record, receipt)) else {
            return Ok(Sent::Queued);
        };
        // The token that went in comes back with the record; it stands for the acknowledgement expected above.
        Receipt::from_shared(refused.delivery_opaque).acknowledge();
        self.shared.in_flight.fetch_sub(1, Ordering::AcqRel);
        match source.rdkafka_error_code() {
            Some(RDKafkaErrorCode::QueueFull) => Ok(Sent::Full),
            _ => Err(StreamError::Delivery { topic: record.topic.to_string(), source }),
        }
    }

    /// Queues a record, waiting for room if there is none. Dropped before it returns, it has sent nothing.
    ///
    /// # Errors
    ///
    /// As [`try_send`](Self::try_send).
    pub async fn send(&self, record: &ProducerRecord, receipt: &Receipt) -> Result<(), StreamError> {
        loop {
            // Registered before the attempt, so that no acknowledgement in between is missed.
            let mut progress = std::pin::pin!(self.shared.progress.notified());
            progress.as_mut().enable();
            match self.try_send(record, receipt)? {
                Sent::Queued => return Ok(()),
                // The client frees a record's place only after it has told us of the delivery, so the last notice may
                // come too early: look again soon, whether or not there is another.
                Sent::Full => _ = timeout(FULL_RETRY, progress).await,
            }
        }
    }

    /// Waits until everything that was sent is acknowledged.
    ///
    /// # Errors
    ///
    /// [`StreamError::Delivery`] if something was not.
    pub async fn settled(&self) -> Result<(), StreamError> {
        loop {
            let mut progress = std::pin::pin!(self.shared.progress.notified());
            progress.as_mut().enable();
            self.shared.check()?;
            if self.in_flight() == 0 {
                return Ok(());
            }
            progress.await;
        }
    }

    /// Waits for an acknowledgement, unless nothing is in flight.
    ///
    /// # Errors
    ///
    /// [`StreamError::Delivery`] if a record was not delivered.
    pub async fn acknowledged(&self) -> Result<(), StreamError> {
        let mut progress = std::pin::pin!(self.shared.progress.notified());
        progress.as_mut().enable();
        self.shared.check()?;
        if self.in_flight() > 0 {
            progress.await;
        }
        self.shared.check()
    }

    /// Fails if any record so far was not delivered.
    ///
    /// # Errors
    ///
    /// [`StreamError::Delivery`], naming the first one.
    pub fn check(&self) -> Result<(), StreamError> {
        self.shared.check()
    }

    /// How many records wait for their acknowledgement.
    pub fn in_flight(&self) -> u32 {
        self.shared.in_flight.load(Ordering::Acquire)
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

/// Hears of deliveries, on the producer's own thread.
struct Deliveries {
    shared: Arc<Shared>,
    metrics: StreamMetrics,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_client(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        warn!(%error, reason, "kafka client");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Arc<AtomicU32>;

    fn delivery(&self, result: &DeliveryResult<'_>, token: Arc<AtomicU32>) {
        match result {
            Ok(message) => {
                let topic = [message.topic()];
                let bytes = message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len);
                self.metrics.records_produced.with_label_values(&topic).inc();
                self.metrics.bytes_produced.with_label_values(&topic).inc_by(bytes as u64);
                Receipt::from_shared(token).acknowledge();
            }
            Err((source, message)) => {
                // Its receipt is never acknowledged, so nothing that depends on it can be committed.
                if self.shared.failure.set((message.topic().to_owned(), source.clone())).is_ok() {
                    error!(topic = message.topic(), error = %source, "a record was not delivered");
                }
            }
        }
        self.shared.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.shared.progress.notify_waiters();
    }
}

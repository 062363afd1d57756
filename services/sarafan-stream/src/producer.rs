//! Producing with acknowledgements that are counted per source record.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::config::{KafkaConfig, ProducerSettings};
use crate::error::StreamError;
use crate::frontier::Receipt;
use crate::metrics::StreamMetrics;
use crate::outlet::{self, Deliveries, Outlet};
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
    outlet: Arc<dyn Outlet>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    in_flight: AtomicU32,
    /// Somebody waits for room or for the last acknowledgement.
    progress: Notify,
    failure: OnceLock<(String, KafkaError)>,
}

impl Shared {
    /// How many records are on their way.
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Acquire)
    }

    /// A record is on its way no longer.
    pub(crate) fn settled_one(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.progress.notify_waiters();
    }

    /// Takes note of the first record that was not delivered; false for any other.
    pub(crate) fn fail(&self, topic: &str, source: &KafkaError) -> bool {
        self.failure.set((topic.to_owned(), source.clone())).is_ok()
    }

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
        Self::over(metrics, |deliveries| outlet::open(kafka, settings, deliveries))
    }

    /// A producer over the outlet that `open` makes.
    pub(crate) fn over(
        metrics: StreamMetrics,
        open: impl FnOnce(Deliveries) -> Result<Arc<dyn Outlet>, StreamError>,
    ) -> Result<Self, StreamError> {
        let shared = Arc::new(Shared::default());
        let outlet = open(Deliveries { shared: Arc::clone(&shared), metrics })?;
        Ok(Self { outlet, shared })
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
        let Err(source) = self.outlet.send(record, receipt) else {
            return Ok(Sent::Queued);
        };
        receipt.acknowledge();
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
        self.shared.in_flight()
    }
}

//! The port between a producer and the client: a record goes out, and later word comes back of what became of it.

mod kafka;

use std::sync::Arc;

use rdkafka::error::KafkaError;
use tracing::error;

use crate::frontier::Receipt;
use crate::metrics::StreamMetrics;
use crate::planted::planted;
use crate::producer::{ProducerRecord, Shared};

pub(crate) use kafka::open;

/// Where a [`Producer`](crate::Producer) puts its records.
///
/// There are two: over the client library, and simulated (feature `simulation`).
pub trait Outlet: Send + Sync {
    /// Takes a record to deliver it, without waiting. What becomes of it is told once, later, with this receipt.
    ///
    /// # Errors
    ///
    /// `QueueFull` if too much is on its way already; anything else if this record can never be sent. Nothing is told of it
    /// then.
    fn send(&self, record: &ProducerRecord, receipt: &Receipt) -> Result<(), KafkaError>;
}

/// Hears what became of the records of one producer.
#[derive(Clone)]
pub(crate) struct Deliveries {
    pub(crate) shared: Arc<Shared>,
    pub(crate) metrics: StreamMetrics,
}

impl Deliveries {
    /// The brokers have acknowledged a record of so many bytes.
    pub(crate) fn acknowledged(&self, topic: &str, bytes: u64, receipt: &Receipt) {
        self.metrics.records_produced.with_label_values(&[topic]).inc();
        self.metrics.bytes_produced.with_label_values(&[topic]).inc_by(bytes);
        receipt.acknowledge();
        self.shared.settled_one();
    }

    /// A record was not delivered, or nobody knows whether it was. Its receipt is never acknowledged, so nothing that
    /// depends on it can be committed.
    pub(crate) fn failed(&self, topic: &str, source: &KafkaError) {
        if planted("planted::lost_delivery_goes_on") {
            self.shared.settled_one();
            return;
        }
        if self.shared.fail(topic, source) {
            error!(topic, error = %source, "a record was not delivered");
        }
        self.shared.settled_one();
    }
}

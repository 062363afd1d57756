//! Writing many records and waiting for all of them.

use crate::config::{KafkaConfig, ProducerSettings};
use crate::error::StreamError;
use crate::frontier::Receipt;
use crate::metrics::StreamMetrics;
use crate::producer::{Producer, ProducerRecord};

/// Writes records as fast as the brokers take them, and at the end knows that every one was acknowledged.
pub struct BulkWriter {
    producer: Producer,
    receipt: Receipt,
    written: u64,
}

impl BulkWriter {
    /// Makes a writer with a producer of its own.
    ///
    /// # Errors
    ///
    /// [`StreamError::Config`] if the client refuses its settings.
    pub fn open(
        kafka: &KafkaConfig,
        settings: &ProducerSettings,
        metrics: StreamMetrics,
    ) -> Result<Self, StreamError> {
        Ok(Self {
            producer: Producer::open(kafka, settings, metrics)?,
            receipt: Receipt::default(),
            written: 0,
        })
    }

    /// Queues a record, waiting for room if too much is in flight.
    ///
    /// # Errors
    ///
    /// [`StreamError::Delivery`] if this record or an earlier one could not be delivered.
    pub async fn write(&mut self, record: &ProducerRecord) -> Result<(), StreamError> {
        self.producer.send(record, &self.receipt).await?;
        self.written += 1;
        Ok(())
    }

    /// How many records were given to [`write`](Self::write) so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// How many of them the brokers have acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.written.saturating_sub(u64::from(self.producer.in_flight()))
    }

    /// Waits until every record is acknowledged, and says how many there were.
    ///
    /// # Errors
    ///
    /// [`StreamError::Delivery`] if one was not.
    pub async fn finish(self) -> Result<u64, StreamError> {
        self.producer.settled().await?;
        Ok(self.written)
    }
}

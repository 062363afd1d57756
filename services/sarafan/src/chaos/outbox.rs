//! Sends as a source does: what was not acknowledged is sent again, so that a record may stand in its topic twice.

use anyhow::bail;
use prometheus::Registry;
use sarafan_stream::{BulkWriter, KafkaConfig, ProducerRecord, ProducerSettings, StreamError, StreamMetrics};

/// How long a record may be on its way, before it is sent again.
const DELIVERY_MS: u64 = 60_000;
/// So often in a row; longer than any fault lasts.
const TRIES: u32 = 10;

/// Records on their way.
pub(super) struct Outbox {
    kafka: KafkaConfig,
    writer: BulkWriter,
    /// Whatever may not be acknowledged yet.
    unsettled: Vec<ProducerRecord>,
}

impl Outbox {
    /// Nothing is on its way yet.
    pub(super) fn open(kafka: &KafkaConfig) -> anyhow::Result<Self> {
        Ok(Self { kafka: kafka.clone(), writer: writer(kafka)?, unsettled: Vec::new() })
    }

    /// Sends a record, and what was not delivered before once more.
    pub(super) async fn send(&mut self, record: ProducerRecord) -> anyhow::Result<()> {
        if self.writer.acknowledged() == self.writer.written() {
            self.unsettled.clear();
        }
        let sent = self.writer.write(&record).await;
        self.unsettled.push(record);
        if sent.is_err() {
            self.send_again().await?;
        }
        Ok(())
    }

    /// Returns when the brokers have everything.
    pub(super) async fn finish(mut self) -> anyhow::Result<()> {
        for _ in 0..TRIES {
            let sent = std::mem::replace(&mut self.writer, writer(&self.kafka)?);
            if sent.finish().await.is_ok() {
                return Ok(());
            }
            self.send_again().await?;
        }
        bail!("{} records were not delivered in {TRIES} tries", self.unsettled.len())
    }

    /// Hands everything that is unsettled to a writer of its own, which has nothing to do with what went wrong before.
    async fn send_again(&mut self) -> anyhow::Result<()> {
        for _ in 0..TRIES {
            self.writer = writer(&self.kafka)?;
            if self.queue().await.is_ok() {
                return Ok(());
            }
        }
        bail!("the brokers took none of {} records in {TRIES} tries", self.unsettled.len())
    }

    async fn queue(&mut self) -> Result<(), StreamError> {
        for record in &self.unsettled {
            self.writer.write(record).await?;
        }
        Ok(())
    }
}

fn writer(kafka: &KafkaConfig) -> Result<BulkWriter, StreamError> {
    let settings = ProducerSettings { delivery_timeout_ms: DELIVERY_MS, ..ProducerSettings::default() };
    BulkWriter::open(kafka, &settings, StreamMetrics::register(&Registry::new())?)
}

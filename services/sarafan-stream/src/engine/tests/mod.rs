use std::convert::Infallible;

use prometheus::Registry;
use tokio::runtime::Runtime;

use super::*;
use crate::config::{ConsumerSettings, KafkaConfig};
use crate::handler::{FlushReason, Revoked};
use crate::metrics::StreamMetrics;
use crate::ownership::Ownership;
use crate::partition::AssignedPartition;
use crate::record::Record;

/// Never gets as far as loading anything: no broker answers.
struct Nobody;

impl Handler for Nobody {
    type Error = Infallible;

    async fn assigned(&mut self, _: &[AssignedPartition]) -> Result<Vec<Position>, Infallible> {
        std::future::pending().await
    }

    fn apply(&mut self, _: &Record<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    async fn flush(&mut self, _: FlushReason) -> Result<FlushOutcome, Infallible> {
        Ok(FlushOutcome::default())
    }

    async fn revoked(&mut self, _: &[TopicPartition], _: Revoked) -> Result<(), Infallible> {
        Ok(())
    }
}

#[test]
fn a_partition_that_came_and_went_while_others_were_loaded_is_not_loaded() {
    // Not dropped with its blocking requests, which wait for a broker.
    let runtime = Runtime::new().unwrap();
    let waiting: Vec<TopicPartition> = runtime.block_on(async {
        let metrics = StreamMetrics::register(&Registry::new()).unwrap();
        let kafka = KafkaConfig::new("127.0.0.1:1");
        let mut consumer = Consumer::open(&kafka, ConsumerSettings::new("g"), &["t"], metrics).unwrap();
        let (group, control) = mpsc::channel(2);
        consumer.control = control;
        let mut engine = Engine::new(Nobody, consumer);
        let (stays, goes) = (TopicPartition::new("t", 0), TopicPartition::new("t", 1));
        let mut ownership = Ownership::default();
        engine.loading.insert(stays.clone(), ownership.assign(&stays));
        let came = vec![(goes.clone(), ownership.assign(&goes))];
        group.send(Control::Assigned(came)).await.unwrap();
        group.send(Control::Lost(vec![goes])).await.unwrap();
        let shutdown = std::pin::pin!(std::future::pending());
        assert!(engine.load(shutdown).await.unwrap().is_none());
        engine.loading.into_keys().collect()
    });
    runtime.shutdown_background();
    assert_eq!(waiting, [TopicPartition::new("t", 0)]);
}

//! A process whose loop hangs says that it is not alive.

use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use sarafan_runtime::service::{Identity, Service};
use sarafan_stream::{
    AssignedPartition, Consumer, ConsumerSettings, FirstStart, FlushOutcome, FlushReason, Handler, Position,
    Pulse, Record, Revoked, TopicPartition, run, start_position,
};

use super::*;

/// How long the loop may be silent; it looks around four times as often.
const HUNG: Duration = Duration::from_millis(2_000);

/// Comes back from no record before it is let go.
struct Stuck {
    reached: Sender<()>,
    let_go: Mutex<Receiver<()>>,
}

impl Handler for Stuck {
    type Error = Infallible;

    async fn assigned(&mut self, parts: &[AssignedPartition]) -> Result<Vec<Position>, Infallible> {
        Ok(parts.iter().map(|part| start_position(part, FirstStart::Earliest).unwrap()).collect())
    }

    fn apply(&mut self, _: &Record<'_>) -> Result<(), Infallible> {
        self.reached.send(()).unwrap();
        self.let_go.lock().unwrap().recv().unwrap();
        Ok(())
    }

    async fn flush(&mut self, _: FlushReason) -> Result<FlushOutcome, Infallible> {
        Ok(FlushOutcome::default())
    }

    async fn revoked(&mut self, _: &[TopicPartition], _: Revoked) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Waits until `/livez` answers with this status.
async fn until_answer(address: SocketAddr, status: &str) {
    let began = Instant::now();
    loop {
        let answer = spawn_blocking(move || get(address, "/livez")).await.unwrap();
        if answer.starts_with(&format!("HTTP/1.1 {status}")) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{answer}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_that_is_stuck_is_not_alive_and_one_that_has_nothing_to_do_is() {
    let brokers = spawn_blocking(|| shared().kafka_brokers()).await.unwrap();
    let kafka = KafkaConfig::new(brokers);
    let topic = topic(&kafka, "stuck", 1).await;
    let shutdown = Shutdown::new();
    let identity = Identity { role: "ingest", version: "1" };
    let service = Service::start_with(&ServiceConfig::default(), &identity, shutdown.clone()).await.unwrap();
    let address = service.address();
    let heartbeat = service.health().heartbeat("records", HUNG);
    let metrics = StreamMetrics::register(service.registry()).unwrap();
    let settings = ConsumerSettings { lag_interval_ms: 500, ..ConsumerSettings::new(&topic) };
    let consumer = Consumer::open(&kafka, settings, &[&topic], metrics)
        .unwrap()
        .with_pulse(Pulse::new(move || heartbeat.beat()));
    let (reached, is_reached) = channel();
    let (go, let_go) = channel();
    let handler = Stuck { reached, let_go: Mutex::new(let_go) };
    let stop = shutdown.clone();
    let running = tokio::spawn(run(handler, consumer, async move { stop.requested().await }));

    // Nothing to do for longer than it may be silent.
    let began = Instant::now();
    while began.elapsed() < 2 * HUNG {
        let answer = spawn_blocking(move || get(address, "/livez")).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let record =
        ProducerRecord { topic: topic.as_str().into(), value: Some(vec![1]), ..ProducerRecord::default() };
    produce(&kafka, [&record].into_iter()).await;
    spawn_blocking(move || is_reached.recv_timeout(PATIENCE).map(|()| is_reached)).await.unwrap().unwrap();
    until_answer(address, "503").await;
    go.send(()).unwrap();
    until_answer(address, "200").await;
    shutdown.request("the test is over");
    running.await.unwrap().unwrap();
}

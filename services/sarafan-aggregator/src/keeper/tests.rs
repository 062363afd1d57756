//! What holds without any server.

use std::sync::atomic::{AtomicU32, Ordering};

use prometheus::{Registry, TextEncoder};
use sarafan_runtime::config::{ConfigErrors, Document};
use sarafan_runtime::health::Health;
use sarafan_store::{ClickHouseSection, Store};
use sarafan_stream::{Consumer, ConsumerSettings, KafkaConfig, StreamMetrics};

use super::*;
use crate::chance::SystemChance;
use crate::config::read_definitions;
use crate::log::KafkaLog;

/// A keeper without partitions that nobody answers.
fn keeper(registry: &Registry, pulse: Pulse) -> Keeper<Store, KafkaLog> {
    let document = Document::from_text("test.toml", "").unwrap();
    let definitions = read_definitions(&document, &mut ConfigErrors::default()).unwrap();
    let nowhere = ClickHouseSection { url: "http://127.0.0.1:1".to_owned(), ..ClickHouseSection::default() };
    let kafka = KafkaConfig::new("127.0.0.1:1");
    let stream = StreamMetrics::register(registry).unwrap();
    let consumer = Consumer::open(&kafka, ConsumerSettings::new("g"), &["t"], stream).unwrap();
    let topic: Arc<str> = Arc::from("t");
    let settings = KeeperSettings {
        definitions: Arc::new(definitions),
        copied_from: None,
        filled_in: BTreeSet::new(),
        topic: Arc::clone(&topic),
        generation: 0,
        partitions: 1,
        figures: ExportedFigures { segments: 50, segment_window_days: 30 },
        backoff: Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(5) },
        collect_after: Duration::ZERO,
    };
    let instruments = Instruments::register(registry, &settings, &[]).unwrap();
    let signs = Signs { instruments, ready: Health::new(registry).unwrap().condition("partitions"), pulse };
    let warehouse = Store::new(&nowhere).unwrap();
    let ports = Ports { warehouse, log: KafkaLog { kafka, topic }, chance: SystemChance };
    Keeper::new(settings, ports, consumer.revoke_pending(), signs)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_no_standstill() {
    let beats = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&beats);
    let mut keeper =
        keeper(&Registry::new(), Pulse::new(move || _ = counted.fetch_add(1, Ordering::Relaxed)));
    let several = async {
        while beats.load(Ordering::Relaxed) < 5 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        flushed = keeper.flush_all(FlushReason::Age) => panic!("nobody can have acknowledged it: {flushed:?}"),
        beating = tokio::time::timeout(Duration::from_secs(20), several) => beating.unwrap(),
    }
}

#[test]
fn who_has_no_partition_is_not_ready() {
    let registry = Registry::new();
    let mut keeper = keeper(&registry, Pulse::default());
    keeper.ready.ready();
    keeper.publish();
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    assert!(text.contains("sarafan_ready{condition=\"partitions\"} 0\n"), "{text}");
}

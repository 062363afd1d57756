//! Where records land.

use std::collections::BTreeMap;

use sarafan_stream::{BulkWriter, ProducerRecord, ProducerSettings};

use crate::support::{kafka, metrics, read, topic};

/// Hashes from the tests of Kafka's own Java client.
const JAVA: [(&str, i32); 6] = [
    ("21", -973_932_308),
    ("foobar", -790_332_482),
    ("a-little-bit-long-string", -985_981_536),
    ("a-little-bit-longer-string", -1_486_304_829),
    ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
    ("abc", 479_470_107),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_key_goes_to_the_partition_that_java_clients_give_it() {
    let topic = topic("murmur", 7).await;
    let mut writer = BulkWriter::open(&kafka(), &ProducerSettings::default(), metrics()).unwrap();
    for (key, _) in JAVA {
        let key = Some(key.as_bytes().to_vec());
        writer
            .write(&ProducerRecord { topic: topic.as_str().into(), key, ..ProducerRecord::default() })
            .await
            .unwrap();
    }
    assert_eq!(writer.finish().await.unwrap(), 6);
    let found: BTreeMap<Vec<u8>, i32> =
        read(&topic).await.into_iter().map(|record| (record.key.unwrap(), record.partition)).collect();
    for (key, hash) in JAVA {
        assert_eq!(found[key.as_bytes()], (hash & 0x7fff_ffff) % 7, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_makes_the_writer_wait_and_loses_nothing() {
    let topic = topic("full", 1).await;
    let small = ProducerSettings { max_in_flight_records: 10, ..ProducerSettings::default() };
    let mut writer = BulkWriter::open(&kafka(), &small, metrics()).unwrap();
    for number in 0u32..2_000 {
        let value = Some(number.to_be_bytes().to_vec());
        writer
            .write(&ProducerRecord { topic: topic.as_str().into(), value, ..ProducerRecord::default() })
            .await
            .unwrap();
    }
    writer.finish().await.unwrap();
    let values: Vec<Vec<u8>> = read(&topic).await.into_iter().map(|record| record.value.unwrap()).collect();
    assert_eq!(values, (0u32..2_000).map(|number| number.to_be_bytes().to_vec()).collect::<Vec<_>>());
}

//! Reading a topic to its end as of now.

use sarafan_stream::{BulkWriter, ProducerRecord, ProducerSettings, ReadFrom, TopicReader};

use crate::support::{kafka, metrics, number, numbered, read, topic, topic_with, transact, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_gives_every_record_once_and_in_order_per_partition() {
    let topic = topic("read", 4).await;
    write(&topic, 0..5_000).await;
    let records = read(&topic).await;
    let mut numbers: Vec<u64> = records.iter().map(|record| number(record.value.as_deref())).collect();
    for pair in records.windows(2) {
        assert!(pair[0].partition < pair[1].partition || pair[0].offset + 1 == pair[1].offset);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..5_000).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_after_opening_is_not_read() {
    let topic = topic("bounded", 1).await;
    write(&topic, 0..10).await;
    let reader = TopicReader::open(&kafka(), &topic, &ReadFrom::Offsets([(0, 4)].into())).unwrap();
    write(&topic, 10..20).await;
    let numbers: Vec<u64> = tokio::task::spawn_blocking(move || {
        reader.map(|record| number(record.unwrap().value.as_deref())).collect()
    })
    .await
    .unwrap();
    assert_eq!(numbers, [4, 5, 6, 7, 8, 9]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_that_the_topic_does_not_hold_is_refused() {
    let topic = topic("outside", 1).await;
    write(&topic, 0..10).await;
    let open = |offset| TopicReader::open(&kafka(), &topic, &ReadFrom::Offsets([(0, offset)].into()));
    assert_eq!(open(11).err().unwrap().kind(), "offset_out_of_range");
    assert_eq!(open(10).unwrap().count(), 0);
    let missing = TopicReader::open(&kafka(), "no-such-topic", &ReadFrom::Beginning);
    assert_eq!(missing.err().unwrap().kind(), "unknown_topic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_is_the_brokers_only_where_the_topic_keeps_that() {
    let day = 86_400_000;
    for (kind, by_broker) in [("CreateTime", false), ("LogAppendTime", true)] {
        let topic = topic_with("times", 1, &[("message.timestamp.type", kind)]).await;
        let mut writer = BulkWriter::open(&kafka(), &ProducerSettings::default(), metrics()).unwrap();
        writer.write(&ProducerRecord { timestamp_ms: Some(day), ..numbered(&topic, 1) }).await.unwrap();
        writer.finish().await.unwrap();
        let record = read(&topic).await.remove(0);
        assert_eq!(record.by_broker, by_broker);
        assert_eq!(record.timestamp_ms == Some(day), !by_broker);
        assert_eq!(record.as_record().appended_ms().is_some(), by_broker);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_ends_at_a_transaction_marker_and_skips_what_was_aborted() {
    let topic = topic("transactions", 1).await;
    transact(&topic, [("1", true), ("2", false), ("3", true), ("4", false)]).await;
    let numbers: Vec<u64> = read(&topic).await.iter().map(|record| number(record.value.as_deref())).collect();
    assert_eq!(numbers, [1, 3]);
}

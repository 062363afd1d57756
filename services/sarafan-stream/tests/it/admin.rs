//! Requests about topics.

use sarafan_localstack::testing::unique_name;
use sarafan_stream::{
    Admin, BulkWriter, CreateTopic, Creation, PartitionEnds, ProducerRecord, ProducerSettings, StreamMetrics,
};

use crate::support::{kafka, topic, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_created_once_and_then_found() {
    let admin = tokio::task::spawn_blocking(|| Admin::open(&kafka()).unwrap()).await.unwrap();
    let name = unique_name("created");
    let configs = [("retention.ms".to_owned(), "-1".to_owned())].into();
    let spec = CreateTopic { name: name.clone(), partitions: 3, replication: None, configs };
    assert_eq!(admin.describe(&name).await.unwrap(), None);
    assert_eq!(admin.create_topic(&spec).await.unwrap(), Creation::Created);
    assert_eq!(admin.create_topic(&spec).await.unwrap(), Creation::Existed);
    assert_eq!(
        admin.describe(&name).await.unwrap().unwrap().partitions,
        [PartitionEnds { low: 0, high: 0 }; 3]
    );
    admin.delete_topic(&name).await.unwrap();
    admin.delete_topic(&unique_name("never-was")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_specification_is_refused_with_the_brokers_reason() {
    let admin = tokio::task::spawn_blocking(|| Admin::open(&kafka()).unwrap()).await.unwrap();
    let spec =
        CreateTopic { name: "a topic".to_owned(), partitions: 1, replication: Some(1), configs: [].into() };
    assert_eq!(admin.create_topic(&spec).await.unwrap_err().kind(), "create_topic");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ends_of_partitions_count_what_was_written() {
    let topic = topic("ends", 2).await;
    write(&topic, 0..50).await;
    let info = Admin::open(&kafka()).unwrap().describe(&topic).await.unwrap().unwrap();
    assert_eq!(info.partitions.iter().map(|ends| ends.high - ends.low).sum::<i64>(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_topic_takes_no_record_until_it_is_opened_again_and_keeps_its_settings() {
    let admin = tokio::task::spawn_blocking(|| Admin::open(&kafka()).unwrap()).await.unwrap();
    let name = unique_name("closed");
    let configs = [("retention.ms".to_owned(), "-1".to_owned())].into();
    let spec = CreateTopic { name: name.clone(), partitions: 1, replication: None, configs };
    admin.create_topic(&spec).await.unwrap();
    write(&name, 0..5).await;
    assert!(!admin.is_closed(&name).await.unwrap() && !admin.reopen_topic(&name, 1_000_000).await.unwrap());
    admin.close_topic(&name).await.unwrap();
    assert!(admin.is_closed(&name).await.unwrap());
    let metrics = StreamMetrics::register(&prometheus::Registry::new()).unwrap();
    let mut writer = BulkWriter::open(&kafka(), &ProducerSettings::default(), metrics).unwrap();
    let record =
        ProducerRecord { topic: name.as_str().into(), value: Some(vec![1]), ..ProducerRecord::default() };
    let refused = async {
        writer.write(&record).await?;
        writer.finish().await
    };
    assert_eq!(refused.await.unwrap_err().kind(), "delivery");
    assert!(admin.reopen_topic(&name, 1_000_000).await.unwrap());
    write(&name, 5..9).await;
    let ends = admin.describe(&name).await.unwrap().unwrap().partitions;
    assert_eq!(ends, [PartitionEnds { low: 0, high: 9 }]);
}

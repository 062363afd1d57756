//! Lag, as the brokers' ends and the client's positions make it.

use sarafan_localstack::testing::unique_name;
use sarafan_stream::Consumer;

use crate::support::{Log, Logging, Plain, Running, kafka, metrics, settings, topic, transact, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_of_transactions_that_was_read_to_its_end_has_no_lag() {
    let topic = topic("transactional", 1).await;
    transact(&topic, [("1", true), ("2", true), ("3", false)]).await;
    let group = unique_name("transactional");
    let consume = || {
        let consumer = Consumer::open(&kafka(), settings(&group), &[&topic], metrics()).unwrap();
        let (unread, log) = (consumer.unread(), Log::default());
        (unread, log.clone(), Running::start(Logging::new(&log, Plain), consumer))
    };
    let caught_up = |unread: &sarafan_stream::Unread| {
        let partitions = unread.partitions();
        partitions.len() == 1 && partitions[0].1.records == 0
    };
    let (unread, log, running) = consume();
    until("the records are applied", || log.applied().len() == 2).await;
    until("nothing waits behind the last marker", || caught_up(&unread)).await;
    transact(&topic, [("4", true)]).await;
    until("what comes later is applied", || log.applied().len() == 3).await;
    until("nothing waits again", || caught_up(&unread)).await;
    running.stop().await.unwrap();

    // Committed is what was applied, which lies before the marker: a successor with nothing to read has no lag either.
    let (unread, log, running) = consume();
    until("nothing waits after a restart", || caught_up(&unread)).await;
    running.stop().await.unwrap();
    assert!(log.applied().is_empty());
}

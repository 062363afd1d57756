//! The engine over the simulated cluster.

use std::time::Duration;

use super::*;
use crate::metrics::StreamMetrics;
use crate::partition::TopicPartition;

mod book;
mod groups;
mod handovers;
mod producing;
mod schedules;
mod world;

use book::{Book, Manner};
use world::{Running, clerks, settings};

fn clerk(cluster: &Cluster, process: u32, book: &Book) -> Running {
    clerks(book, Manner::default(), 0)(cluster, process, settings())
}

fn write(cluster: &Cluster, partition: i32, records: usize) {
    for _ in 0..records {
        cluster.append(&TopicPartition::new("t", partition), Written::default()).unwrap();
    }
}

/// Everybody works and everything is answered, for so many rounds of 10 ms.
async fn calm(cluster: &Cluster, members: &mut [Running], rounds: usize) {
    for _ in 0..rounds {
        for running in &mut *members {
            cluster.step(running.member, 100);
            if let Some(ended) = running.engine.poll() {
                ended.unwrap();
            }
        }
        for pending in cluster.pending() {
            cluster.answer(pending.id, How::Done);
        }
        tokio::time::advance(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_members_share_a_topic_and_apply_every_record_once() {
    let cluster = Cluster::new();
    cluster.create_topic("t", 3);
    let book = Book::default();
    let mut members = vec![clerk(&cluster, 0, &book)];
    (0..3).for_each(|partition| write(&cluster, partition, 10));
    calm(&cluster, &mut members, 20).await;
    assert_eq!(book.open().applied, 30);
    members.push(clerk(&cluster, 1, &book));
    calm(&cluster, &mut members, 20).await;
    (0..3).for_each(|partition| write(&cluster, partition, 10));
    calm(&cluster, &mut members, 20).await;
    assert_eq!(book.open().applied, 60, "each once, for all went in order");
    assert_eq!(book.open().owners.len(), 2);
    for partition in 0..3 {
        assert_eq!(cluster.committed("g", &TopicPartition::new("t", partition)), Some(20));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_member_had_not_committed_is_read_again_by_the_next() {
    let cluster = Cluster::new();
    cluster.create_topic("t", 1);
    let book = Book::default();
    let mut members = vec![clerk(&cluster, 0, &book)];
    calm(&cluster, &mut members, 20).await;
    write(&cluster, 0, 5);
    for _ in 0..3 {
        cluster.step(members[0].member, 100);
        assert!(members[0].engine.poll().is_none());
    }
    assert_eq!(book.open().applied, 5);
    cluster.kill(Process(0));
    let mut members = vec![clerk(&cluster, 1, &book)];
    calm(&cluster, &mut members, 20).await;
    assert_eq!(book.open().applied, 5, "the group has not given up the dead one yet");
    tokio::time::advance(Duration::from_secs(46)).await;
    calm(&cluster, &mut members, 40).await;
    assert_eq!(book.open().applied, 10);
    assert_eq!(cluster.committed("g", &TopicPartition::new("t", 0)), Some(5));
}

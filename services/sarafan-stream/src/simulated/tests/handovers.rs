//! What a handler is told when partitions go to another member.

use std::collections::BTreeSet;

use super::book::{Book, Manner};
use super::world::{Running, clerks, settings};
use super::*;

/// A topic of three partitions, and the first member of two, which has read ten records of each.
async fn reading(manner: Manner) -> (Cluster, Book, Vec<Running>) {
    let cluster = Cluster::new();
    cluster.create_topic("t", 3);
    let book = Book::default();
    (0..3).for_each(|partition| write(&cluster, partition, 10));
    let mut members = vec![clerks(&book, manner, 0)(&cluster, 0, settings())];
    calm(&cluster, &mut members, 40).await;
    (cluster, book, members)
}

/// Another member joins, and so many rounds go by.
async fn join(cluster: &Cluster, book: &Book, members: &mut Vec<Running>, rounds: usize) {
    members.push(clerk(cluster, 1, book));
    calm(cluster, members, rounds).await;
}

#[tokio::test(start_paused = true)]
async fn what_goes_to_another_member_is_held_by_that_one_alone() {
    let (cluster, book, mut members) = reading(Manner::default()).await;
    assert_eq!(book.open().held[&0].len(), 3);
    join(&cluster, &book, &mut members, 40).await;
    let held = book.open().held.clone();
    assert!(held[&0].is_disjoint(&held[&1]), "{held:?}");
    assert_eq!(held[&0].len() + held[&1].len(), 3);
}

#[tokio::test(start_paused = true)]
async fn after_a_last_flush_that_was_cut_off_what_stays_is_taken_again() {
    let (cluster, book, mut members) = reading(Manner { hangs: true, ..Manner::default() }).await;
    let limit = settings().revoke_flush().as_millis() / 10;
    join(&cluster, &book, &mut members, usize::try_from(limit).unwrap() + 200).await;
    assert_eq!(book.open().last_flushes, 1);
    let stays = book.open().held[&0].clone();
    assert!(!stays.is_empty() && stays.len() < 3);
    let again: BTreeSet<i32> = book.open().asked[&0].iter().skip(3).copied().collect();
    assert_eq!(again, stays, "nobody knows what had been written of it");
}

#[tokio::test(start_paused = true)]
async fn a_declined_partition_that_went_to_another_member_is_not_asked_for_again() {
    for declined in 0..3 {
        let (cluster, book, mut members) =
            reading(Manner { declines: Some(declined), ..Manner::default() }).await;
        join(&cluster, &book, &mut members, 40).await;
        let went = book.open().asked[&1].contains(&declined);
        let before = book.open().asked[&0].len();
        // Less at a time than a session lasts.
        for _ in 0..3 {
            tokio::time::advance(Duration::from_millis(settings().declined_retry_ms) / 3).await;
            calm(&cluster, &mut members, 40).await;
        }
        let asked = book.open().asked[&0][before..].to_vec();
        assert_eq!(asked, if went { vec![] } else { vec![declined] });
    }
}

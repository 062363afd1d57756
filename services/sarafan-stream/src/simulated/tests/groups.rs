//! What the group does to its members, one thing at a time.

use super::book::{Book, Manner};
use super::world::{Running, clerks, partition, settings};
use super::*;
use crate::config::ConsumerSettings;

/// A topic of three partitions with ten records each, and a member that has read them.
async fn reading(settings: ConsumerSettings) -> (Cluster, Book, Vec<Running>) {
    let cluster = Cluster::new();
    cluster.create_topic("t", 3);
    let book = Book::default();
    (0..3).for_each(|partition| write(&cluster, partition, 10));
    let mut members = vec![clerks(&book, Manner::default(), 0)(&cluster, 0, settings)];
    calm(&cluster, &mut members, 20).await;
    assert_eq!(book.open().applied, 30);
    (cluster, book, members)
}

fn named() -> ConsumerSettings {
    ConsumerSettings { instance_id: Some("a".to_owned()), ..settings() }
}

fn commits(cluster: &Cluster) -> Vec<Pending> {
    cluster.pending().into_iter().filter(|pending| pending.what == What::Commit).collect()
}

/// Writes a record and lets the only member commit it, without an answer.
async fn a_commit_under_way(cluster: &Cluster, members: &mut [Running]) -> RequestId {
    write(cluster, 0, 1);
    while commits(cluster).is_empty() {
        cluster.step(members[0].member, 10);
        assert!(members[0].engine.poll().is_none());
        tokio::time::advance(Duration::from_millis(10)).await;
    }
    commits(cluster)[0].id
}

#[tokio::test(start_paused = true)]
async fn a_member_that_stood_still_too_long_hears_that_it_lost_everything_and_joins_again() {
    let (cluster, book, mut members) = reading(settings()).await;
    let other = clerk(&cluster, 1, &book);
    tokio::time::advance(Duration::from_secs(46)).await;
    members.push(other);
    calm(&cluster, &mut members[1..], 20).await;
    write(&cluster, 0, 1);
    calm(&cluster, &mut members[1..], 20).await;
    assert!(book.open().owners.contains(&1));
    let stepped: Vec<Stepped> = (0..3).map(|_| cluster.step(members[0].member, 10)).collect();
    assert_eq!(stepped, [Stepped::Lost, Stepped::Joined, Stepped::Joined]);
    calm(&cluster, &mut members, 40).await;
    (0..3).for_each(|partition| write(&cluster, partition, 1));
    calm(&cluster, &mut members, 20).await;
    assert_eq!(book.open().applied, 34, "each once");
}

#[tokio::test(start_paused = true)]
async fn a_commit_of_an_earlier_generation_is_not_taken() {
    let (cluster, _, mut members) = reading(settings()).await;
    let late = a_commit_under_way(&cluster, &mut members).await;
    cluster.answer(late, How::Late);
    cluster.begin_rebalance("g", Protocol::Cooperative, 0);
    // Everybody joins; whatever is committed now belongs to the next generation.
    for _ in 0..3 {
        cluster.step(members[0].member, 10);
    }
    assert!(cluster.answer(late, How::Done));
    assert_eq!(cluster.committed("g", &partition(0)), Some(10));
    calm(&cluster, &mut members, 200).await;
    assert_eq!(cluster.committed("g", &partition(0)), Some(11), "and the engine makes up for it");
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_sender_overslept_takes_back_what_a_later_owner_committed() {
    let (cluster, book, mut members) = reading(settings()).await;
    let late = a_commit_under_way(&cluster, &mut members).await;
    cluster.answer(late, How::Late);
    members.push(clerk(&cluster, 1, &book));
    calm_but(&cluster, &mut members, 300, late).await;
    (0..3).for_each(|partition| write(&cluster, partition, 5));
    calm_but(&cluster, &mut members, 300, late).await;
    assert_eq!(cluster.committed("g", &partition(0)), Some(16));
    cluster.answer(late, How::Overslept);
    assert_eq!(cluster.committed("g", &partition(0)), Some(11), "records are repeated, none is lost");
}

/// Everything is answered but one request.
async fn calm_but(cluster: &Cluster, members: &mut [Running], rounds: usize, but: RequestId) {
    for _ in 0..rounds {
        for running in &mut *members {
            cluster.step(running.member, 100);
            assert!(running.engine.poll().is_none());
        }
        for pending in cluster.pending().into_iter().filter(|pending| pending.id != but) {
            cluster.answer(pending.id, How::Done);
        }
        tokio::time::advance(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_of_a_dead_process_is_taken_as_long_as_the_group_counts_it_in() {
    for (seconds, committed) in [(1, 11), (60, 10)] {
        let (cluster, book, mut members) = reading(settings()).await;
        let sent = a_commit_under_way(&cluster, &mut members).await;
        cluster.kill(Process(0));
        drop(members);
        tokio::time::advance(Duration::from_secs(seconds)).await;
        // Only when somebody asks does the group look at the clock.
        cluster.step(clerk(&cluster, 1, &book).member, 1);
        assert!(cluster.pending().iter().all(|pending| pending.abandoned));
        assert!(cluster.answer(sent, How::Done));
        assert_eq!(cluster.committed("g", &partition(0)), Some(committed), "after {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_named_member_that_starts_again_in_time_moves_no_partition() {
    let (cluster, book, mut members) = reading(named()).await;
    members.push(clerk(&cluster, 1, &book));
    calm(&cluster, &mut members, 40).await;
    cluster.kill(Process(0));
    members[0] = clerks(&book, Manner::default(), 0)(&cluster, 0, named());
    let stepped: Vec<Stepped> = (0..3).map(|_| cluster.step(members[0].member, 10)).collect();
    assert_eq!(stepped, [Stepped::Joined, Stepped::Assigned, Stepped::Idle], "without a round");
    (0..3).for_each(|partition| write(&cluster, partition, 1));
    calm(&cluster, &mut members, 40).await;
    assert_eq!(book.open().applied, 33);
}

#[tokio::test(start_paused = true)]
async fn a_member_whose_name_is_taken_by_another_stops() {
    let (cluster, book, mut members) = reading(named()).await;
    let other = clerks(&book, Manner::default(), 0)(&cluster, 1, named());
    cluster.step(other.member, 10);
    assert_eq!(cluster.step(members[0].member, 10), Stepped::Ended);
    let ended = members[0].engine.poll().unwrap().unwrap_err();
    assert!(ended.contains("another process runs with the same instance id"), "{ended}");
}

/// Kafka gives a named member that comes back what it was last given, without a round. Had it died before it let go of what
/// was to move, that is in nobody's assignment.
#[tokio::test(start_paused = true)]
async fn what_a_named_member_was_to_let_go_when_it_died_is_nobodys_until_the_next_round() {
    let (cluster, book, mut members) = reading(named()).await;
    members.push(clerk(&cluster, 1, &book));
    while cluster.step(members[0].member, 10) != Stepped::Revoking {
        cluster.step(members[1].member, 10);
    }
    cluster.kill(Process(0));
    members[0] = clerks(&book, Manner::default(), 0)(&cluster, 0, named());
    (0..3).for_each(|partition| write(&cluster, partition, 1));
    calm(&cluster, &mut members, 100).await;
    assert_eq!(book.open().applied, 32, "one partition is read by nobody");
    cluster.begin_rebalance("g", Protocol::Cooperative, 0);
    calm(&cluster, &mut members, 100).await;
    assert_eq!(book.open().applied, 33);
}

#[tokio::test(start_paused = true)]
async fn a_revoke_that_is_not_answered_in_time_goes_on_without() {
    let (cluster, book, mut members) = reading(settings()).await;
    write(&cluster, 0, 1);
    for _ in 0..5 {
        cluster.step(members[0].member, 10);
    }
    members.push(clerk(&cluster, 1, &book));
    let limit = settings().revoke_flush() + Duration::from_secs(1);
    let began = tokio::time::Instant::now();
    // The engine of the first hangs, its client goes on.
    while began.elapsed() < limit {
        cluster.step(members[0].member, 10);
        calm(&cluster, &mut members[1..], 10).await;
    }
    for _ in 0..5 {
        cluster.step(members[0].member, 10);
        calm(&cluster, &mut members[1..], 1).await;
    }
    (0..3).for_each(|partition| write(&cluster, partition, 1));
    calm(&cluster, &mut members, 100).await;
    assert!(book.open().broken.is_empty());
    assert_eq!(book.open().last_flushes, 0, "what may be another's already is not written");
    for number in 0..3 {
        let end = if number == 0 { 12 } else { 11 };
        assert_eq!(cluster.committed("g", &partition(number)), Some(end));
    }
}

#[tokio::test(start_paused = true)]
async fn records_that_were_deleted_before_they_were_read_stop_the_member() {
    let (cluster, _, mut members) = reading(settings()).await;
    write(&cluster, 0, 10);
    cluster.delete_before(&partition(0), 15);
    assert_eq!(cluster.step(members[0].member, 10), Stepped::Ended);
    let ended = members[0].engine.poll().unwrap().unwrap_err();
    assert!(ended.contains("deleted from the topic before they were read"), "{ended}");
}

#[tokio::test(start_paused = true)]
async fn a_question_that_fails_is_asked_again() {
    let cluster = Cluster::new();
    cluster.create_topic("t", 1);
    let book = Book::default();
    let mut members = [clerk(&cluster, 0, &book)];
    write(&cluster, 0, 3);
    for _ in 0..5 {
        while cluster.pending().is_empty() {
            cluster.step(members[0].member, 10);
            assert!(members[0].engine.poll().is_none());
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        let [asked] = cluster.pending()[..] else { panic!("one question at a time") };
        assert_eq!(asked.what, What::Describe);
        cluster.answer(asked.id, How::Refused);
    }
    calm(&cluster, &mut members, 100).await;
    assert_eq!(book.open().applied, 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_be_older_than_the_moment_at_which_it_arrives() {
    let cluster = Cluster::new();
    cluster.create_topic("t", 1);
    let book = Book::default();
    let mut members = [clerk(&cluster, 0, &book)];
    while cluster.pending().is_empty() {
        cluster.step(members[0].member, 10);
        assert!(members[0].engine.poll().is_none());
    }
    let asked = cluster.pending()[0].id;
    write(&cluster, 0, 3);
    cluster.delete_before(&partition(0), 2);
    cluster.answer(asked, How::Stale);
    assert!(members[0].engine.poll().is_none());
    // The start that it decides on is the old one, and the topic does not hold it any more.
    assert_eq!(cluster.step(members[0].member, 10), Stepped::Ended);
}

//! What holds whatever happens: rules of the engine over random schedules, and proof that breaking one is found.
//!
//! At least once, and no more than that: what is committed was written; of a partition every record is applied in order from
//! where its owner starts, none between `revoked` and the next `assigned`. What is committed may go back (a commit that
//! arrives late), which repeats records and loses none. Without faults every record is applied exactly once.

use super::book::{Book, Manner, Slip};
use super::world::{PARTITIONS, Weather, World, clerks, partition, paused};

/// What is wrong after a schedule.
fn check(world: &World, book: &Book) -> Vec<String> {
    let mut wrong = book.open().broken.clone();
    for partition in (0..PARTITIONS).map(partition) {
        let committed = world.cluster.committed("g", &partition).unwrap_or(0);
        if let Some(lost) = book.unwritten_below(&world.cluster, &partition, committed) {
            wrong.push(format!("{partition}: {committed} is committed, {lost} was not written"));
        }
    }
    wrong
}

fn run(seed: u64, weather: Weather, slip: Option<Slip>) -> Result<usize, String> {
    let manner = match weather {
        Weather::Calm => Manner { dawdles: 3, slip, ..Manner::default() },
        Weather::Rough => Manner { dawdles: 5, gives_up: 5, fails: 10, slip, ..Manner::default() },
    };
    paused().block_on(async {
        let book = Book::default();
        let mut world = World::new(seed, weather, clerks(&book, manner, seed));
        for _ in 0..100 {
            world.happen(4).await;
            let wrong = check(&world, &book);
            if !wrong.is_empty() {
                return Err(format!("seed {seed}: {wrong:?}"));
            }
        }
        book.open().healed = true;
        let healed = world.heal().await;
        let mut wrong = check(&world, &book);
        wrong.extend(healed.err());
        let records: usize = (0..PARTITIONS).map(|p| world.cluster.records(&partition(p)).len()).sum();
        let applied = book.open().applied;
        if weather == Weather::Calm && applied != records {
            wrong.push(format!("{applied} applied of {records}"));
        }
        if wrong.is_empty() { Ok(applied) } else { Err(format!("seed {seed}: {wrong:?}")) }
    })
}

#[test]
fn whatever_happens_what_is_committed_was_written_and_no_record_is_left_out() {
    let applied: usize = (0..400).map(|seed| run(seed, Weather::Rough, None).unwrap()).sum();
    assert!(applied > 10_000, "{applied}");
}

#[test]
fn without_faults_every_record_is_applied_exactly_once_however_partitions_move() {
    let applied: usize = (0..200).map(|seed| run(seed, Weather::Calm, None).unwrap()).sum();
    assert!(applied > 10_000, "{applied}");
}

/// How many of a hundred seeds find it.
fn found(slip: Slip) -> usize {
    (0..100).filter(|seed| run(*seed, Weather::Rough, Some(slip)).is_err()).count()
}

#[test]
fn a_handler_that_commits_or_starts_wrongly_is_found() {
    for slip in [Slip::AllowsUnwritten, Slip::AllowsOneMore, Slip::StartsLate] {
        let found = found(slip);
        assert!(found > 50, "{slip:?}: {found} of 100 seeds");
    }
}

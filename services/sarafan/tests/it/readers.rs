//! People at their dashboards: they ask without end while something is done to the deployment, and never see an error or half
//! of anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use crate::world::World;

/// The epoch that views show, as the contract says it.
pub(crate) fn shown(world: &World) -> String {
    world.scalar("SELECT epoch FROM deployment")
}

/// One who looks at sums as fast as it can, and one who reads every view from end to end.
pub(crate) struct Readers {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
    dumped: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// They begin at once.
    pub(crate) fn of(world: &World) -> Self {
        let (stop, asked, dumped) = <(Arc<AtomicBool>, Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let sums = std::thread::spawn({
            let (world, stop, asked) = (world.with(&[]), Arc::clone(&stop), Arc::clone(&asked));
            move || look_at_sums(&world, &stop, &asked)
        });
        let views = std::thread::spawn({
            let (world, stop, dumped) = (world.with(&[]), Arc::clone(&stop), Arc::clone(&dumped));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    assert!(world.dump().values().any(|rows| !rows.is_empty()), "views are empty");
                    dumped.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { stop, asked, dumped, threads: vec![sums, views] }
    }

    /// How often every view was read.
    pub(crate) fn dumped(&self) -> u64 {
        self.dumped.load(Ordering::Relaxed)
    }

    /// They stop; fails with what they saw, if it was wrong.
    pub(crate) fn saw_nothing_wrong(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            if let Err(wrong) = thread.join() {
                std::panic::resume_unwind(wrong);
            }
        }
        let (asked, dumped) = (self.asked.load(Ordering::Relaxed), self.dumped());
        assert!(
            asked > 20 && dumped > 0,
            "too little was looked at: {asked} sums, every view {dumped} times"
        );
    }
}

/// Also when the test fails: else they would never end.
impl Drop for Readers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Never an error, and never a figure of some dimensions or partitions only:
/// each of an order dimension holds all orders of the whole, in the same query. Nor do the figures of an epoch go back; those
/// of the next may be older by what the live owners wrote in the moment of the switch.
fn look_at_sums(world: &World, stop: &AtomicBool, asked: &AtomicU64) {
    let sql = "SELECT toString(groupUniqArray(orders)) FROM (SELECT dimension, sum(orders) AS orders FROM sales_daily \
               WHERE dimension IN ('all', 'order_country') GROUP BY dimension)";
    let (mut most, mut since) = (0, shown(world));
    while !stop.load(Ordering::Relaxed) {
        let before = shown(world);
        let found = world.scalar(sql);
        let orders: u64 =
            found.trim_matches(['[', ']']).parse().unwrap_or_else(|_| panic!("half of it: {found}"));
        assert!(orders >= most || since != shown(world), "{orders} orders after {most}");
        (most, since) = (orders, before);
        asked.fetch_add(1, Ordering::Relaxed);
    }
    assert!(most > 0, "nothing was ever shown");
}

//! The data: the simulated shop writes its history, and then goes on, as fast as it is told. What is sent is also written
//! into files, which the shop's program reads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use fastrand::Rng;
use jiff::Timestamp;
use sarafan_simulator::{Record, Settings, Simulation, Topic};
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep_until};

use super::outbox::Outbox;
use super::site::Site;
use crate::commands::simulate::Topics;

/// How far a feed that was held up may hurry afterwards.
const HURRY: Duration = Duration::from_secs(2);
/// Records that a customer of the simulated shop leaves in its history, about.
const RECORDS_PER_CUSTOMER: u64 = 18;
/// Days of a history: every window of a year has one before it.
const DAYS: u32 = 790;

/// A feed that runs.
pub(super) struct Feed {
    shared: Arc<Shared>,
    thread: JoinHandle<anyhow::Result<()>>,
    files: PathBuf,
}

struct Shared {
    rate: u32,
    times: AtomicU32,
    poison: AtomicBool,
    stop: AtomicBool,
    sent: AtomicU64,
}

impl Feed {
    /// Begins to write, `rate` records a second, a history of about `records` records.
    pub(super) fn start(site: &Site, seed: u64, rate: u32, records: u64) -> anyhow::Result<Self> {
        let files = site.folder().join("shop");
        std::fs::create_dir_all(&files)?;
        let customers = u32::try_from(records / RECORDS_PER_CUSTOMER)?.max(200);
        let until = crate::commands::simulate::yesterday();
        let simulation = Simulation::new(&Settings { seed, customers, days: DAYS, until })?;
        let shared = Arc::new(Shared {
            rate,
            times: AtomicU32::new(1),
            poison: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            sent: AtomicU64::new(0),
        });
        let mut work = Work {
            shared: Arc::clone(&shared),
            simulation,
            files: open(&files)?,
            topics: Topics::of(&site.deployment)?,
            random: Rng::with_seed(seed),
        };
        let mut outbox = Outbox::open(&site.deployment.kafka)?;
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                work.send(&mut outbox).await?;
                outbox.finish().await?;
                work.files.values_mut().try_for_each(BufWriter::flush)?;
                Ok(())
            })
        });
        Ok(Self { shared, thread, files })
    }

    /// So many times its rate from now on.
    pub(super) fn flood(&self, times: u32) {
        self.shared.times.store(times, Ordering::Release);
    }

    /// Whether one in ten is followed by one that cannot be read.
    pub(super) fn poison(&self, on: bool) {
        self.shared.poison.store(on, Ordering::Release);
    }

    /// Records sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Acquire)
    }

    /// Fails when it has failed.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(!self.thread.is_finished(), "the feed has ended before it was told to");
        Ok(())
    }

    /// Sends what is left of the history at once; returns the folder of the files when the broker has everything.
    pub(super) fn finish(self) -> anyhow::Result<PathBuf> {
        self.shared.stop.store(true, Ordering::Release);
        self.thread.join().map_err(|_| anyhow!("the feed panicked"))?.context("write source records")?;
        Ok(self.files)
    }
}

/// What the feed's thread has.
struct Work {
    shared: Arc<Shared>,
    simulation: Simulation,
    files: BTreeMap<Topic, BufWriter<File>>,
    topics: Topics,
    random: Rng,
}

impl Work {
    async fn send(&mut self, outbox: &mut Outbox) -> anyhow::Result<()> {
        let mut next = Instant::now();
        loop {
            let stopping = self.shared.stop.load(Ordering::Acquire);
            if !stopping {
                let rate = self.shared.rate.saturating_mul(self.shared.times.load(Ordering::Acquire));
                next = (next + Duration::from_secs(1) / rate.max(1)).max(Instant::now() - HURRY);
                sleep_until(next).await;
            }
            let record = match self.simulation.history().next() {
                Some(record) => record,
                None if stopping => return Ok(()),
                None => self.simulation.live(Timestamp::now()).context("the simulated shop has closed")?,
            };
            let poison = self.shared.poison.load(Ordering::Acquire) && self.random.u8(0..10) == 0;
            let spoiled = poison.then(|| halved(&record));
            for record in std::iter::once(record).chain(spoiled) {
                if let Some(file) = self.files.get_mut(&record.topic) {
                    writeln!(file, "{}", record.value)?;
                }
                if let Some(record) = self.topics.record(record) {
                    outbox.send(record).await?;
                }
                self.shared.sent.fetch_add(1, Ordering::AcqRel);
            }
        }
    }
}

/// The first half of a record: no JSON any more.
fn halved(record: &Record) -> Record {
    let half = record.value.floor_char_boundary(record.value.len() / 2);
    let value = record.value.get(..half).unwrap_or_default().to_owned();
    Record { value, ..record.clone() }
}

fn open(folder: &Path) -> anyhow::Result<BTreeMap<Topic, BufWriter<File>>> {
    let file = |topic: Topic| {
        let path = folder.join(format!("{topic}.ndjson"));
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok((topic, BufWriter::new(file)))
    };
    Topic::ALL.into_iter().map(file).collect()
}

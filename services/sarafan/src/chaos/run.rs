//! One run: a deployment, data, faults one after another, and the account of it.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use fastrand::Rng;

use super::account::{Account, account};
use super::audited::audited;
use super::fault::Fault;
use super::feed::Feed;
use super::inject::{Stage, inject};
use super::memory::{Peaks, bounded};
use super::recovery::caught_up;
use super::site::{Disk, Site};
use super::spoil::spoil;
use crate::terminal;

/// Between two faults.
const REST: Duration = Duration::from_secs(3);
/// What a fault and its recovery take, about: from it follows how long the history has to be.
const ROUND: Duration = Duration::from_secs(20);

/// What is to be done.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Decides everything that is left to chance here.
    pub(crate) seed: u64,
    /// The faults, each as often as the others.
    pub(crate) faults: Vec<Fault>,
    /// When it is enough.
    pub(crate) limit: Limit,
    /// Source records a second.
    pub(crate) rate: u32,
    /// How long a fault lasts that does last.
    pub(crate) hold: Duration,
    /// What is done to the tables at the end.
    pub(crate) ending: Ending,
}

/// What is done to the tables before they are accounted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing.
    Clean,
    /// Damage that has to be found.
    Spoiled,
}

/// When a run has had enough faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// So many.
    Times(u32),
    /// None begins after this time.
    Time(Duration),
}

/// A fault that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Injection {
    pub(crate) fault: Fault,
    /// What was done.
    pub(crate) note: String,
    /// From its end until the views showed everything that had arrived by then.
    pub(crate) recovery: Duration,
}

/// What came of a run.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) injections: Vec<Injection>,
    pub(crate) account: Account,
    /// What an audit of everything found, a line each.
    pub(crate) audit: Vec<String>,
    /// The most memory that each service had.
    pub(crate) memory: Peaks,
    /// The last words of services that ended by themselves, those at fail points not among them.
    pub(crate) ends: Vec<String>,
    /// Where logs and data are, when something was not right.
    pub(crate) kept: Option<PathBuf>,
}

/// Does it.
///
/// # Errors
///
/// When servers do not start, a fault cannot be brought about, or something does not recover without a hand.
pub(crate) fn run(plan: &Plan) -> anyhow::Result<Outcome> {
    let small = plan.faults.iter().any(|fault| fault.needs_small_disk());
    let mut site = Site::start(plan.seed, if small { Disk::Small } else { Disk::Shared })?;
    let done = harm(&site, plan);
    match done {
        Ok(outcome) if outcome.is_right() => {
            site.members.stop_all()?;
            Ok(outcome)
        }
        Ok(outcome) => Ok(Outcome { kept: Some(site.keep()), ..outcome }),
        Err(error) => Err(error.context(format!("logs and data are in {}", site.keep().display()))),
    }
}

fn harm(site: &Site, plan: &Plan) -> anyhow::Result<Outcome> {
    let mut random = Rng::with_seed(plan.seed);
    let feed = Feed::start(site, plan.seed, plan.rate, plan.records())?;
    caught_up(site).context("before the first fault")?;
    let began = Instant::now();
    let mut deck = Vec::new();
    let mut injections = Vec::new();
    while !plan.limit.is_reached(injections.len(), began.elapsed()) {
        let Some(fault) = next(&mut deck, &plan.faults, &mut random) else { break };
        thread::sleep(REST.mul_f64(random.f64()));
        feed.check()?;
        let mut stage = Stage { site, feed: &feed, random: &mut random, hold: plan.hold };
        let named = || format!("{}, the fault {} of seed {}", fault.name(), injections.len() + 1, plan.seed);
        let note = inject(fault, &mut stage).with_context(named)?;
        let recovery = caught_up(site).with_context(named)?;
        terminal::note(format!("  {:22} {note}; recovered in {:.1} s", fault.name(), recovery.as_secs_f64()));
        injections.push(Injection { fault, note, recovery });
    }
    let files = feed.finish()?;
    caught_up(site).context("after the last fault")?;
    if plan.ending == Ending::Spoiled {
        spoil(site)?;
    }
    let account = account(site, &files).context("account for everything")?;
    let ends = site.members.ends().into_iter().filter(|end| !end.by_point);
    let ends = ends.map(|end| format!("{}: {}", end.name, end.why)).chain(site.revived()).collect();
    let audit = audited(site)?;
    let memory = site.members.peaks();
    bounded(&memory)?;
    Ok(Outcome { injections, account, audit, memory, ends, kept: None })
}

impl Outcome {
    /// Whether nothing is lost, double or wrong, and the audit says the same.
    pub(crate) fn is_right(&self) -> bool {
        self.account.is_right() && self.audit.is_empty()
    }
}

/// The next fault: each once, in a random order, and again.
fn next(deck: &mut Vec<Fault>, faults: &[Fault], random: &mut Rng) -> Option<Fault> {
    if deck.is_empty() {
        deck.extend_from_slice(faults);
        random.shuffle(deck);
    }
    deck.pop()
}

impl Plan {
    /// Records that the history has to have, so that it lasts about as long as the run.
    fn records(&self) -> u64 {
        let time = match self.limit {
            Limit::Times(times) => (ROUND + self.hold) * times,
            Limit::Time(time) => time,
        };
        time.as_secs() * u64::from(self.rate)
    }
}

impl Limit {
    fn is_reached(self, injections: usize, elapsed: Duration) -> bool {
        match self {
            Self::Times(times) => injections >= times as usize,
            Self::Time(time) => elapsed >= time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_comes_once_before_any_comes_again_and_the_seed_decides_the_order() {
        let faults = [Fault::KillIngest, Fault::KillAggregator, Fault::BrokerKill];
        let order = |seed| {
            let (mut deck, mut random) = (Vec::new(), Rng::with_seed(seed));
            (0..6).filter_map(|_| next(&mut deck, &faults, &mut random)).collect::<Vec<_>>()
        };
        let found = order(1);
        for half in found.chunks(3) {
            let mut half = half.to_vec();
            half.sort_unstable();
            assert_eq!(half, faults);
        }
        assert_eq!(found, order(1));
        assert!((2..20).any(|seed| order(seed) != found));
        assert_eq!(next(&mut Vec::new(), &[], &mut Rng::with_seed(1)), None);
    }

    #[test]
    fn a_run_ends_after_so_many_faults_or_after_its_time() {
        let minute = Duration::from_secs(60);
        assert!(Limit::Times(2).is_reached(2, Duration::ZERO) && !Limit::Times(2).is_reached(1, minute * 60));
        assert!(Limit::Time(minute).is_reached(0, minute) && !Limit::Time(minute).is_reached(99, minute / 2));
    }
}

//! The services, each a process that is started again when it ends: what an orchestrator does, and nothing more.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sarafan_localstack::{Launch, Process};

use super::memory::{Peaks, resident_mib};
use crate::deployment::ENV_PREFIX;
use crate::scrape::{is_ready, scrape, sum};

/// How often the supervisor looks.
const LOOK: Duration = Duration::from_millis(50);
/// How long it waits before it starts what has ended.
const BEFORE_START: Duration = Duration::from_millis(500);
const STOP_PATIENCE: Duration = Duration::from_secs(15);
/// Status of a process that a fail point has ended: SIGABRT.
const ABORTED: i32 = 6;

/// How the services are started.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    pub(super) environment: Vec<(String, String)>,
    pub(super) folder: PathBuf,
}

/// A service.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) address: SocketAddr,
    recipe: Recipe,
    command: &'static str,
    state: Mutex<State>,
}

struct State {
    process: Arc<Process>,
    /// Whether it is to run; else its end is nobody's business.
    wanted: bool,
    /// When it is to be started again.
    start_at: Option<Instant>,
}

/// A service ended without being killed from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) name: String,
    /// The last thing that it said.
    pub(super) why: String,
    /// Whether a fail point did it.
    pub(super) by_point: bool,
}

impl Member {
    fn new(recipe: &Recipe, command: &'static str, name: &str) -> anyhow::Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut member = Self {
            name: name.to_owned(),
            address,
            recipe: recipe.clone(),
            command,
            state: Mutex::new(State {
                process: Arc::new(Process::new(name, Launch::default())),
                wanted: false,
                start_at: None,
            }),
        };
        member.state = Mutex::new(State { process: member.process(None)?, wanted: false, start_at: None });
        Ok(member)
    }

    /// A process that is not started; it dies at `point`, if there is one.
    fn process(&self, point: Option<&str>) -> anyhow::Result<Arc<Process>> {
        let mut environment = self.recipe.environment.clone();
        environment.push((format!("{ENV_PREFIX}__SERVICE__LISTEN"), self.address.to_string()));
        environment.extend(point.map(|point| ("FAILPOINTS".to_owned(), point.to_owned())));
        let launch = Launch {
            program: std::env::current_exe()?,
            arguments: vec![self.command.to_owned(), "--config".to_owned(), "sarafan.toml".to_owned()],
            environment,
            folder: self.recipe.folder.clone(),
        };
        Ok(Arc::new(Process::new(&self.name, launch)))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it; with a `point`, the first life ends there. Does not wait until it is ready.
    pub(super) fn start(&self, point: Option<&str>) -> anyhow::Result<()> {
        let mut state = self.state();
        state.process = self.process(point)?;
        state.process.start(STOP_PATIENCE, || true)?;
        (state.wanted, state.start_at) = (true, None);
        Ok(())
    }

    /// Waits until it is ready.
    pub(super) fn wait_until_ready(&self, patience: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        while !is_ready(self.address) {
            ensure!(Instant::now() < deadline, "{} is not ready after {} s", self.name, patience.as_secs());
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// SIGKILL; it stays away until it is started.
    pub(super) fn kill(&self) -> anyhow::Result<()> {
        let mut state = self.state();
        (state.wanted, state.start_at) = (false, None);
        state.process.kill()
    }

    /// SIGTERM; it stays away until it is started.
    pub(super) fn stop(&self) -> anyhow::Result<()> {
        let process = {
            let mut state = self.state();
            (state.wanted, state.start_at) = (false, None);
            Arc::clone(&state.process)
        };
        process.stop(STOP_PATIENCE)
    }

    /// SIGSTOP.
    pub(super) fn freeze(&self) -> anyhow::Result<()> {
        self.state().process.freeze()
    }

    /// SIGCONT.
    pub(super) fn thaw(&self) -> anyhow::Result<()> {
        self.state().process.thaw()
    }

    /// Its process, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.state().process.pid()
    }

    /// Whether it owns partitions, as far as it answers.
    pub(super) fn has_partitions(&self) -> bool {
        scrape(self.address).is_ok_and(|samples| sum(&samples, sarafan_stream::metrics::ASSIGNED, &[]) > 0.0)
    }

    /// Starts it again when it has ended; says so when it did.
    fn supervise(&self) -> Option<Ended> {
        let mut state = self.state();
        if !state.wanted {
            return None;
        }
        if state.start_at.is_some_and(|at| at <= Instant::now())
            && let Ok(process) = self.process(None)
        {
            state.start_at = None;
            state.process = process;
            // What does not start is looked at again, as an end.
            let _ = state.process.start(STOP_PATIENCE, || true);
        }
        let status = state.process.exited().ok().flatten()?;
        state.start_at = Some(Instant::now() + BEFORE_START);
        let by_point = std::os::unix::process::ExitStatusExt::signal(&status) == Some(ABORTED);
        let tail = state.process.log_tail();
        let said = tail.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        Some(Ended { name: self.name.clone(), why: format!("{status}: {said}"), by_point })
    }
}

/// All services of a run.
pub(super) struct Members {
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
    recipe: Recipe,
}

#[derive(Default)]
struct Shared {
    members: Mutex<Vec<Arc<Member>>>,
    ends: Mutex<Vec<Ended>>,
    /// Since somebody took them.
    since: Mutex<Peaks>,
    peaks: Mutex<Peaks>,
    over: AtomicBool,
}

impl Shared {
    fn measure(&self, members: &[Arc<Member>]) {
        let (mut since, mut peaks) = (locked(&self.since), locked(&self.peaks));
        for member in members {
            let resident = member.pid().and_then(resident_mib).unwrap_or(0);
            for peaks in [&mut *since, &mut *peaks] {
                let peak = peaks.entry(member.command).or_default();
                *peak = resident.max(*peak);
            }
        }
    }
}

impl Members {
    pub(super) fn new(recipe: Recipe) -> Self {
        let shared = Arc::new(Shared::default());
        let watched = Arc::clone(&shared);
        let supervisor = thread::spawn(move || {
            while !watched.over.load(Ordering::Acquire) {
                let members = locked(&watched.members).clone();
                let ends: Vec<Ended> = members.iter().filter_map(|member| member.supervise()).collect();
                locked(&watched.ends).extend(ends);
                watched.measure(&members);
                thread::sleep(LOOK);
            }
        });
        Self { shared, supervisor: Some(supervisor), recipe }
    }

    /// A further service, not started yet.
    pub(super) fn add(&self, command: &'static str, name: &str) -> anyhow::Result<Arc<Member>> {
        let member = Arc::new(Member::new(&self.recipe, command, name)?);
        locked(&self.shared.members).push(Arc::clone(&member));
        Ok(member)
    }

    /// Those of a command, in the order in which they were added.
    pub(super) fn of(&self, command: &str) -> Vec<Arc<Member>> {
        locked(&self.shared.members).iter().filter(|member| member.command == command).cloned().collect()
    }

    /// A service leaves for good, in an orderly way.
    pub(super) fn dismiss(&self, member: &Member) -> anyhow::Result<()> {
        member.stop()?;
        locked(&self.shared.members).retain(|other| other.name != member.name);
        Ok(())
    }

    /// What ended by itself so far.
    pub(super) fn ends(&self) -> Vec<Ended> {
        locked(&self.shared.ends).clone()
    }

    /// The most resident memory that any process of a command had since the last call, MiB.
    pub(super) fn take_peak(&self, command: &str) -> u64 {
        locked(&self.shared.since).get_mut(command).map(std::mem::take).unwrap_or(0)
    }

    /// The most resident memory that any process of each command had so far.
    pub(super) fn peaks(&self) -> Peaks {
        locked(&self.shared.peaks).clone()
    }

    /// The environment and the folder that the services are started with.
    pub(super) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Ends all in an orderly way; the first that cannot is the error.
    pub(super) fn stop_all(&self) -> anyhow::Result<()> {
        let members = locked(&self.shared.members).clone();
        members.iter().try_for_each(|member| member.stop().with_context(|| format!("stop {}", member.name)))
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        if let Some(supervisor) = self.supervisor.take() {
            // A supervisor that panicked has nothing left to do.
            let _ = supervisor.join();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

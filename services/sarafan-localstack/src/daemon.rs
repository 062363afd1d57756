//! A server process: started, watched until it is ready, stopped, killed, frozen, started again.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::unsafe_os;

const POLL: Duration = Duration::from_millis(50);
const LOG_LINES: usize = 20;

/// How to start a server. Kept, so that it can be started again on the same data and ports.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) folder: PathBuf,
}

/// One server process and its log file. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Daemon {
    name: &'static str,
    launch: Launch,
    log: PathBuf,
    child: Mutex<Option<Child>>,
}

impl Daemon {
    /// A server that is not started yet; its output goes to `FOLDER/NAME.log`.
    pub(crate) fn new(name: &'static str, launch: Launch) -> Self {
        let log = launch.folder.join(format!("{name}.log"));
        Self { name, launch, log, child: Mutex::new(None) }
    }

    /// Starts the process and waits until `ready` says so. An error quotes the end of the log.
    pub(crate) fn start(&self, patience: Duration, ready: impl Fn() -> bool) -> Result<()> {
        self.spawn().with_context(|| format!("cannot start {}", self.name))?;
        let deadline = Instant::now() + patience;
        while !ready() {
            if let Some(status) = self.exited()? {
                bail!("{} ended while starting ({status}); {}", self.name, self.log_tail());
            }
            if Instant::now() > deadline {
                self.kill()?;
                bail!("{} was not ready after {} s; {}", self.name, patience.as_secs(), self.log_tail());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn spawn(&self) -> Result<()> {
        let mut child = self.child();
        if child.is_some() {
            bail!("it is running already");
        }
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.launch.program);
        command.args(&self.launch.arguments).current_dir(&self.launch.folder);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        *child = Some(spawn(command)?);
        Ok(())
    }

    /// Process id, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child().as_ref().map(Child::id)
    }

    /// SIGKILL, and waits for the end. Nothing happens when it is not running.
    pub(crate) fn kill(&self) -> Result<()> {
        if let Some(mut child) = self.child().take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// SIGTERM (`ask` may ask in another way first), and SIGKILL if that did not help in time.
    pub(crate) fn stop(&self, patience: Duration, ask: impl Fn()) -> Result<()> {
        ask();
        self.signal_if_running(Signal::SIGTERM)?;
        let deadline = Instant::now() + patience;
        while self.exited()?.is_none() && self.pid().is_some() {
            if Instant::now() > deadline {
                return self.kill();
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Sends a signal to the process; an error when it is not running.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.pid().with_context(|| format!("{} is not running", self.name))?;
        Ok(kill(Pid::from_raw(i32::try_from(pid)?), signal)?)
    }

    fn signal_if_running(&self, signal: Signal) -> Result<()> {
        if self.pid().is_some() { self.signal(signal) } else { Ok(()) }
    }

    /// The exit status, once the process has ended by itself; then it is gone.
    fn exited(&self) -> Result<Option<std::process::ExitStatus>> {
        let mut child = self.child();
        let Some(running) = child.as_mut() else { return Ok(None) };
        let status = running.try_wait()?;
        if status.is_some() {
            *child = None;
        }
        Ok(status)
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file that the process writes to.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    fn log_tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
        format!("the end of {}:\n  {tail}", self.log.display())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // A child that cannot be killed is one that has gone.
        let _ = self.kill();
    }
}

/// Runs a program to its end, output into a log file that the error quotes.
pub(crate) fn run_to_end(name: &'static str, launch: Launch) -> Result<()> {
    let log = launch.folder.join(format!("{name}.log"));
    let mut command = Command::new(&launch.program);
    command.args(&launch.arguments).current_dir(&launch.folder);
    let file = File::create(&log)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let status = spawn(command)?.wait()?;
    if !status.success() {
        bail!("{name} failed ({status}):\n{}", fs::read_to_string(&log)?);
    }
    Ok(())
}

type Job = (Command, Sender<io::Result<Child>>);

/// Spawns a child that dies with this process and does not get the terminal's Ctrl-C.
///
/// The kernel's "die with the parent" means the parent *thread*. So one thread, which lives as long as the process,
/// spawns them all.
fn spawn(mut command: Command) -> Result<Child> {
    static SPAWNER: OnceLock<Mutex<Sender<Job>>> = OnceLock::new();
    command.process_group(0);
    // The ClickHouse library takes its time zone from here, whatever its settings say.
    command.env("TZ", "UTC");
    unsafe_os::die_with_parent(&mut command);
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, incoming) = channel::<Job>();
        thread::spawn(move || {
            for (mut command, reply) in incoming {
                // The one who asked waits for the answer; if it has gone, the child is dropped with it.
                let _ = reply.send(command.spawn());
            }
        });
        Mutex::new(jobs)
    });
    let program = PathBuf::from(command.get_program());
    let (reply, answer) = channel();
    spawner.lock().unwrap_or_else(PoisonError::into_inner).send((command, reply))?;
    answer.recv()?.with_context(|| format!("cannot run {}", program.display()))
}

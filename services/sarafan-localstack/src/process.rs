//! A process of ours: started, watched until it is ready, stopped, killed, frozen, started again.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::unsafe_os;

const POLL: Duration = Duration::from_millis(50);
const FREEZE_PATIENCE: Duration = Duration::from_secs(10);
const LOG_LINES: usize = 20;

/// How to start a process. Kept, so that it can be started again in the same way.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// Path of the program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables added to the environment of this process.
    pub environment: Vec<(String, String)>,
    /// Folder it runs in; its log is written there.
    pub folder: PathBuf,
}

/// A child process that dies with this one, however this one ends. Also used for what a demo or a test starts, kills
/// and freezes beside the servers. Dropping it kills the process.
#[derive(Debug)]
pub struct Process {
    name: String,
    launch: Launch,
    log: PathBuf,
    child: Mutex<Option<Child>>,
}

impl Process {
    /// A process that is not started yet; its output will go to `FOLDER/NAME.log`.
    pub fn new(name: impl Into<String>, launch: Launch) -> Self {
        let name = name.into();
        let log = launch.folder.join(format!("{name}.log"));
        Self { name, launch, log, child: Mutex::new(None) }
    }

    /// Starts the process and waits until `ready` says so.
    ///
    /// # Errors
    ///
    /// When it cannot be started, ends, or is not ready in time. The error quotes the end of its log.
    pub fn start(&self, patience: Duration, ready: impl Fn() -> bool) -> Result<()> {
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
        *child = Some(spawn(self.launch.command(log)?)?);
        Ok(())
    }

    /// Process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child().as_ref().map(Child::id)
    }

    /// SIGKILL, and waits for the end. Nothing happens when it is not running.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn kill(&self) -> Result<()> {
        if let Some(mut child) = self.child().take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// SIGSTOP: connections stay open and nothing answers. Returns when all its threads have stopped.
    ///
    /// # Errors
    ///
    /// When it is not running, or ends instead.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::SIGSTOP)?;
        let deadline = Instant::now() + FREEZE_PATIENCE;
        while !self.is_frozen()? {
            if Instant::now() > deadline {
                bail!("{} did not stop within {} s of SIGSTOP", self.name, FREEZE_PATIENCE.as_secs());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// The kernel reports a stop when the last thread has stopped. The report is left there (`WNOWAIT`) for the next
    /// who asks, and exits are not asked for: they belong to [`exited`](Self::exited).
    fn is_frozen(&self) -> Result<bool> {
        let looking = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
        Ok(matches!(waitid(Id::Pid(self.running()?), looking)?, WaitStatus::Stopped(..)))
    }

    /// SIGCONT: goes on after [`freeze`](Self::freeze).
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::SIGCONT)
    }

    /// SIGTERM, and SIGKILL if that did not help in time. Nothing happens when it is not running.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn stop(&self, patience: Duration) -> Result<()> {
        if self.exited()?.is_some() || self.pid().is_none() {
            return Ok(());
        }
        // A frozen process hears nothing but SIGKILL.
        self.signal(Signal::SIGCONT)?;
        self.signal(Signal::SIGTERM)?;
        let deadline = Instant::now() + patience;
        while self.exited()?.is_none() {
            if Instant::now() > deadline {
                return self.kill();
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// The exit status, once, when the process has ended by itself since the last look.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn exited(&self) -> Result<Option<ExitStatus>> {
        let mut child = self.child();
        let Some(running) = child.as_mut() else { return Ok(None) };
        let status = running.try_wait()?;
        if status.is_some() {
            *child = None;
        }
        Ok(status)
    }

    /// The file that it writes to.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The last lines of its log and where the rest is, for an error message.
    pub fn log_tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
        format!("the end of {}:\n  {tail}", self.log.display())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(self.running()?, signal)?)
    }

    fn running(&self) -> Result<Pid> {
        let pid = self.pid().with_context(|| format!("{} is not running", self.name))?;
        Ok(Pid::from_raw(i32::try_from(pid)?))
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A child that cannot be killed is one that has gone.
        let _ = self.kill();
    }
}

impl Launch {
    fn command(&self, log: File) -> Result<Command> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().cloned()).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    /// Runs the program to its end, output into `FOLDER/NAME.log`, which the error quotes.
    pub(crate) fn run_to_end(&self, name: &str) -> Result<()> {
        let log = self.folder.join(format!("{name}.log"));
        let status = spawn(self.command(File::create(&log)?)?)?.wait()?;
        if !status.success() {
            bail!("{name} failed ({status}):\n{}", fs::read_to_string(&log)?);
        }
        Ok(())
    }
}

type Job = (Command, Sender<io::Result<Child>>);

/// Spawns a child that dies with this process and does not get the terminal's Ctrl-C.
///
/// The kernel's "die with the parent" means the parent *thread*. So one thread, which lives as long as the process,
/// spawns them all.
fn spawn(mut command: Command) -> Result<Child> {
    static SPAWNER: OnceLock<Mutex<Sender<Job>>> = OnceLock::new();
    command.process_group(0);
    unsafe_os::die_with_parent(&mut command);
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, incoming) = channel::<Job>();
        thread::spawn(move || {
            for (mut command, reply) in incoming {
                // The one who asked waits for the answer, so it is there to take it.
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

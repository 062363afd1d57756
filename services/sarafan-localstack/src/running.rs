//! What a stack that was started by another process tells about itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::lock::Lock;

const STATE: &str = "stack.json";
/// Locked by the process that runs the stack, for as long as it lives.
const LOCK: &str = "stack.lock";
const POLL: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_millis(500);

/// A stack that runs in some process, with its data in a folder that both know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The process that started the servers, and with which they end.
    pub pid: u32,
    /// Kafka's address, `host:port`.
    pub kafka: Option<String>,
    /// ClickHouse's address, `http://host:port`.
    pub clickhouse: Option<String>,
    /// Prometheus' address, `http://host:port`.
    pub prometheus: Option<String>,
    /// Folder of the data and the logs.
    pub data_dir: PathBuf,
}

/// Says that this process runs the stack of a folder; ends with it.
#[derive(Debug)]
pub(crate) struct Claim {
    _lock: Lock,
}

impl Running {
    /// The stack that runs in `data_dir`; `None` when there is none, or it has ended.
    ///
    /// # Errors
    ///
    /// When its description cannot be read.
    pub fn find(data_dir: &Path) -> Result<Option<Self>> {
        if !is_claimed(data_dir) {
            return Ok(None);
        }
        let path = data_dir.join(STATE);
        // Claimed, but not described yet: it is starting.
        let Ok(text) = fs::read(&path) else { return Ok(None) };
        Ok(Some(serde_json::from_slice(&text).with_context(|| format!("cannot read {}", path.display()))?))
    }

    /// Asks the process that runs the stack to stop it, and waits for its end.
    ///
    /// # Errors
    ///
    /// When it still runs after `patience`.
    pub fn stop(&self, patience: Duration) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.pid)?), Signal::SIGTERM)
            .with_context(|| format!("cannot send SIGTERM to the stack's process {}", self.pid))?;
        let deadline = Instant::now() + patience;
        while is_claimed(&self.data_dir) {
            if Instant::now() > deadline {
                bail!("the stack's process {} has not ended after {} s", self.pid, patience.as_secs());
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    pub(crate) fn publish(&self) -> Result<()> {
        let path = self.data_dir.join(STATE);
        fs::write(&path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Makes this process the one that runs the stack of a folder.
pub(crate) fn claim(data_dir: &Path) -> Result<Claim> {
    fs::create_dir_all(data_dir)
        .with_context(|| format!("cannot create the folder {}", data_dir.display()))?;
    // Someone who only looks holds the lock for an instant.
    let deadline = Instant::now() + LOOK;
    let lock = loop {
        match Lock::try_take(&data_dir.join(LOCK))? {
            Some(lock) => break lock,
            None if Instant::now() > deadline => bail!("a stack runs in {} already", data_dir.display()),
            None => std::thread::sleep(POLL),
        }
    };
    // What an earlier one said about itself is no longer true.
    match fs::remove_file(data_dir.join(STATE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(Claim { _lock: lock }),
    }
}

fn is_claimed(data_dir: &Path) -> bool {
    Lock::is_taken(&data_dir.join(LOCK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_found_while_its_process_holds_the_claim() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Running::find(folder.path()).unwrap(), None);
        let claimed = claim(folder.path()).unwrap();
        assert_eq!(Running::find(folder.path()).unwrap(), None);
        assert!(claim(folder.path()).unwrap_err().to_string().starts_with("a stack runs in "));
        let running = Running {
            pid: std::process::id(),
            kafka: Some("127.0.0.1:1".to_owned()),
            clickhouse: None,
            prometheus: None,
            data_dir: folder.path().to_owned(),
        };
        running.publish().unwrap();
        assert_eq!(Running::find(folder.path()).unwrap(), Some(running));
        drop(claimed);
        assert_eq!(Running::find(folder.path()).unwrap(), None);
    }
}

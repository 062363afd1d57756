//! The folder that a server keeps its data in: given, or temporary and gone when the process is.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::lock::Lock;

/// A data folder.
#[derive(Debug)]
pub(crate) enum DataFolder {
    /// Named by the caller and kept. The lock says that it is in use.
    Kept { path: PathBuf, _lock: Lock },
    /// Made here and removed at the end.
    Temporary(TemporaryFolder),
}

/// Locked for as long as a server uses the folder.
const LOCK: &str = "in-use.lock";

impl DataFolder {
    /// `given`, created if needed, or a new temporary folder.
    pub(crate) fn open(given: Option<&Path>) -> Result<Self> {
        let Some(path) = given else { return Ok(Self::Temporary(TemporaryFolder::create()?)) };
        fs::create_dir_all(path).with_context(|| format!("cannot create the folder {}", path.display()))?;
        let Some(lock) = Lock::try_take(&path.join(LOCK))? else {
            bail!("{} is in use by another process: stop it, or name another folder", path.display());
        };
        Ok(Self::Kept { path: path.canonicalize()?, _lock: lock })
    }

    /// Absolute path.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Kept { path, .. } => path,
            Self::Temporary(folder) => &folder.path,
        }
    }
}

/// Removed when dropped, and also when this process ends without dropping it (a static, a SIGKILL): a shell waits for
/// the end of a pipe that only this process holds open, and removes the folder then.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    path: PathBuf,
    janitor: Child,
}

/// Servers are being killed at the same moment and may write once more, hence the second attempts.
const JANITOR: &str = r#"cat >/dev/null; for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" 2>/dev/null && exit; sleep 0.2; done"#;

impl TemporaryFolder {
    fn create() -> Result<Self> {
        let path = tempfile::Builder::new().prefix("sarafan-").tempdir()?.keep();
        let janitor = Command::new("sh")
            .args(["-c", JANITOR, "sh"])
            .arg(&path)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot run `sh`")?;
        Ok(Self { path, janitor })
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        drop(self.janitor.stdin.take());
        // Nothing can be done about a failure here, and the folder is in the system's temporary folder.
        let _ = self.janitor.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_folder_goes_when_dropped_and_a_given_one_stays() {
        let temporary = DataFolder::open(None).unwrap();
        let path = temporary.path().to_owned();
        let given = path.join("given");
        drop(DataFolder::open(Some(&given)).unwrap());
        assert!(given.is_dir());
        drop(temporary);
        assert!(!path.exists());
    }

    #[test]
    fn two_servers_cannot_have_the_same_folder() {
        let parent = DataFolder::open(None).unwrap();
        let first = DataFolder::open(Some(parent.path())).unwrap();
        let refused = DataFolder::open(Some(parent.path())).unwrap_err().to_string();
        assert!(
            refused.ends_with("is in use by another process: stop it, or name another folder"),
            "{refused}"
        );
        drop(first);
        assert!(DataFolder::open(Some(parent.path())).is_ok());
    }
}

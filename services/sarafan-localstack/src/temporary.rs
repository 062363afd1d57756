//! The folder that a server keeps its data in: given, or temporary and gone when the process is.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// A data folder.
#[derive(Debug)]
pub(crate) enum DataFolder {
    /// Named by the caller and kept.
    Kept(PathBuf),
    /// Made here and removed at the end.
    Temporary(TemporaryFolder),
}

impl DataFolder {
    /// `given`, created if needed, or a new temporary folder.
    pub(crate) fn open(given: Option<&Path>) -> Result<Self> {
        let Some(path) = given else { return Ok(Self::Temporary(TemporaryFolder::create()?)) };
        std::fs::create_dir_all(path)
            .with_context(|| format!("cannot create the folder {}", path.display()))?;
        Ok(Self::Kept(path.canonicalize()?))
    }

    /// Absolute path.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
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

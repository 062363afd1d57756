//! A lock on a file that a process holds for as long as it lives.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};

/// A file that is locked. The kernel unlocks it at the latest when the process ends.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes the lock, or `None` when someone has it.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>> {
        let file = open(path)?;
        Ok(file.try_lock().is_ok().then_some(Self(file)))
    }

    /// Takes the lock, waiting for whoever has it.
    pub(crate) fn wait_for(path: &Path) -> Result<Self> {
        let file = open(path)?;
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(Self(file))
    }

    /// Whether someone has the lock at this moment.
    pub(crate) fn is_taken(path: &Path) -> bool {
        File::open(path).is_ok_and(|file| file.try_lock_shared().is_err())
    }
}

fn open(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("cannot create {}", path.display()))
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child holds a copy of the file between its fork and its exec.
        let _ = self.0.unlock();
    }
}

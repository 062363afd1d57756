//! Components in the user's cache folder: fetched once, complete or not there at all, checked before use.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::lock::Lock;
use crate::{Progress, settings};

/// Written last into a component's folder: one line per file, `SHA256 SIZE MTIME PATH`. Its presence is the mark that
/// the component is complete.
const MANIFEST: &str = "sarafan-manifest.txt";

/// `$XDG_CACHE_HOME/sarafan` or `~/.cache/sarafan`.
pub(crate) fn root() -> Result<PathBuf> {
    let base = settings::path("XDG_CACHE_HOME")
        .or_else(|| settings::path("HOME").map(|home| home.join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set: set XDG_CACHE_HOME to a folder for downloads")?;
    Ok(base.join("sarafan"))
}

/// Whether a component has been fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is there and is what was downloaded.
    Complete(PathBuf),
    /// It is not there.
    Absent,
    /// It is there, but changed since; the text says which file.
    Damaged(String),
}

/// Looks for a component without fetching it.
pub(crate) fn presence(name: &str) -> Result<Presence> {
    presence_in(&root()?, name)
}

fn presence_in(root: &Path, name: &str) -> Result<Presence> {
    let folder = root.join(name);
    if !folder.join(MANIFEST).is_file() {
        return Ok(Presence::Absent);
    }
    Ok(match verify(&folder) {
        Ok(()) => Presence::Complete(folder),
        Err(error) => Presence::Damaged(format!("{error:#}")),
    })
}

/// Folder of the component `name`, which `fetch` fills when it is not there yet. Processes that ask at the same time
/// wait for one download. A component that no longer is what was downloaded is fetched again.
pub(crate) fn component(
    name: &str,
    progress: Progress<'_>,
    fetch: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    component_in(&root()?, name, progress, fetch)
}

fn component_in(
    root: &Path,
    name: &str,
    progress: Progress<'_>,
    fetch: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    fs::create_dir_all(root).with_context(|| format!("cannot create the folder {}", root.display()))?;
    let _lock = Lock::wait_for(&root.join(format!("{name}.lock")))?;
    match presence_in(root, name)? {
        Presence::Complete(folder) => return Ok(folder),
        Presence::Damaged(what) => progress(&format!("{what}; fetching {name} again")),
        Presence::Absent => {}
    }
    let folder = root.join(name);
    progress(&format!("fetching {name} (once, into {})", root.display()));
    let partial = root.join(format!("{name}.partial"));
    remove_if_there(&partial)?;
    fs::create_dir_all(&partial)?;
    fetch(&partial).with_context(|| format!("cannot fetch {name}"))?;
    fs::write(partial.join(MANIFEST), manifest(&partial)?)?;
    remove_if_there(&folder)?;
    fs::rename(&partial, &folder)?;
    Ok(folder)
}

fn remove_if_there(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn manifest(folder: &Path) -> Result<String> {
    let mut lines = Vec::new();
    for path in files(folder)? {
        let (size, modified) = stat(&path)?;
        let name = path.strip_prefix(folder)?.display().to_string();
        lines.push(format!("{} {size} {modified} {name}\n", sha256(&path)?));
    }
    ensure!(!lines.is_empty(), "the download is empty");
    lines.sort_by(|a, b| a[64..].cmp(&b[64..]));
    Ok(lines.concat())
}

/// A file of the recorded size and modification time is taken as the one that was hashed (as git does it: half a
/// gigabyte is not read again for every test); any other must have the recorded hash.
fn verify(folder: &Path) -> Result<()> {
    for line in fs::read_to_string(folder.join(MANIFEST))?.lines() {
        let mut parts = line.splitn(4, ' ');
        let (Some(hash), Some(size), Some(modified), Some(name)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            bail!("{} holds a line that is not one of its own", folder.join(MANIFEST).display());
        };
        let path = folder.join(name);
        let (real_size, real_modified) = stat(&path)?;
        let touched = size != real_size.to_string() || modified != real_modified.to_string();
        ensure!(!touched || sha256(&path)? == hash, "{} is not what was downloaded", path.display());
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else if entry.file_name() != MANIFEST {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn stat(path: &Path) -> Result<(u64, u128)> {
    let metadata = path.metadata().with_context(|| format!("{} is missing", path.display()))?;
    Ok((metadata.len(), metadata.modified()?.duration_since(UNIX_EPOCH)?.as_nanos()))
}

fn sha256(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let mut reader = std::io::BufReader::with_capacity(1 << 20, File::open(path)?);
    loop {
        let chunk = std::io::BufRead::fill_buf(&mut reader)?;
        if chunk.is_empty() {
            break;
        }
        hash.update(chunk);
        let read = chunk.len();
        std::io::BufRead::consume(&mut reader, read);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::silent;

    fn write(folder: &Path) -> Result<()> {
        fs::create_dir(folder.join("lib"))?;
        Ok(fs::write(folder.join("lib/a"), "content")?)
    }

    fn never(_: &Path) -> Result<()> {
        bail!("fetched again")
    }

    #[test]
    fn a_component_is_fetched_once() {
        let root = tempfile::tempdir().unwrap();
        let folder = component_in(root.path(), "c", &silent, write).unwrap();
        assert_eq!(component_in(root.path(), "c", &silent, never).unwrap(), folder);
        assert_eq!(presence_in(root.path(), "c").unwrap(), Presence::Complete(folder));
    }

    #[test]
    fn those_who_ask_at_the_same_time_wait_for_one_download() {
        let root = tempfile::tempdir().unwrap();
        let downloads = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let counted = |folder: &Path| {
                        downloads.fetch_add(1, Ordering::Relaxed);
                        write(folder)
                    };
                    component_in(root.path(), "c", &silent, counted).unwrap();
                });
            }
        });
        assert_eq!(downloads.into_inner(), 1);
    }

    #[test]
    fn what_fails_half_way_is_not_there() {
        let root = tempfile::tempdir().unwrap();
        let broken = |folder: &Path| {
            write(folder)?;
            bail!("the network is down")
        };
        let error = component_in(root.path(), "c", &silent, broken).unwrap_err();
        assert_eq!(format!("{error:#}"), "cannot fetch c: the network is down");
        assert_eq!(presence_in(root.path(), "c").unwrap(), Presence::Absent);
        component_in(root.path(), "c", &silent, write).unwrap();
    }

    #[test]
    fn what_changed_since_the_download_is_fetched_again_and_a_copy_is_not() {
        let root = tempfile::tempdir().unwrap();
        let file = component_in(root.path(), "c", &silent, write).unwrap().join("lib/a");
        fs::write(&file, "content").unwrap();
        component_in(root.path(), "c", &silent, never).unwrap();
        fs::write(&file, "CONTENT").unwrap();
        assert!(matches!(presence_in(root.path(), "c").unwrap(), Presence::Damaged(_)));
        component_in(root.path(), "c", &silent, write).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "content");
        fs::remove_file(&file).unwrap();
        assert!(matches!(presence_in(root.path(), "c").unwrap(), Presence::Damaged(_)));
    }
}

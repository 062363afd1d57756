//! What ClickHouse is on this machine: a program, or a library that a process of ours opens.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::config;
use crate::clickhouse_host;
use crate::process::Launch;
use crate::{Progress, cache, settings, tools};

const VERSION: &str = "26.7.3-stable.1";
const LIBRARY: &str = "libchdb.so";
/// Name in the cache folder.
pub(crate) const COMPONENT: &str = "clickhouse-26.7.3";
/// Named pipe that the library's standing query reads from.
pub(super) const STANDING_PIPE: &str = "standing.pipe";

/// How ClickHouse runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Engine {
    /// A `clickhouse` program.
    Program(PathBuf),
    /// `libchdb.so`, in a process of ours.
    Library(PathBuf),
}

impl Engine {
    /// The ClickHouse that the machine has, without fetching anything.
    pub(crate) fn installed() -> Option<Self> {
        if let Some(program) = settings::path(settings::CLICKHOUSE_BIN) {
            return Some(Self::Program(program));
        }
        if let Some(library) = settings::path(settings::CHDB_LIB) {
            return Some(Self::Library(if library.is_dir() { library.join(LIBRARY) } else { library }));
        }
        tools::on_path("clickhouse").map(Self::Program)
    }

    /// The ClickHouse that the machine has, or the fetched library.
    pub(crate) fn locate(progress: Progress<'_>) -> Result<Self> {
        let Some(installed) = Self::installed() else {
            return Ok(Self::Library(cache::component(COMPONENT, progress, fetch)?.join(LIBRARY)));
        };
        let path = installed.path();
        ensure!(path.is_file(), "{} is not a file: see {}", path.display(), installed.origin());
        Ok(installed)
    }

    /// The file it is.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Program(path) | Self::Library(path) => path,
        }
    }

    fn origin(&self) -> &'static str {
        match self {
            Self::Program(_) => settings::CLICKHOUSE_BIN,
            Self::Library(_) => settings::CHDB_LIB,
        }
    }

    /// How to serve from `folder`, which holds the settings.
    pub(super) fn launch(&self, folder: &Path) -> Result<Launch> {
        let config = folder.join(config::FILE).display().to_string();
        let (program, arguments) = match self {
            Self::Program(program) => {
                (program.clone(), vec!["server".to_owned(), format!("--config-file={config}")])
            }
            Self::Library(library) => library_command(library, folder, config)?,
        };
        // The library takes its time zone from here, whatever its settings say.
        let environment = vec![("TZ".to_owned(), "UTC".to_owned())];
        Ok(Launch { program, arguments, environment, folder: folder.to_owned() })
    }
}

/// The library is the command line client with a server inside: `SYSTEM START LISTEN` opens the ports, and a query
/// that reads from a pipe which nobody writes to keeps the process there.
fn library_command(library: &Path, folder: &Path, config: String) -> Result<(PathBuf, Vec<String>)> {
    let pipe = folder.join(STANDING_PIPE);
    match mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(error) => bail!("cannot create the pipe {}: {error}", pipe.display()),
    }
    let (program, mut arguments) = clickhouse_host::command()?;
    arguments.extend([
        library.display().to_string(),
        "-C".to_owned(),
        config,
        format!("--path={}", config::data(folder)),
        // It logs everything otherwise, whatever its settings say.
        format!("--log-level={}", config::LOG_LEVEL),
        format!(
            "--query=SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; \
             SELECT count() FROM file('{}', 'LineAsString')",
            pipe.display()
        ),
    ]);
    Ok((program, arguments))
}

fn fetch(folder: &Path) -> Result<()> {
    let package = match std::env::consts::ARCH {
        "x86_64" => "@chdb/lib-linux-x64-gnu",
        "aarch64" => "@chdb/lib-linux-arm64-gnu",
        other => bail!("there is no ClickHouse library for {other}: put a `clickhouse` program on the PATH"),
    };
    let said = tools::NPM.run(folder, &["pack", "--silent", &format!("{package}@{VERSION}")])?;
    let archive = folder.join(said.lines().last().context("npm did not name the file it wrote")?.trim());
    unpack_library(&archive, folder)?;
    Ok(fs::remove_file(archive)?)
}

fn unpack_library(archive: &Path, folder: &Path) -> Result<()> {
    let file = File::open(archive).with_context(|| format!("npm did not write {}", archive.display()))?;
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(file));
    for entry in tar.entries()? {
        let mut entry = entry?;
        if entry.path()?.ends_with(LIBRARY) {
            entry.unpack(folder.join(LIBRARY))?;
            return Ok(());
        }
    }
    bail!("{} holds no {LIBRARY}", archive.display());
}

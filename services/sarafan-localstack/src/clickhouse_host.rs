//! The process that holds ClickHouse when ClickHouse is a library.
//!
//! A program can be that process itself: its `main` begins with [`main_if_requested`], and when it later starts a
//! ClickHouse, it runs itself again with [`ARGUMENT`]. Test binaries have no such `main`; for them the small program
//! `sarafan-clickhouse-host` is looked for beside them, and built when it is not there.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};

use crate::unsafe_os;

/// First argument that turns a program into the host.
pub const ARGUMENT: &str = "__clickhouse-host";
const PROGRAM: &str = "sarafan-clickhouse-host";

/// Set once this program has shown that it can be the host.
static CAN_HOST: AtomicBool = AtomicBool::new(false);

/// To be called first in `main`, before any thread is started. Returns the exit code when this process was asked to
/// be the host and has done its work; otherwise `None`, and from then on the program runs itself as the host.
pub fn main_if_requested() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(ARGUMENT) {
        return Some(main(arguments));
    }
    CAN_HOST.store(true, Ordering::Relaxed);
    None
}

/// The host: the first argument is the library, the rest are the arguments of ClickHouse.
pub fn main(arguments: impl Iterator<Item = String>) -> ExitCode {
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{PROGRAM}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let Some(library) = arguments.next() else {
        bail!("the first argument must be the path of libchdb.so");
    };
    let mut argv = vec!["clickhouse".to_owned()];
    argv.extend(arguments);
    unsafe_os::run_clickhouse_library(Path::new(&library), &argv)
}

/// Program and leading arguments that make a host process.
pub(crate) fn command() -> Result<(PathBuf, Vec<String>)> {
    let this = std::env::current_exe().context("cannot find the path of this program")?;
    if CAN_HOST.load(Ordering::Relaxed) {
        return Ok((this, vec![ARGUMENT.to_owned()]));
    }
    Ok((beside(&this).map_or_else(|| build(&this), Ok)?, Vec::new()))
}

/// `target/debug/NAME` for both `target/debug/sarafan` and `target/debug/deps/some_test-HASH`.
fn beside(program: &Path) -> Option<PathBuf> {
    program.ancestors().skip(1).take(2).map(|folder| folder.join(PROGRAM)).find(|path| path.is_file())
}

/// Builds the host with the profile of the running test binary.
fn build(program: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", env!("CARGO_PKG_NAME"), "--bin", PROGRAM]);
    command.args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    if program.ancestors().any(|folder| folder.ends_with("release")) {
        command.arg("--release");
    }
    let output = command.output().context("cannot run cargo to build the ClickHouse host")?;
    if !output.status.success() {
        bail!("cargo could not build {PROGRAM}:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    beside(program).with_context(|| format!("cargo built {PROGRAM}, but not beside {}", program.display()))
}

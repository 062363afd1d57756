//! The only unsafe code of the workspace: two calls that the standard library has no safe form for.
//!
//! * `pre_exec`: code between fork and exec. The closure makes two system calls, allocates nothing and takes no
//!   lock, which is what the contract of `pre_exec` asks for.
//! * `query_stable_v2`: a C function of the ClickHouse library. The process that calls it does nothing else.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid, getppid};

/// Makes the kernel kill the child when the *thread* that spawns it ends, also when that is by SIGKILL.
pub(crate) fn die_with_parent(command: &mut Command) {
    let parent: Pid = getpid();
    let arm = move || {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        // The parent may have died before the signal was armed; then there is nobody to die with.
        if getppid() == parent { Ok(()) } else { Err(io::Error::from_raw_os_error(nix::libc::ECHILD)) }
    };
    // SAFETY: `arm` only makes the async-signal-safe calls prctl and getppid and does not allocate.
    unsafe { command.pre_exec(arm) };
}

type QueryStable = unsafe extern "C" fn(argc: c_int, argv: *mut *mut c_char) -> *mut c_void;

/// Loads the ClickHouse library and runs its command line; returns when the query in `arguments` ends.
pub(crate) fn run_clickhouse_library(library: &Path, arguments: &[String]) -> Result<()> {
    let owned = arguments
        .iter()
        .map(|argument| CString::new(argument.as_str()))
        .collect::<Result<Vec<CString>, _>>()
        .context("an argument of the ClickHouse host holds a NUL byte")?;
    let mut argv: Vec<*mut c_char> = owned.iter().map(|argument| argument.as_ptr().cast_mut()).collect();
    let argc = c_int::try_from(argv.len()).context("too many arguments for the ClickHouse host")?;
    argv.push(std::ptr::null_mut());
    // SAFETY: the library is the pinned one (or one that the user named); its initialisers are meant to be run by
    // dlopen. The symbol has this signature since version 3 of chdb. `argv` is NULL-terminated and, like the strings,
    // outlives the call; C programs may write to argv, which nobody else reads.
    unsafe {
        let loaded = libloading::Library::new(library)
            .with_context(|| format!("cannot open the ClickHouse library {}", library.display()))?;
        let query: libloading::Symbol<'_, QueryStable> =
            loaded.get(b"query_stable_v2\0").context("the ClickHouse library has no query_stable_v2")?;
        query(argc, argv.as_mut_ptr());
        // Its threads still run: unloading the code under them would crash.
        std::mem::forget(loaded);
    }
    Ok(())
}

//! One ClickHouse server.

mod config;
mod engine;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;

use crate::data_folder::DataFolder;
use crate::process::Process;
use crate::{Progress, http, ports};

pub(crate) use engine::{COMPONENT, Engine};

const START_PATIENCE: Duration = Duration::from_secs(90);
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// Choices for one ClickHouse.
#[derive(Debug, Clone)]
pub struct ClickHouseOptions {
    /// Folder for data and logs; a temporary one, removed at the end, when `None`.
    pub data_dir: Option<PathBuf>,
    /// HTTP port; a free one when `None`.
    pub http_port: Option<u16>,
    /// Port of the native protocol; a free one when `None`.
    pub tcp_port: Option<u16>,
    /// Memory that all queries together may use, in MiB.
    pub memory_mib: u32,
    /// Space of the disk that is left alone, in MiB: what would go beyond is refused before it is begun.
    pub keep_free_mib: u32,
}

impl Default for ClickHouseOptions {
    fn default() -> Self {
        Self { data_dir: None, http_port: None, tcp_port: None, memory_mib: 4096, keep_free_mib: 0 }
    }
}

/// A running ClickHouse on 127.0.0.1, user `default` without a password. Dropping it kills the process.
#[derive(Debug)]
pub struct ClickHouse {
    // Before `data`: the process ends first, then its folder goes.
    process: Process,
    http_port: u16,
    tcp_port: u16,
    data: DataFolder,
}

impl ClickHouse {
    /// Starts ClickHouse and waits until it answers. Fetches it first when the machine has none.
    ///
    /// # Errors
    ///
    /// When it cannot be fetched or started; the error names the tool that is missing, or quotes the log.
    pub fn start(options: &ClickHouseOptions, progress: Progress<'_>) -> Result<Self> {
        let engine = Engine::locate(progress)?;
        let data = DataFolder::open(options.data_dir.as_deref())?;
        let [free_http, free_tcp] = ports::free()?;
        let http_port = options.http_port.unwrap_or(free_http);
        let tcp_port = options.tcp_port.unwrap_or(free_tcp);
        ports::check_free("ClickHouse's HTTP interface", http_port)?;
        ports::check_free("ClickHouse's native protocol", tcp_port)?;
        config::write(
            data.path(),
            &config::Settings {
                http_port,
                tcp_port,
                memory_mib: options.memory_mib,
                keep_free_mib: options.keep_free_mib,
            },
        )?;
        progress("starting ClickHouse");
        let process = Process::new("clickhouse", engine.launch(data.path())?);
        let clickhouse = Self { process, http_port, tcp_port, data };
        clickhouse.start_again()?;
        Ok(clickhouse)
    }

    /// `http://127.0.0.1:PORT`.
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// Port of the native protocol on 127.0.0.1.
    pub fn tcp_port(&self) -> u16 {
        self.tcp_port
    }

    /// Process id; `None` after [`kill`](Self::kill) or [`stop`](Self::stop).
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// The exit status, once, when it has ended by itself since the last look.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn exited(&self) -> Result<Option<ExitStatus>> {
        self.process.exited()
    }

    /// SIGKILL.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn kill(&self) -> Result<()> {
        self.process.kill()
    }

    /// SIGSTOP: connections stay open and nothing answers.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn freeze(&self) -> Result<()> {
        self.process.freeze()
    }

    /// SIGCONT: goes on after [`freeze`](Self::freeze).
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn thaw(&self) -> Result<()> {
        self.process.thaw()
    }

    /// Stops in an orderly way; SIGKILL after 20 seconds.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn stop(&self) -> Result<()> {
        end_standing_query(self.data.path());
        self.process.stop(STOP_PATIENCE)
    }

    /// Starts again on the same data and ports, after [`kill`](Self::kill) or [`stop`](Self::stop); stops first when
    /// it runs.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        self.start_again()
    }

    /// Folder that holds the data, the settings and the logs.
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// What the process wrote; ClickHouse's own log is `clickhouse-server.log` beside it.
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// Whether it answers at this moment.
    pub fn is_alive(&self) -> bool {
        http::answers(self.http_port, "/ping")
    }

    fn start_again(&self) -> Result<()> {
        self.process.start(START_PATIENCE, || self.is_alive())
    }
}

/// The library serves for as long as its query reads from the pipe: opening and closing the other end is the end of
/// it. Fails when nobody reads (another engine, or it has gone), which is no matter.
fn end_standing_query(folder: &Path) {
    let _ = OpenOptions::new()
        .write(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(folder.join(engine::STANDING_PIPE));
}

//! One ClickHouse server.

mod config;
mod engine;

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;

use crate::daemon::Daemon;
use crate::temporary::DataFolder;
use crate::{Progress, ports};

use engine::Engine;

const START_PATIENCE: Duration = Duration::from_secs(90);
const STOP_PATIENCE: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(1);

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
}

impl Default for ClickHouseOptions {
    fn default() -> Self {
        Self { data_dir: None, http_port: None, tcp_port: None, memory_mib: 4096 }
    }
}

/// A running ClickHouse on 127.0.0.1, user `default` without a password. Dropping it kills the process.
#[derive(Debug)]
pub struct ClickHouse {
    // Before `data`: the process ends first, then its folder goes.
    daemon: Daemon,
    http_port: u16,
    tcp_port: u16,
    data: DataFolder,
}

impl ClickHouse {
    /// Starts ClickHouse and waits until it answers. Fetches it first when the machine has none.
    pub fn start(options: &ClickHouseOptions, progress: Progress<'_>) -> Result<Self> {
        let engine = Engine::locate(progress)?;
        let data = DataFolder::open(options.data_dir.as_deref())?;
        let [free_http, free_tcp] = ports::free()?;
        let http_port = options.http_port.unwrap_or(free_http);
        let tcp_port = options.tcp_port.unwrap_or(free_tcp);
        config::write(
            data.path(),
            &config::Settings { http_port, tcp_port, memory_mib: options.memory_mib },
        )?;
        progress("starting ClickHouse");
        let daemon = Daemon::new("clickhouse", engine.launch(data.path())?);
        let clickhouse = Self { daemon, http_port, tcp_port, data };
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
        self.daemon.pid()
    }

    /// SIGKILL.
    pub fn kill(&self) -> Result<()> {
        self.daemon.kill()
    }

    /// SIGSTOP: connections stay open and nothing answers.
    pub fn freeze(&self) -> Result<()> {
        self.daemon.signal(Signal::SIGSTOP)
    }

    /// SIGCONT: goes on after [`freeze`](Self::freeze).
    pub fn thaw(&self) -> Result<()> {
        self.daemon.signal(Signal::SIGCONT)
    }

    /// Stops in an orderly way; SIGKILL after 20 seconds.
    pub fn stop(&self) -> Result<()> {
        self.daemon.stop(STOP_PATIENCE, || end_standing_query(self.data.path()))
    }

    /// Starts again on the same data and ports, after [`kill`](Self::kill) or [`stop`](Self::stop); stops first when
    /// it runs.
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
        self.daemon.log()
    }

    /// Whether it answers at this moment.
    pub fn is_alive(&self) -> bool {
        ping(self.http_port).is_ok_and(|answer| answer.contains(" 200 "))
    }

    fn start_again(&self) -> Result<()> {
        self.daemon.start(START_PATIENCE, || self.is_alive())
    }
}

/// The head of the answer to `GET /ping`.
fn ping(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), PING_TIMEOUT)?;
    stream.set_read_timeout(Some(PING_TIMEOUT))?;
    stream.write_all(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; 32];
    let read = stream.read(&mut head)?;
    Ok(String::from_utf8_lossy(&head[..read]).into_owned())
}

/// The library serves for as long as its query reads from the pipe: opening and closing the other end is the end of
/// it. Fails when nobody reads (another engine, or it has gone), which is no matter.
fn end_standing_query(folder: &Path) {
    let _ = OpenOptions::new()
        .write(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(folder.join(engine::STANDING_PIPE));
}

//! A deployment to be harmed: servers of its own, the proxy, two ingests and two aggregators.

use std::cell::RefCell;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use sarafan_localstack::{ClickHouse, ClickHouseOptions, Kafka, KafkaOptions};
use sarafan_runtime::config::Document;
use sarafan_store::Store;
use sarafan_stream::Admin;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::member::{Members, Recipe};
use super::proxy::Proxy;
use crate::commands::migrate::{SourceTopics, migrate};
use crate::deployment::{Deployment, ENV_PREFIX};
use crate::http::post;
use crate::terminal;

const CONFIGURATION: &str = include_str!("../../../../deploy/demo/shop.toml");
/// The consumer group of the ingests.
pub(super) const INGEST_GROUP: &str = "chaos.ingest";
/// How long a member may be silent before its partitions go to others.
pub(super) const SESSION: Duration = Duration::from_secs(6);
/// The longest wait of the services for an answer of ClickHouse.
pub(super) const ANSWER: Duration = Duration::from_secs(8);
const STATEMENT_PATIENCE: Duration = Duration::from_secs(30);
const START_PATIENCE: Duration = Duration::from_secs(180);

/// What differs from the shop's own configuration: everything that decides how fast a fault is noticed, and many small
/// flushes to be killed in.
const OVERRIDES: [(&str, u128); 12] = [
    ("TOPICS__PARTITIONS", 6),
    ("INGEST__SESSION_TIMEOUT_MS", SESSION.as_millis()),
    ("INGEST__BATCH__MAX_AGE_MS", 200),
    ("AGGREGATOR__SESSION_TIMEOUT_MS", SESSION.as_millis()),
    ("AGGREGATOR__IDLE_MS", 200),
    ("AGGREGATOR__COLLECT_AFTER_MS", 15_000),
    ("AGGREGATOR__BATCH__MAX_AGE_MS", 100),
    ("AGGREGATOR__BATCH__MAX_RECORDS", 5_000),
    ("CLICKHOUSE__QUERY_TIMEOUT_MS", ANSWER.as_millis()),
    ("CLICKHOUSE__INSERT_TIMEOUT_MS", ANSWER.as_millis()),
    ("CLICKHOUSE__BLOCK_TIMEOUT_MS", ANSWER.as_millis()),
    ("CLICKHOUSE__RESTORE_TIMEOUT_MS", 60_000),
];

/// The deployment. Dropping it ends everything.
pub(super) struct Site {
    // The services go first, then the servers, then their disk.
    pub(super) members: Members,
    pub(super) proxy: Proxy,
    pub(super) clickhouse: ClickHouse,
    pub(super) kafka: Kafka,
    pub(super) disk: Option<SmallDisk>,
    /// As the harness sees it: straight to ClickHouse, with patience.
    pub(super) deployment: Deployment,
    pub(super) store: Store,
    pub(super) admin: Admin,
    runtime: Runtime,
    revived: RefCell<Vec<String>>,
    folder: Folder,
}

/// Where ClickHouse keeps its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disk {
    /// In a temporary folder.
    Shared,
    /// On a small file system of its own.
    Small,
}

/// Logs and files stay when something was wrong.
enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Site {
    /// Starts all of it, and waits until the services are ready.
    pub(super) fn start(seed: u64, disk: Disk) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("sarafan-chaos-").tempdir()?;
        let say = |step: &str| terminal::note(format!("  {step}"));
        let kafka = Kafka::start(&KafkaOptions::default(), &say)?;
        let disk = match disk {
            Disk::Shared => None,
            Disk::Small => Some(SmallDisk::mount(&folder.path().join("disk"))?),
        };
        let keep_free_mib = if disk.is_some() { DISK_RESERVE_MIB } else { 0 };
        let data_dir = disk.as_ref().map(|disk| disk.path.join("clickhouse"));
        let clickhouse =
            ClickHouse::start(&ClickHouseOptions { data_dir, keep_free_mib, ..Default::default() }, &say)?;
        let server = clickhouse.http_url();
        let address: SocketAddr = server.trim_start_matches("http://").parse()?;
        let proxy = Proxy::start(address, seed)?;
        let environment = environment(&kafka.brokers(), &proxy.url());
        let deployment = deployment(&[
            variable("KAFKA__BROKERS", kafka.brokers()),
            variable("CLICKHOUSE__URL", server),
            variable("INGEST__GROUP", INGEST_GROUP),
        ])?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(migrate(&deployment, SourceTopics::Create))?;
        std::fs::write(folder.path().join("sarafan.toml"), CONFIGURATION)?;
        let members = Members::new(Recipe { environment, folder: folder.path().to_owned() });
        let store = Store::new(&deployment.clickhouse)?;
        let admin = Admin::open(&deployment.kafka)?;
        let folder = Folder::Temporary(folder);
        let revived = RefCell::default();
        let site = Self {
            members,
            proxy,
            clickhouse,
            kafka,
            disk,
            deployment,
            store,
            admin,
            runtime,
            revived,
            folder,
        };
        for (command, name) in [
            ("ingest", "ingest-1"),
            ("ingest", "ingest-2"),
            ("aggregate", "aggregator-1"),
            ("aggregate", "aggregator-2"),
        ] {
            site.members.add(command, name)?.start(None)?;
        }
        for member in site.members.of("ingest").iter().chain(&site.members.of("aggregate")) {
            member.wait_until_ready(START_PATIENCE)?;
        }
        Ok(site)
    }

    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The folder of logs and of the data that was sent.
    pub(super) fn folder(&self) -> &Path {
        match &self.folder {
            Folder::Temporary(folder) => folder.path(),
            Folder::Kept(path) => path,
        }
    }

    /// Keeps the folder, for whoever has to find out what went wrong.
    pub(super) fn keep(&mut self) -> PathBuf {
        for (log, name) in [
            (self.clickhouse.data_dir().join("clickhouse-server.log"), "clickhouse-server.log"),
            (self.clickhouse.log().to_owned(), "clickhouse.log"),
            (self.kafka.log().to_owned(), "kafka.log"),
        ] {
            // Their folders go with the servers. A log that is not there is one that nobody can read.
            let _ = std::fs::copy(log, self.folder().join(name));
        }
        let kept = Folder::Kept(self.folder().to_owned());
        if let Folder::Temporary(folder) = std::mem::replace(&mut self.folder, kept) {
            return folder.keep();
        }
        self.folder().to_owned()
    }

    /// Starts ClickHouse again when it has ended by itself, as its own supervisor would.
    pub(super) fn revive(&self) -> anyhow::Result<()> {
        if let Some(status) = self.clickhouse.exited()? {
            self.clickhouse.restart()?;
            self.revived.borrow_mut().push(format!("clickhouse: {status}"));
        }
        Ok(())
    }

    /// Ends of ClickHouse by itself.
    pub(super) fn revived(&self) -> Vec<String> {
        self.revived.borrow().clone()
    }

    /// Where ClickHouse listens, without the proxy.
    pub(super) fn clickhouse_address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.clickhouse.http_url().trim_start_matches("http://").parse()?)
    }

    /// Runs a statement that changes something, which the store's own queries may not.
    pub(super) fn execute(&self, sql: &str) -> anyhow::Result<()> {
        execute(self.clickhouse_address()?, sql)
    }

    /// The first value of a query.
    pub(super) fn scalar(&self, sql: &str) -> anyhow::Result<String> {
        let rows = self.block_on(self.store.query(sql, &[]))?;
        Ok(rows.columns.first().and_then(|column| rows.text(0, &column.name)).unwrap_or_default())
    }
}

/// As [`Site::execute`], for a thread of its own.
pub(super) fn execute(clickhouse: SocketAddr, sql: &str) -> anyhow::Result<()> {
    post(clickhouse, "/", sql, STATEMENT_PATIENCE).map(drop).with_context(|| sql.to_owned())
}

fn environment(brokers: &str, clickhouse: &str) -> Vec<(String, String)> {
    let mut variables = vec![variable("KAFKA__BROKERS", brokers), variable("CLICKHOUSE__URL", clickhouse)];
    variables.push(variable("INGEST__GROUP", INGEST_GROUP));
    variables.extend(OVERRIDES.iter().map(|(path, value)| variable(path, value)));
    variables
}

fn variable(path: &str, value: impl ToString) -> (String, String) {
    (format!("{ENV_PREFIX}__{path}"), value.to_string())
}

fn deployment(own: &[(String, String)]) -> anyhow::Result<Deployment> {
    let partitions = variable("TOPICS__PARTITIONS", 6);
    let own = own.iter().chain([&partitions]);
    let pairs = own.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let document = Document::from_text_and_environment("demo/shop.toml", CONFIGURATION, ENV_PREFIX, pairs)?;
    Ok(Deployment::of(document)?)
}

/// A file system of its own, small enough to be filled. It goes with this process, however that ends.
pub(super) struct SmallDisk {
    path: PathBuf,
    janitor: Child,
}

/// Waits for the end of a pipe that only this process holds open. Lazily: a server that is being killed may hold a file for
/// a moment.
const JANITOR: &str = r#"cat >/dev/null; umount -l -- "$1""#;

/// Room for a run, and soon full.
const DISK_SIZE: &str = "size=1500m";
/// What ClickHouse leaves alone of it. Without a reserve, 26.7 may finish a merge whose marks it could not write.
pub(super) const DISK_RESERVE_MIB: u32 = 256;

impl SmallDisk {
    fn mount(path: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", DISK_SIZE, "sarafan-chaos"]).arg(path).stdin(Stdio::null());
        let output = mount.output().context("cannot run `mount`")?;
        if !output.status.success() {
            bail!(
                "cannot mount a small disk for ClickHouse ({}): run as root, or leave `disk-full` out",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        let mut janitor = Command::new("sh");
        janitor.args(["-c", JANITOR, "sh"]).arg(path).current_dir("/").process_group(0);
        janitor.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { path: path.to_owned(), janitor: janitor.spawn()? })
    }

    /// Bytes that are free.
    pub(super) fn available(&self) -> anyhow::Result<u64> {
        let output = Command::new("df").args(["-B1", "--output=avail"]).arg(&self.path).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let number = text.lines().nth(1).map(str::trim).context("`df` said nothing")?;
        Ok(number.parse()?)
    }

    /// The file that fills it.
    pub(super) fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.janitor.stdin.take());
        // A mount that stays is seen in `mount`.
        let _ = self.janitor.wait();
    }
}

//! What one test has to itself: topics, databases, a configuration, and the services as processes.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::Date;
use sarafan_cli::oracle::{self, Dump};
use sarafan_cli::scrape::{Sample, is_ready, scrape, sum};
use sarafan_cli::{Backlog, Deployment, ENV_PREFIX};
use sarafan_localstack::testing::{shared, unique_name};
use sarafan_localstack::{Launch, Process};
use sarafan_runtime::config::Document;
use sarafan_store::Store;
use sarafan_stream::{
    Admin, BulkWriter, OwnedRecord, ProducerRecord, ProducerSettings, ReadFrom, StreamMetrics, TopicReader,
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Longer than anything here takes unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);

/// One deployment.
pub(crate) struct World {
    pub(crate) deployment: Deployment,
    pub(crate) store: Store,
    pub(crate) admin: Admin,
    environment: Vec<(String, String)>,
    runtime: Runtime,
    folder: TempDir,
}

/// A service in a process of its own.
pub(crate) struct Service {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

/// The folder of what is deployed.
pub(crate) fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path)
}

impl World {
    /// A world of the configuration `text`, in which brokers, topics, groups and databases are replaced by its own, and
    /// `overrides` (`AGGREGATOR__IDLE_MS`, value) apply. Nothing is migrated yet.
    pub(crate) fn new(name: &str, text: &str, overrides: &[(&str, &str)]) -> Self {
        let mine = unique_name(name);
        let table: toml::Table = text.parse().unwrap();
        let sources = table["source"].as_array().unwrap().len();
        let mut environment = vec![
            variable("KAFKA__BROKERS", shared().kafka_brokers()),
            variable("CLICKHOUSE__URL", shared().clickhouse_url()),
            variable("CLICKHOUSE__DATABASE", &mine),
            variable("CLICKHOUSE__STORE_DATABASE", format!("{mine}_store")),
            variable("TOPICS__EVENTS", format!("{mine}.events")),
            variable("TOPICS__DEAD_LETTERS", format!("{mine}.dlq")),
            variable("TOPICS__PARTITIONS", 6),
            variable("INGEST__GROUP", format!("{mine}.ingest")),
            variable("INGEST__SESSION_TIMEOUT_MS", 6_000),
            variable("AGGREGATOR__GROUP", format!("{mine}.aggregator")),
            // The shortest that a broker allows: a killed process is missed after that long.
            variable("AGGREGATOR__SESSION_TIMEOUT_MS", 6_000),
            variable("AGGREGATOR__IDLE_MS", 200),
        ];
        let source = |index| variable(&format!("SOURCE__{index}__TOPIC"), format!("{mine}.source{index}"));
        environment.extend((0..sources).map(source));
        environment.extend(overrides.iter().map(|(path, value)| variable(path, value)));
        Self::of(text, environment)
    }

    /// The same topics, groups and databases under another configuration.
    pub(crate) fn configured(&self, text: &str) -> Self {
        Self::of(text, self.environment.clone())
    }

    /// The same configuration and sources, with further overrides. Nothing is migrated.
    pub(crate) fn with(&self, overrides: &[(&str, &str)]) -> Self {
        let text = std::fs::read_to_string(self.folder.path().join("sarafan.toml")).unwrap();
        let mut environment = self.environment.clone();
        let further: Vec<_> = overrides.iter().map(|(path, value)| variable(path, value)).collect();
        environment.retain(|(name, _)| further.iter().all(|(other, _)| other != name));
        environment.extend(further);
        Self::of(&text, environment)
    }

    fn of(text: &str, environment: Vec<(String, String)>) -> Self {
        let pairs = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let document = Document::from_text_and_environment("sarafan.toml", text, ENV_PREFIX, pairs).unwrap();
        let deployment = Deployment::of(document).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sarafan.toml"), text).unwrap();
        let store = Store::new(&deployment.clickhouse).unwrap();
        let admin = Admin::open(&deployment.kafka).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { deployment, store, admin, environment, runtime, folder }
    }

    /// As [`new`](Self::new), with topics, tables and views.
    pub(crate) fn migrated(name: &str, text: &str, overrides: &[(&str, &str)]) -> Self {
        let world = Self::new(name, text, overrides);
        succeeded(&world.run(&["migrate", "--create-source-topics"], b""));
        world
    }

    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sarafan"));
        command.args(arguments).envs(self.environment.iter().cloned()).current_dir(self.folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs a command that dies at a fail point, such as `generation.moved` or `generation.partition_moved=2*off->return`.
    pub(crate) fn run_until(&self, arguments: &[&str], point: &str) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sarafan"));
        command.args(arguments).envs(self.environment.iter().cloned()).current_dir(self.folder.path());
        let point = if point.contains('=') { point.to_owned() } else { format!("{point}=return") };
        let output = command.env("FAILPOINTS", &point).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), None, "{point}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// As [`run`](Self::run), with nothing but the file.
    pub(crate) fn run_plain(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sarafan"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).output().unwrap()
    }

    /// Its folder: configuration and logs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts `sarafan COMMAND` (arguments after spaces), with further overrides, and waits until it is ready. `name` is that
    /// of its log.
    pub(crate) fn start(&self, command: &str, name: &str, overrides: &[(&str, &str)]) -> Service {
        let service = self.launch(command, name, overrides);
        service.process.start(PATIENCE, || is_ready(service.address)).unwrap();
        service
    }

    /// A service that is not started yet.
    pub(crate) fn launch(&self, command: &str, name: &str, overrides: &[(&str, &str)]) -> Service {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let mut environment = self.environment.clone();
        environment.push(variable("SERVICE__LISTEN", address));
        environment.extend(overrides.iter().map(|(path, value)| variable(path, value)));
        let launch = Launch {
            program: env!("CARGO_BIN_EXE_sarafan").into(),
            arguments: command.split_whitespace().map(str::to_owned).collect(),
            environment,
            folder: self.folder.path().to_owned(),
        };
        Service { process: Process::new(name, launch), address }
    }

    /// The topic of a source, by its place in the configuration.
    pub(crate) fn source_topic(&self, index: usize) -> Arc<str> {
        self.deployment.mapping.topics().nth(index).unwrap().into()
    }

    /// Writes records, in order, and waits until the brokers have them.
    pub(crate) fn produce(&self, records: impl IntoIterator<Item = ProducerRecord>) {
        self.block_on(async {
            let metrics = StreamMetrics::register(&prometheus::Registry::new()).unwrap();
            let mut writer =
                BulkWriter::open(&self.deployment.kafka, &ProducerSettings::default(), metrics).unwrap();
            for record in records {
                writer.write(&record).await.unwrap();
            }
            writer.finish().await.unwrap();
        });
    }

    /// All records of a topic, as of now.
    pub(crate) fn read(&self, topic: &str) -> Vec<OwnedRecord> {
        let reader = TopicReader::open(&self.deployment.kafka, topic, &ReadFrom::Beginning).unwrap();
        reader.map(Result::unwrap).collect()
    }

    /// How far views are behind the canonical topic.
    pub(crate) fn backlog(&self) -> Backlog {
        self.block_on(sarafan_cli::backlog(&self.deployment, &self.admin, &self.store)).unwrap()
    }

    /// Waits until views show `records` canonical records or more, and all there are.
    pub(crate) fn wait_for_views(&self, records: u64) {
        self.wait_until(&format!("views show {records} records"), || {
            let backlog = self.backlog();
            backlog.behind == 0 && backlog.records >= records
        });
    }

    /// Polls until it is so; fails with the ends of all logs.
    pub(crate) fn wait_until(&self, what: &str, so: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !so() {
            assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}\n{}", self.logs());
            std::thread::sleep(POLL);
        }
    }

    /// The ends of the logs of every service.
    pub(crate) fn logs(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.folder.path()).unwrap().flatten() {
            if entry.path().extension().is_some_and(|kind| kind == "log") {
                let log = std::fs::read_to_string(entry.path()).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                let tail = lines[lines.len().saturating_sub(40)..].join("\n  ");
                text.push_str(&format!("{}:\n  {tail}\n", entry.path().display()));
            }
        }
        text
    }

    /// The first value of a query on the views.
    pub(crate) fn scalar(&self, sql: &str) -> String {
        let rows = self.block_on(self.store.query(sql, &[])).unwrap();
        rows.columns.first().and_then(|column| rows.text(0, &column.name)).unwrap_or_default()
    }

    /// A statement that changes something, `{store}` for the private database: reads are all that the store offers beside its
    /// own writes.
    pub(crate) fn change(&self, statement: &str) {
        let statement = statement.replace("{store}", self.store.store_database());
        let url = shared().clickhouse_url();
        let address = url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let length = statement.len();
        write!(stream, "POST / HTTP/1.0\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n{statement}")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.lines().next().unwrap_or_default().contains(" 200 "), "{statement}: {answer}");
    }

    /// Today, in the reporting time zone.
    pub(crate) fn today(&self) -> Date {
        self.scalar(&format!("SELECT toString(today) FROM {}.current", self.store.store_database()))
            .parse()
            .unwrap()
    }

    /// Everything that the views show.
    pub(crate) fn dump(&self) -> Dump {
        self.block_on(oracle::dump(&self.store, &self.deployment.definitions, self.today())).unwrap()
    }

    /// Every view that the recount knows, compared with it; fails with what differs.
    pub(crate) fn assert_views_equal_recount(&self) {
        let exported = self.run(&["export"], b"");
        succeeded(&exported);
        let lines = String::from_utf8(exported.stdout).unwrap();
        let records = lines.lines().map(|line| Ok(line.to_owned()));
        let figures =
            oracle::recount(records, &self.deployment.definitions, self.today(), self.folder.path()).unwrap();
        let comparisons = self.block_on(oracle::compare(&self.store, &figures)).unwrap();
        let differences: Vec<&String> =
            comparisons.iter().flat_map(|comparison| comparison.differences.iter().take(5)).collect();
        assert!(differences.is_empty(), "{differences:#?}");
    }
}

impl Service {
    /// What it says of itself.
    pub(crate) fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        sum(&self.samples(), name, labels)
    }

    fn samples(&self) -> Vec<Sample> {
        scrape(self.address).unwrap()
    }

    /// SIGTERM; it has to end by itself.
    pub(crate) fn stop(&self) {
        let began = Instant::now();
        self.process.stop(Duration::from_secs(20)).unwrap();
        assert!(began.elapsed() < Duration::from_secs(15), "no orderly end; {}", self.process.log_tail());
    }

    /// Starts it again after a kill or a stop, and waits until it is ready.
    pub(crate) fn start_again(&self) {
        self.process.start(PATIENCE, || is_ready(self.address)).unwrap();
    }
}

/// Fails with what the command said unless it succeeded.
pub(crate) fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}

/// A record of a topic, without a key.
pub(crate) fn record(topic: &Arc<str>, value: impl Into<Vec<u8>>) -> ProducerRecord {
    ProducerRecord { topic: Arc::clone(topic), value: Some(value.into()), ..ProducerRecord::default() }
}

/// Two dumps are the same, row for row; fails with the first rows of each view that are not.
pub(crate) fn assert_same(expected: &Dump, found: &Dump) {
    assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    let mut differences = Vec::new();
    for (view, expected) in expected {
        let found = &found[view];
        let only = |mine: &[String], other: &[String]| -> Vec<String> {
            mine.iter().filter(|row| other.binary_search(row).is_err()).take(3).cloned().collect()
        };
        if expected != found {
            let (missing, extra) = (only(expected, found), only(found, expected));
            differences.push(format!(
                "{view}: {} rows, expected {}\n  missing {missing:?}\n  extra {extra:?}",
                found.len(),
                expected.len()
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn variable(path: &str, value: impl ToString) -> (String, String) {
    (format!("{ENV_PREFIX}__{path}"), value.to_string())
}

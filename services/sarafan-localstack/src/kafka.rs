//! One Kafka broker that is its own controller.

mod libraries;
mod probe;
mod server_properties;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::data_folder::DataFolder;
use crate::process::{Launch, Process};
use crate::{Progress, ports, tools};

pub(crate) use libraries::{COMPONENT, installed};

const START_PATIENCE: Duration = Duration::from_secs(90);
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// Choices for one broker.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// Folder for data and logs; a temporary one, removed at the end, when `None`.
    pub data_dir: Option<PathBuf>,
    /// Port for clients; a free one when `None`.
    pub port: Option<u16>,
    /// Java heap in MiB.
    pub heap_mib: u32,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self { data_dir: None, port: None, heap_mib: 512 }
    }
}

/// A running broker on 127.0.0.1. Dropping it kills the process.
#[derive(Debug)]
pub struct Kafka {
    // Before `data`: the process ends first, then its folder goes.
    process: Process,
    port: u16,
    data: DataFolder,
}

impl Kafka {
    /// Starts a broker and waits until it can create topics. Fetches Kafka first when the machine has none.
    ///
    /// # Errors
    ///
    /// When it cannot be fetched or started; the error names the tool that is missing, or quotes the log.
    pub fn start(options: &KafkaOptions, progress: Progress<'_>) -> Result<Self> {
        let java = tools::JAVA.find()?;
        let libraries = libraries::locate(progress)?;
        let data = DataFolder::open(options.data_dir.as_deref())?;
        let [free, controller] = ports::free()?;
        let port = options.port.unwrap_or(free);
        ports::check_free("Kafka", port)?;
        let files = server_properties::write(data.path(), port, controller)?;
        let java = |machine: &[&str], main: &[&str]| Launch {
            program: java.clone(),
            arguments: java_arguments(machine, &libraries, &files, data.path(), main),
            folder: data.path().to_owned(),
            ..Launch::default()
        };
        if !files.is_formatted() {
            let format = ["kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", files.properties()];
            java(&SHORT_LIVED, &format).run_to_end("kafka-format")?;
        }
        let heap = format!("-Xmx{}m", options.heap_mib);
        progress("starting Kafka");
        let process = Process::new("kafka", java(&[&heap], &["kafka.Kafka", files.properties()]));
        let kafka = Self { process, port, data };
        kafka.start_again()?;
        Ok(kafka)
    }

    /// Address for clients, `127.0.0.1:PORT`.
    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Process id; `None` after [`kill`](Self::kill) or [`stop`](Self::stop).
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// SIGKILL: the broker has no chance to flush or to say goodbye.
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
        self.process.stop(STOP_PATIENCE)
    }

    /// Starts again on the same data and port, after [`kill`](Self::kill) or [`stop`](Self::stop); stops first when
    /// it runs.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        self.start_again()
    }

    /// Folder that holds the data, the settings and the log.
    pub fn data_dir(&self) -> &std::path::Path {
        self.data.path()
    }

    /// The broker's log.
    pub fn log(&self) -> &std::path::Path {
        self.process.log()
    }

    fn start_again(&self) -> Result<()> {
        self.process.start(START_PATIENCE, || probe::has_a_live_broker(self.port))
    }
}

/// Any id will do: the cluster never has a second node.
const CLUSTER: &str = "c2FyYWZhbi1sb2NhbA";

/// For a Java that has ended before an optimizing compiler would pay.
const SHORT_LIVED: [&str; 2] = ["-Xmx128m", "-XX:TieredStopAtLevel=1"];

fn java_arguments(
    machine: &[&str],
    libraries: &std::path::Path,
    files: &server_properties::Files,
    folder: &std::path::Path,
    main: &[&str],
) -> Vec<String> {
    let options = [
        // Two cores and half a gigabyte: the collector with the fewest threads and the smallest footprint.
        "-XX:+UseSerialGC".to_owned(),
        "-Djava.awt.headless=true".to_owned(),
        // A broker that is killed cannot delete what it unpacked: it goes with the folder. No performance counters for
        // the same reason.
        format!("-Djava.io.tmpdir={}", folder.display()),
        "-XX:-UsePerfData".to_owned(),
        format!("-Dlog4j2.configurationFile={}", files.logging()),
        "-cp".to_owned(),
        format!("{}/*", libraries.display()),
    ];
    let owned =
        |arguments: &[&str]| arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>();
    [owned(machine), options.to_vec(), owned(main)].concat()
}

//! `sarafan stack`: Kafka and ClickHouse in the background, for development.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sarafan_localstack::{ClickHouseOptions, KafkaOptions, Running, Stack, StackOptions};
use sarafan_runtime::shutdown::Shutdown;

use super::block_on;
use crate::failure::CheckFailed;
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  sarafan stack up        Kafka on 127.0.0.1:9092, ClickHouse on http://127.0.0.1:8123, data in ./.sarafan-stack
  sarafan stack status    ends with 1 when nothing runs
  sarafan stack down      data stays for the next `up`

The first start fetches what the machine does not have; `sarafan doctor` says what that needs.";

/// A first start may have to fetch everything.
const START_PATIENCE: Duration = Duration::from_secs(1200);
const STOP_PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);
const LOG: &str = "stack.log";

/// Arguments of `sarafan stack`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// Folder of data and logs.
    #[arg(long, value_name = "DIR", default_value = ".sarafan-stack", global = true)]
    data: PathBuf,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Start it and leave it running
    Up(Ports),
    /// Stop it
    Down,
    /// Say whether it runs, and where
    Status,
    /// Run it in this process until SIGTERM; what `up` starts
    #[command(hide = true)]
    Run(Ports),
}

#[derive(Debug, Clone, Copy, clap::Args)]
struct Ports {
    /// Port of Kafka.
    #[arg(long, value_name = "PORT", default_value_t = 9092)]
    kafka_port: u16,
    /// HTTP port of ClickHouse.
    #[arg(long, value_name = "PORT", default_value_t = 8123)]
    clickhouse_port: u16,
}

/// Does what was asked.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let data = std::path::absolute(&arguments.data)?;
    match &arguments.action {
        Action::Up(ports) => up(&data, *ports),
        Action::Down => down(&data),
        Action::Status => status(&data),
        Action::Run(ports) => serve(&data, *ports),
    }
}

fn up(data: &Path, ports: Ports) -> anyhow::Result<()> {
    if let Some(running) = Running::find(data)? {
        return Ok(terminal::say(format!("running already\n{}", places(&running)))?);
    }
    std::fs::create_dir_all(data).with_context(|| format!("cannot create {}", data.display()))?;
    let log = data.join(LOG);
    let mut child = spawn(data, ports, &log)?;
    terminal::note(format!("starting; {} says how it goes", log.display()));
    let deadline = Instant::now() + START_PATIENCE;
    loop {
        if let Some(running) = Running::find(data)? {
            return Ok(terminal::say(places(&running))?);
        }
        if let Some(status) = child.try_wait()? {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            bail!("the stack ended while starting ({status}): {}", text.lines().last().unwrap_or_default());
        }
        if Instant::now() > deadline {
            bail!("the stack was not ready after {} s; see {}", START_PATIENCE.as_secs(), log.display());
        }
        std::thread::sleep(POLL);
    }
}

/// A process of its own group: it stays when this one and its terminal have gone.
fn spawn(data: &Path, ports: Ports, log: &Path) -> anyhow::Result<Child> {
    let log = OpenOptions::new().create(true).write(true).truncate(true).open(log)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["stack", "run", "--data"]).arg(data);
    command.args(["--kafka-port", &ports.kafka_port.to_string()]);
    command.args(["--clickhouse-port", &ports.clickhouse_port.to_string()]);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
    command.spawn().context("cannot start the stack's process")
}

fn down(data: &Path) -> anyhow::Result<()> {
    let Some(running) = Running::find(data)? else {
        return Ok(terminal::say(format!("nothing runs in {}", data.display()))?);
    };
    running.stop(STOP_PATIENCE)?;
    Ok(terminal::say("stopped")?)
}

fn status(data: &Path) -> anyhow::Result<()> {
    match Running::find(data)? {
        Some(running) => Ok(terminal::say(places(&running))?),
        None => Err(CheckFailed(format!("nothing runs in {}", data.display())).into()),
    }
}

fn serve(data: &Path, ports: Ports) -> anyhow::Result<()> {
    let options = StackOptions {
        data_dir: Some(data.to_owned()),
        kafka: Some(KafkaOptions { port: Some(ports.kafka_port), ..KafkaOptions::default() }),
        clickhouse: Some(ClickHouseOptions {
            http_port: Some(ports.clickhouse_port),
            ..ClickHouseOptions::default()
        }),
        ..StackOptions::default()
    };
    let stack = Stack::start(options, &|step| terminal::note(step))?;
    block_on(async {
        Shutdown::on_signals()?.requested().await;
        Ok(())
    })?;
    stack.stop()
}

fn places(running: &Running) -> String {
    let address = |address: &Option<String>| address.clone().unwrap_or_else(|| "not started".to_owned());
    format!(
        "Kafka       {}\nClickHouse  {}\ndata        {}\nprocess     {}",
        address(&running.kafka),
        address(&running.clickhouse),
        running.data_dir.display(),
        running.pid
    )
}

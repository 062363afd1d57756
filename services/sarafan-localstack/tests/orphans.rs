//! Nothing is left behind, however the process that started the servers ends.

#![allow(clippy::unwrap_used)] // In helpers of tests too, where the lint does not see a test.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sarafan_localstack::{ClickHouseOptions, KafkaOptions, Stack, StackOptions, silent};

/// Set for the process that plays the parent.
const PARENT: &str = "SARAFAN_TEST_PARENT";

/// Not a test: the parent, which tells who its children are and waits for its end.
#[test]
fn parent() {
    if std::env::var_os(PARENT).is_none() {
        return;
    }
    // Started by a thread that ends: its end must not be that of the servers.
    let start = || Stack::start(StackOptions::default(), &silent).unwrap();
    let stack = std::thread::scope(|scope| scope.spawn(start).join().unwrap());
    let (kafka, clickhouse) = (stack.kafka().unwrap(), stack.clickhouse().unwrap());
    assert!(clickhouse.is_alive());
    println!("\nchild {} {}", kafka.pid().unwrap(), kafka.data_dir().display());
    println!("child {} {}", clickhouse.pid().unwrap(), clickhouse.data_dir().display());
    println!("ready");
    // Ends only when the grandparent does.
    let _ = std::io::stdin().read(&mut [0]);
}

fn start_parent() -> (Child, Vec<(String, String)>) {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "parent", "--nocapture"])
        .env(PARENT, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines().map(Result::unwrap);
    let lines: Vec<String> = lines.take_while(|line| line != "ready").collect();
    let child = |line: &String| {
        let (pid, folder) = line.strip_prefix("child ")?.split_once(' ')?;
        Some((pid.to_owned(), folder.to_owned()))
    };
    (parent, lines.iter().filter_map(child).collect())
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn servers_and_their_folders_go_with_a_parent_that_is_killed() {
    let (mut parent, children) = start_parent();
    assert_eq!(children.len(), 2);
    for (pid, folder) in &children {
        assert!(Path::new("/proc").join(pid).exists(), "{pid} runs");
        assert!(Path::new(folder).is_dir(), "{folder} is there");
    }
    parent.kill().unwrap();
    parent.wait().unwrap();
    for (pid, folder) in &children {
        until(&format!("{pid} still runs"), || !runs(pid));
        until(&format!("{folder} is still there"), || !Path::new(folder).exists());
    }
}

/// A zombie does not run: it waits for a reaper that some containers do not have.
fn runs(pid: &str) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let state = status.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state != Some('Z')
}

#[test]
fn a_kept_folder_keeps_its_data_and_can_be_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = || StackOptions { data_dir: Some(folder.path().to_owned()), ..StackOptions::default() };
    let stack = Stack::start(options(), &silent).unwrap();
    let running = sarafan_localstack::Running::find(folder.path()).unwrap().unwrap();
    assert_eq!(running.pid, std::process::id());
    assert_eq!(running.kafka, Some(stack.kafka().unwrap().brokers()));
    assert_eq!(running.clickhouse, Some(stack.clickhouse().unwrap().http_url()));
    let second = Stack::start(options(), &silent).unwrap_err().to_string();
    assert!(second.starts_with("a stack runs in "), "{second}");
    stack.stop().unwrap();
    assert_eq!(sarafan_localstack::Running::find(folder.path()).unwrap(), None);
    // On other ports than before.
    let again = Stack::start(options(), &silent).unwrap();
    assert!(again.clickhouse().unwrap().is_alive());
    assert!(folder.path().join("kafka/data/meta.properties").is_file());
}

#[test]
fn a_missing_tool_is_one_line_that_says_what_to_do() {
    let cache = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "without_tools", "--nocapture"])
        .env_clear()
        .env("PATH", "/nowhere")
        .env("XDG_CACHE_HOME", cache.path())
        .env(PARENT, "1")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("refused: ")).collect();
    assert_eq!(
        lines,
        [
            "refused: `java` is needed to run Kafka: install Java 17 or newer, or set SARAFAN_TEST_KAFKA to a running Kafka",
            "refused: cannot fetch clickhouse-26.7.3: `npm` is needed to download ClickHouse: install npm, put a \
             `clickhouse` program on the PATH, or set SARAFAN_CHDB_LIB to a libchdb.so",
        ]
    );
}

/// Not a test: a process on a machine that has nothing.
#[test]
fn without_tools() {
    if std::env::var_os(PARENT).is_none() {
        return;
    }
    let kafka = sarafan_localstack::Kafka::start(&KafkaOptions::default(), &silent).unwrap_err();
    let clickhouse =
        sarafan_localstack::ClickHouse::start(&ClickHouseOptions::default(), &silent).unwrap_err();
    println!("\nrefused: {kafka:#}\nrefused: {clickhouse:#}");
}

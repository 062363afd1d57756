//! The commands that bring their own servers.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn sarafan(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sarafan"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Leaves nothing running, however the test ends.
struct Down<'a>(&'a Path);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        sarafan(self.0, &["stack", "down"]);
    }
}

#[test]
fn a_stack_stays_up_until_it_is_taken_down() {
    let folder = tempfile::tempdir().unwrap();
    let port =
        || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port().to_string();
    let (kafka, clickhouse) = (port(), port());
    let _down = Down(folder.path());
    assert_eq!(sarafan(folder.path(), &["stack", "status"]).status.code(), Some(1));
    let up =
        sarafan(folder.path(), &["stack", "up", "--kafka-port", &kafka, "--clickhouse-port", &clickhouse]);
    assert!(up.status.success(), "{}", text(&up.stderr));
    let status = sarafan(folder.path(), &["stack", "status"]);
    assert_eq!(status.status.code(), Some(0));
    assert!(text(&status.stdout).contains(&format!("127.0.0.1:{kafka}")), "{}", text(&status.stdout));
    let again = sarafan(folder.path(), &["stack", "up"]);
    assert!(text(&again.stdout).starts_with("running already"), "{}", text(&again.stdout));
    assert!(sarafan(folder.path(), &["stack", "down"]).status.success());
    assert_eq!(sarafan(folder.path(), &["stack", "status"]).status.code(), Some(1));
}

#[test]
fn the_demo_comes_to_the_known_figures_and_accounts_for_every_record() {
    let folder = tempfile::tempdir().unwrap();
    let demo = sarafan(folder.path(), &["demo", "--check"]);
    let (said, noted) = (text(&demo.stdout), text(&demo.stderr));
    assert_eq!(demo.status.code(), Some(0), "{said}\n{noted}");
    // 30 of the real data, 5 of the simulated shop, and the NPS once more as Prometheus records it.
    assert!(said.contains("all 36 figures are as they should be"), "{said}");
    assert!(noted.contains("so that they end today"), "{noted}");
}

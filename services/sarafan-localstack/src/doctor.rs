//! What this machine has of what the local stack needs, and what to do about the rest.

mod java;

use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use crate::cache::{self, Presence};
use crate::clickhouse::Engine;
use crate::tools::{self, Tool};
use crate::{alertmanager, clickhouse, kafka, prometheus};

/// Room that the downloads and a demo's data take, in MiB.
const ROOM_MIB: u64 = 3072;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// As it should be.
    Good,
    /// Something optional is missing.
    Warning,
    /// The stack cannot start.
    Bad,
}

/// One check and what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// What it means.
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// What to do, when it is not good.
    pub fix: Option<String>,
}

impl Check {
    fn good(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, status: Status::Good, detail: detail.into(), fix: None }
    }

    fn new(name: &'static str, status: Status, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, status, detail: detail.into(), fix: Some(fix.into()) }
    }
}

/// Looks at the machine. Starts no server and fetches nothing.
pub fn doctor() -> Vec<Check> {
    let (kafka, kafka_is_here) = kafka_check();
    let (clickhouse, clickhouse_is_here) = clickhouse_check();
    let (prometheus, prometheus_is_here) = prometheus_check();
    let (amtool, amtool_is_here) = amtool_check();
    vec![
        java::for_kafka(),
        kafka,
        downloader(&tools::MAVEN, kafka_is_here, Status::Bad),
        clickhouse,
        downloader(&tools::NPM, clickhouse_is_here, Status::Bad),
        prometheus,
        amtool,
        downloader(&tools::APT, prometheus_is_here && amtool_is_here, Status::Warning),
        java::for_registry(),
        room(),
    ]
}

/// A component that the user has, or that the cache holds.
fn component(name: &'static str, installed: Option<PathBuf>, cached: &str) -> (Check, bool) {
    if let Some(path) = installed {
        let shown = path.display();
        return if path.exists() {
            (Check::good(name, format!("installed: {shown}")), true)
        } else {
            (
                Check::new(
                    name,
                    Status::Bad,
                    format!("{shown} is not there"),
                    "correct the setting that names it",
                ),
                true,
            )
        };
    }
    match cache::presence(cached) {
        Ok(Presence::Complete(folder)) => (Check::good(name, format!("fetched: {}", folder.display())), true),
        Ok(Presence::Absent) => (Check::good(name, "not fetched yet; the first start does it"), false),
        Ok(Presence::Damaged(what)) => {
            (Check::good(name, format!("{what}; the next start fetches it again")), false)
        }
        Err(error) => {
            (Check::new(name, Status::Bad, format!("{error:#}"), "make the cache folder readable"), false)
        }
    }
}

fn kafka_check() -> (Check, bool) {
    component("Kafka", kafka::installed(), kafka::COMPONENT)
}

fn clickhouse_check() -> (Check, bool) {
    component("ClickHouse", Engine::installed().map(|engine| engine.path().to_owned()), clickhouse::COMPONENT)
}

fn prometheus_check() -> (Check, bool) {
    component("Prometheus", prometheus::installed(), prometheus::PACKAGE.component)
}

fn amtool_check() -> (Check, bool) {
    component("amtool", alertmanager::installed(), alertmanager::PACKAGE.component)
}

/// A package client, which is needed only while its component is not here.
fn downloader(tool: &Tool, component_is_here: bool, when_missing: Status) -> Check {
    match tool.find() {
        Ok(path) => Check::good(tool.program, path.display().to_string()),
        Err(_) if component_is_here => Check::good(tool.program, "not there, and not needed any more"),
        Err(_) => Check::new(
            tool.program,
            when_missing,
            format!("not there; needed to {}", tool.needed_for),
            tool.remedy,
        ),
    }
}

fn room() -> Check {
    const NAME: &str = "disk";
    let found = cache::root().and_then(|root| {
        let existing = root.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/")).to_owned();
        let disk = statvfs(&existing)?;
        Ok((existing, (disk.blocks_available() * disk.fragment_size()) >> 20))
    });
    match found {
        Ok((folder, free)) if free >= ROOM_MIB => {
            Check::good(NAME, format!("{free} MiB free at {}", folder.display()))
        }
        Ok((folder, free)) => Check::new(
            NAME,
            Status::Warning,
            format!("only {free} MiB free at {}", folder.display()),
            format!("free {ROOM_MIB} MiB, or set XDG_CACHE_HOME to a folder on a larger disk"),
        ),
        Err(error) => Check::new(
            NAME,
            Status::Bad,
            format!("{error:#}"),
            "set XDG_CACHE_HOME to a folder for downloads",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_that_is_not_good_says_what_to_do() {
        let checks = doctor();
        assert_eq!(checks.len(), 10);
        for check in &checks {
            assert_eq!(check.status == Status::Good, check.fix.is_none(), "{check:?}");
            assert!(!check.detail.is_empty(), "{check:?}");
        }
    }

    #[test]
    fn a_missing_client_matters_only_while_its_component_is_missing() {
        let tool =
            Tool { program: "sarafan-no-such-tool", needed_for: "download Kafka", remedy: "install it" };
        assert_eq!(downloader(&tool, true, Status::Bad).status, Status::Good);
        let missing = downloader(&tool, false, Status::Bad);
        assert_eq!((missing.status, missing.fix.as_deref()), (Status::Bad, Some("install it")));
    }
}

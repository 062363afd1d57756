//! Programs of the machine that bring or run a component, and the one line that a person needs when one is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::settings;

/// A program that must be on the `PATH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tool {
    /// Name on the `PATH`.
    pub(crate) program: &'static str,
    /// What needs it.
    pub(crate) needed_for: &'static str,
    /// What to do when it is missing.
    pub(crate) remedy: &'static str,
}

pub(crate) const JAVA: Tool = Tool {
    program: "java",
    needed_for: "run Kafka",
    remedy: "install Java 17 or newer, or set SARAFAN_TEST_KAFKA to a running Kafka",
};
pub(crate) const MAVEN: Tool = Tool {
    program: "mvn",
    needed_for: "download Kafka",
    remedy: "install Maven, or set KAFKA_HOME to an installed Kafka",
};
pub(crate) const NPM: Tool = Tool {
    program: "npm",
    needed_for: "download ClickHouse",
    remedy: "install npm, put a `clickhouse` program on the PATH, or set SARAFAN_CHDB_LIB to a libchdb.so",
};

pub(crate) const APT: Tool = Tool {
    program: "apt-get",
    needed_for: "download Prometheus and amtool",
    remedy: "put `prometheus` and `amtool` on the PATH, or set SARAFAN_PROMETHEUS_BIN and SARAFAN_AMTOOL_BIN",
};
pub(crate) const GO: Tool = Tool {
    program: "go",
    needed_for: "build Helm and Docker Compose",
    remedy: "install Go, put `helm`, `docker-compose` and `alertmanager` on the PATH, or set SARAFAN_HELM_BIN, SARAFAN_DOCKER_COMPOSE_BIN and SARAFAN_ALERTMANAGER_BIN",
};
pub(crate) const DPKG: Tool = Tool { program: "dpkg", ..APT };

impl Tool {
    /// Where the program is; the error is one line that says what to do.
    pub(crate) fn find(&self) -> Result<PathBuf> {
        let Self { program, needed_for, remedy } = self;
        on_path(program).with_context(|| format!("`{program}` is needed to {needed_for}: {remedy}"))
    }

    /// Runs the program in `folder`, to its end; the error quotes what it said.
    pub(crate) fn run(&self, folder: &Path, arguments: &[&str]) -> Result<String> {
        let output = Command::new(self.find()?)
            .args(arguments)
            .current_dir(folder)
            .output()
            .with_context(|| format!("cannot run `{}`", self.program))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        let complained = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{} {}` failed ({}):\n{}{}",
            self.program,
            arguments.join(" "),
            output.status,
            complained,
            said
        );
    }
}

/// First executable file of that name on the `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let paths = settings::path("PATH")?;
    std::env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: Tool =
        Tool { program: "sarafan-no-such-tool", needed_for: "test", remedy: "install nothing" };

    #[test]
    fn a_missing_tool_is_one_line_that_says_what_to_do() {
        let message = format!("{:#}", ABSENT.run(Path::new("/"), &[]).unwrap_err());
        assert_eq!(message, "`sarafan-no-such-tool` is needed to test: install nothing");
    }

    #[test]
    fn a_tool_that_fails_is_quoted() {
        let shell = Tool { program: "sh", ..ABSENT };
        assert_eq!(shell.run(Path::new("/"), &["-c", "echo good"]).unwrap(), "good\n");
        let message =
            format!("{:#}", shell.run(Path::new("/"), &["-c", "echo bad >&2; exit 3"]).unwrap_err());
        assert!(message.contains("exit status: 3") && message.ends_with("\nbad\n"), "{message}");
    }
}

//! Helm and Docker Compose, which check the files that deploy Sarafan, and Alertmanager, which routes its alerts: installed
//! ones, or built with Go into the cache.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::tools::Tool;
use crate::{Progress, cache, settings, tools};

/// A program, if the machine can have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checker {
    /// Here it is.
    Program(PathBuf),
    /// It is not there and cannot be built: one line that says what to do.
    Missing(String),
}

/// A program that Go builds from its published module.
struct GoProgram {
    name: &'static str,
    package: &'static str,
    version: &'static str,
    /// Name in the cache folder.
    component: &'static str,
    /// The environment variable that names an installed one.
    setting: &'static str,
    builder: Tool,
}

const HELM: GoProgram = GoProgram {
    name: "helm",
    package: "helm.sh/helm/v3/cmd/helm",
    version: "v3.19.0",
    component: "helm-3.19.0",
    setting: settings::HELM_BIN,
    builder: tools::GO,
};

const DOCKER_COMPOSE: GoProgram = GoProgram {
    name: "docker-compose",
    package: "github.com/docker/compose/v5/cmd",
    version: "v5.1.2",
    component: "docker-compose-5.1.2",
    setting: settings::DOCKER_COMPOSE_BIN,
    builder: tools::GO,
};

/// Debian's program does not start without a file that its package installs elsewhere.
const ALERTMANAGER: GoProgram = GoProgram {
    name: "alertmanager",
    package: "github.com/prometheus/alertmanager/cmd/alertmanager",
    version: "v0.28.1",
    component: "alertmanager-0.28.1",
    setting: settings::ALERTMANAGER_BIN,
    builder: tools::GO,
};

/// `alertmanager`, which tells receivers of alerts.
///
/// # Errors
///
/// When the named program is not there, or Go cannot build one.
pub fn alertmanager(progress: Progress<'_>) -> Result<Checker> {
    ALERTMANAGER.find(progress)
}

/// `helm`, which lints and renders charts without a cluster.
///
/// # Errors
///
/// When the named program is not there, or Go cannot build one.
pub fn helm(progress: Progress<'_>) -> Result<Checker> {
    HELM.find(progress)
}

/// `docker-compose`, whose `config` checks and resolves a file without a container engine.
///
/// # Errors
///
/// When the named program is not there, or Go cannot build one.
pub fn docker_compose(progress: Progress<'_>) -> Result<Checker> {
    DOCKER_COMPOSE.find(progress)
}

impl GoProgram {
    fn find(&self, progress: Progress<'_>) -> Result<Checker> {
        if let Some(program) = settings::path(self.setting).or_else(|| tools::on_path(self.name)) {
            ensure!(program.is_file(), "{} is not a file: see {}", program.display(), self.setting);
            return Ok(Checker::Program(program));
        }
        let Self { name, component, setting, .. } = self;
        let is_here = matches!(cache::presence(component)?, cache::Presence::Complete(_));
        if !is_here && self.builder.find().is_err() {
            return Ok(Checker::Missing(format!(
                "there is no `{name}` and no `go` to build it: install either, or set {setting}"
            )));
        }
        let folder = cache::component(component, progress, |folder| self.build(folder))?;
        Ok(Checker::Program(folder.join(name)))
    }

    /// In a module of its own, which is thrown away: nothing is installed.
    fn build(&self, folder: &Path) -> Result<()> {
        let module = format!("{}@{}", self.package, self.version);
        self.builder.run(folder, &["mod", "init", "throwaway"])?;
        self.builder.run(folder, &["get", &module])?;
        self.builder.run(folder, &["build", "-ldflags=-s -w", "-o", self.name, self.package])?;
        for file in ["go.mod", "go.sum"] {
            fs::remove_file(folder.join(file))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::silent;

    #[test]
    fn without_the_program_and_without_go_there_is_one_line_that_says_what_to_do() {
        let absent = Tool { program: "sarafan-no-such-builder", ..tools::GO };
        let program = GoProgram {
            name: "sarafan-no-such-program",
            component: "sarafan-no-such-component",
            setting: "SARAFAN_NO_SUCH_SETTING",
            builder: absent,
            ..HELM
        };
        let line = "there is no `sarafan-no-such-program` and no `go` to build it: install either, or set \
                    SARAFAN_NO_SUCH_SETTING";
        assert_eq!(program.find(&silent).unwrap(), Checker::Missing(line.to_owned()));
    }
}

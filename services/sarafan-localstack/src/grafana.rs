//! Grafana, on machines that have one: it is in no package registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::data_folder::DataFolder;
use crate::process::{Launch, Process};
use crate::{Progress, http, ports, settings, tools};

const START_PATIENCE: Duration = Duration::from_secs(120);
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// A Grafana that this machine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrafanaHome {
    /// Its home folder: `bin/grafana` stands in it.
    pub home: PathBuf,
    /// The folder of its plugins.
    pub plugins: PathBuf,
}

impl GrafanaHome {
    /// The one that `SARAFAN_GRAFANA_HOME` names, or whose `bin` has the `grafana` of the `PATH`. Its plugins stand in
    /// `data/plugins`, or where `SARAFAN_GRAFANA_PLUGINS` says. None on a machine without one.
    pub fn find() -> Option<Self> {
        let on_path = || Some(tools::on_path("grafana")?.canonicalize().ok()?.parent()?.parent()?.to_owned());
        let home = settings::path(settings::GRAFANA_HOME).or_else(on_path)?;
        let plugins = settings::path(settings::GRAFANA_PLUGINS).unwrap_or_else(|| home.join("data/plugins"));
        Some(Self { home, plugins })
    }
}

/// Choices for one Grafana.
#[derive(Debug, Clone, Default)]
pub struct GrafanaOptions {
    /// Folder for data and logs; a temporary one, removed at the end, when `None`.
    pub data_dir: Option<PathBuf>,
    /// HTTP port; a free one when `None`.
    pub port: Option<u16>,
    /// Files of its provisioning folder: path within it (`datasources/sarafan.yml`), and text.
    pub provisioning: Vec<(String, String)>,
}

/// A running Grafana on 127.0.0.1 that anybody on this machine may look at. Dropping it kills the process.
#[derive(Debug)]
pub struct Grafana {
    // Before `data`: the process ends first, then its folder goes.
    process: Process,
    port: u16,
    _data: DataFolder,
}

impl Grafana {
    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When there is no program in the home folder, or it does not start: the error quotes its log.
    pub fn start(found: &GrafanaHome, options: &GrafanaOptions, progress: Progress<'_>) -> Result<Self> {
        let program = found.home.join("bin/grafana");
        ensure!(program.is_file(), "{} is not a file: see {}", program.display(), settings::GRAFANA_HOME);
        let data = DataFolder::open(options.data_dir.as_deref())?;
        let [free] = ports::free()?;
        let port = options.port.unwrap_or(free);
        provision(data.path(), &options.provisioning)?;
        let config = data.path().join("grafana.ini");
        fs::write(&config, config_text(data.path(), &found.plugins, port))?;
        let launch = Launch {
            program,
            arguments: vec![
                "server".to_owned(),
                format!("--homepath={}", found.home.display()),
                format!("--config={}", config.display()),
            ],
            folder: data.path().to_owned(),
            ..Launch::default()
        };
        progress("starting Grafana");
        let grafana = Self { process: Process::new("grafana", launch), port, _data: data };
        grafana.process.start(START_PATIENCE, || http::answers(port, "/api/health"))?;
        Ok(grafana)
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Stops in an orderly way; SIGKILL after 20 seconds.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn stop(&self) -> Result<()> {
        self.process.stop(STOP_PATIENCE)
    }
}

fn provision(folder: &Path, files: &[(String, String)]) -> Result<()> {
    for (name, text) in files {
        let path = folder.join("provisioning").join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Nothing leaves the machine, nobody has to sign in, and nobody can change anything.
fn config_text(folder: &Path, plugins: &Path, port: u16) -> String {
    let (folder, plugins) = (folder.display(), plugins.display());
    format!(
        "[server]\nhttp_addr = 127.0.0.1\nhttp_port = {port}\n\
         [paths]\ndata = {folder}/data\nlogs = {folder}/logs\nplugins = {plugins}\nprovisioning = {folder}/provisioning\n\
         [auth.anonymous]\nenabled = true\norg_role = Viewer\n\
         [analytics]\nreporting_enabled = false\ncheck_for_updates = false\ncheck_for_plugin_updates = false\n\
         [plugins]\nallow_loading_unsigned_plugins = grafana-clickhouse-datasource\npreinstall_disabled = true\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_without_a_program_is_named_with_the_setting_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let found = GrafanaHome { home: folder.path().to_owned(), plugins: folder.path().to_owned() };
        let error =
            Grafana::start(&found, &GrafanaOptions::default(), &crate::silent).unwrap_err().to_string();
        assert!(error.contains("bin/grafana") && error.contains("SARAFAN_GRAFANA_HOME"), "{error}");
    }

    #[test]
    fn provisioning_stands_in_the_folder_that_the_configuration_names() {
        let folder = tempfile::tempdir().unwrap();
        provision(folder.path(), &[("datasources/a.yml".to_owned(), "text".to_owned())]).unwrap();
        let config = config_text(folder.path(), Path::new("/plugins"), 3000);
        let named = config.lines().find_map(|line| line.strip_prefix("provisioning = ")).unwrap();
        assert_eq!(fs::read_to_string(Path::new(named).join("datasources/a.yml")).unwrap(), "text");
    }
}

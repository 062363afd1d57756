//! Where the demo takes place: the servers, what watches them, and a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sarafan_localstack::{Stack, StackOptions};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::monitoring::Monitoring;
use super::site::Site;
use crate::terminal;

/// The servers and the folder. Dropping it ends all of it; what runs on it has to go before.
pub(crate) struct Stage {
    pub(crate) monitoring: Option<Monitoring>,
    // The servers go before their folder.
    pub(crate) stack: Arc<Stack>,
    folder: Folder,
}

/// The folder of logs and of the recount's files, and with `--keep` of all data.
enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

/// What becomes of the data in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    /// It goes.
    Remove,
    /// It stays in a folder that is named.
    Keep,
}

impl Stage {
    /// Starts Kafka and ClickHouse.
    pub(crate) async fn start(data: Data) -> anyhow::Result<Self> {
        let temporary = tempfile::Builder::new().prefix("sarafan-demo-").tempdir()?;
        let folder = match data {
            Data::Remove => Folder::Temporary(temporary),
            Data::Keep => Folder::Kept(temporary.keep()),
        };
        let mut stage = Self { monitoring: None, stack: Arc::new(servers(&folder).await?), folder };
        stage.monitoring = Monitoring::start(&stage.stack, stage.folder()).await;
        Ok(stage)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        match &self.folder {
            Folder::Temporary(folder) => folder.path(),
            Folder::Kept(path) => path,
        }
    }

    /// The folder, if it is to stay.
    pub(crate) fn kept(&self) -> Option<&Path> {
        match &self.folder {
            Folder::Kept(path) => Some(path),
            Folder::Temporary(_) => None,
        }
    }

    /// Ends the services of these sites and then the servers, in an orderly way, so that kept data can be used again.
    pub(crate) async fn stop(self, sites: Vec<Site>) -> anyhow::Result<()> {
        for site in sites {
            site.stop().await?;
        }
        let Self { monitoring, stack, folder: _folder } = self;
        spawn_blocking(move || {
            drop(monitoring);
            Arc::into_inner(stack).map_or(Ok(()), Stack::stop)
        })
        .await?
    }
}

async fn servers(folder: &Folder) -> anyhow::Result<Stack> {
    let data_dir = match folder {
        Folder::Kept(path) => Some(path.join("stack")),
        Folder::Temporary(_) => None,
    };
    let options = StackOptions { data_dir, ..StackOptions::default() };
    spawn_blocking(move || Stack::start(options, &|step| terminal::note(format!("  {step}")))).await?
}

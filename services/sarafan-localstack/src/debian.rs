//! Programs of Debian's packages, unpacked into the cache: nothing is installed and no right is needed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{Progress, cache, tools};

/// What is taken from one package.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package {
    /// Name in the cache folder. The version is that of the Debian release.
    pub(crate) component: &'static str,
    /// Name of the package.
    pub(crate) name: &'static str,
    /// The programs that are kept of it.
    pub(crate) programs: &'static [&'static str],
}

impl Package {
    /// Path of one of its programs, fetched when it is not there yet.
    pub(crate) fn program(&self, program: &str, progress: Progress<'_>) -> Result<PathBuf> {
        Ok(cache::component(self.component, progress, |folder| self.fetch(folder))?.join(program))
    }

    fn fetch(&self, folder: &Path) -> Result<()> {
        tools::APT
            .run(folder, &["-q", "download", self.name])
            .context("if it finds no such package: `apt-get update`")?;
        let mut packages = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path());
        let package = packages
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .context("apt-get said that it succeeded, but there is no package")?;
        let unpacked = folder.join("package");
        tools::DPKG.run(folder, &["-x", &package.display().to_string(), &unpacked.display().to_string()])?;
        for program in self.programs {
            fs::rename(unpacked.join("usr/bin").join(program), folder.join(program))
                .with_context(|| format!("the package {} holds no {program}", self.name))?;
        }
        fs::remove_dir_all(unpacked)?;
        Ok(fs::remove_file(package)?)
    }
}

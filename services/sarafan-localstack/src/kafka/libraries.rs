//! Kafka's jars: installed ones, or fetched with Maven.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::{Progress, cache, settings, tools};

const KAFKA: &str = "4.1.1";
/// The version that this Kafka is built with; without the binding Kafka logs nothing.
const LOG4J: &str = "2.24.3";
/// Name in the cache folder.
pub(crate) const COMPONENT: &str = "kafka-4.1.1";

/// The folder of jars that the user's settings name.
pub(crate) fn installed() -> Option<PathBuf> {
    settings::path(settings::KAFKA_LIBS)
        .or_else(|| settings::path(settings::KAFKA_HOME).map(|home| home.join("libs")))
}

/// The folder that holds the jars.
pub(crate) fn locate(progress: Progress<'_>) -> Result<PathBuf> {
    if let Some(folder) = installed() {
        ensure!(
            folder.is_dir(),
            "{} (from {} or {}) is not a folder of jars",
            folder.display(),
            settings::KAFKA_LIBS,
            settings::KAFKA_HOME
        );
        return Ok(folder.canonicalize()?);
    }
    Ok(cache::component(COMPONENT, progress, fetch)?.join("lib"))
}

fn fetch(folder: &Path) -> Result<()> {
    fs::write(folder.join("pom.xml"), pom())?;
    tools::MAVEN.run(folder, &["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"])?;
    let main = folder.join(format!("lib/kafka_2.13-{KAFKA}.jar"));
    ensure!(main.is_file(), "Maven said that it succeeded, but {} is not there", main.display());
    Ok(())
}

fn pom() -> String {
    let dependency = |group: &str, artifact: &str, version: &str| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
             <version>{version}</version></dependency>"
        )
    };
    format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>sarafan</groupId><artifactId>kafka</artifactId>\
         <version>1</version><dependencies>{}{}</dependencies></project>\n",
        dependency("org.apache.kafka", "kafka_2.13", KAFKA),
        dependency("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J),
    )
}

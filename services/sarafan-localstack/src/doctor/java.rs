//! Which Java there is.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Check, Status};
use crate::tools;

const FOR_KAFKA: u32 = 17;
const FOR_REGISTRY: u32 = 21;
/// Where distributions put Javas beside the default one.
const INSTALLED: &str = "/usr/lib/jvm";

/// Kafka runs with the `java` on the `PATH`.
pub(super) fn for_kafka() -> Check {
    const NAME: &str = "java";
    let Ok(java) = tools::JAVA.find() else {
        let detail = format!("not there; needed to {}", tools::JAVA.needed_for);
        return Check::new(NAME, Status::Bad, detail, tools::JAVA.remedy);
    };
    match version_of(&java) {
        Some(version) if version >= FOR_KAFKA => Check::good(NAME, format!("{version}: {}", java.display())),
        Some(version) => {
            let detail = format!("{version}: {}; Kafka needs {FOR_KAFKA}", java.display());
            Check::new(NAME, Status::Bad, detail, tools::JAVA.remedy)
        }
        None => {
            let detail = format!("{} does not tell its version", java.display());
            Check::new(NAME, Status::Warning, detail, tools::JAVA.remedy)
        }
    }
}

/// The schema registry needs a newer one, which may be installed beside the default.
pub(super) fn for_registry() -> Check {
    const NAME: &str = "java for the schema registry";
    let on_path = tools::JAVA.find().ok().and_then(|java| Some((version_of(&java)?, java)));
    let beside = fs::read_dir(INSTALLED).into_iter().flatten().filter_map(Result::ok).filter_map(|entry| {
        let home = entry.path();
        Some((release_of(&home)?, home.join("bin/java")))
    });
    let usable = on_path.into_iter().chain(beside).find(|(version, _)| *version >= FOR_REGISTRY);
    match usable {
        Some((version, java)) => Check::good(NAME, format!("{version}: {}", java.display())),
        None => {
            let fix = format!("install Java {FOR_REGISTRY} or newer, if you use Avro with a registry");
            Check::new(NAME, Status::Warning, format!("no Java {FOR_REGISTRY} or newer"), fix)
        }
    }
}

fn version_of(java: &Path) -> Option<u32> {
    let output = Command::new(java).arg("-version").output().ok()?;
    // It goes to standard error: `openjdk version "17.0.15" 2025-04-15`.
    major(&String::from_utf8_lossy(&output.stderr))
}

/// From the file that every Java has in its folder: `JAVA_VERSION="17.0.15"`.
fn release_of(home: &Path) -> Option<u32> {
    let text = fs::read_to_string(home.join("release")).ok()?;
    text.lines().find(|line| line.starts_with("JAVA_VERSION=")).and_then(major)
}

/// The number after the first quotation mark; `1.8.0` is 8.
fn major(text: &str) -> Option<u32> {
    let version = text.split('"').nth(1)?;
    let mut parts = version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
    match parts.next()? {
        1 => parts.next(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_found_in_every_form() {
        assert_eq!(major("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime"), Some(17));
        assert_eq!(major("java version \"1.8.0_402\""), Some(8));
        assert_eq!(major("JAVA_VERSION=\"25\""), Some(25));
        assert_eq!(major("no version"), None);
    }
}

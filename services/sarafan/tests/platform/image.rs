//! deploy/Dockerfile: what it is made from, and what is in it.

use std::path::{Component, Path, PathBuf};

use crate::files::{file, text};

const DOCKERFILE: &str = "deploy/Dockerfile";

fn instructions(name: &str) -> Vec<String> {
    let joined = text(DOCKERFILE).replace("\\\n", " ");
    let start = format!("{name} ");
    joined.lines().filter_map(|line| line.strip_prefix(&start).map(str::to_owned)).collect()
}

#[test]
fn it_is_built_by_the_toolchain_of_the_workspace_on_pinned_images() {
    let toolchain: toml::Table = toml::from_str(&text("rust-toolchain.toml")).unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    let images = instructions("FROM");
    assert_eq!(images.len(), 2);
    assert!(images[0].starts_with(&format!("rust:{channel}-slim-")), "{images:?}");
    for image in &images {
        let tag = image.split(':').nth(1).unwrap_or_else(|| panic!("{image} has no tag"));
        assert!(tag.starts_with(|c: char| c.is_ascii_digit()), "{image} is not pinned");
    }
    assert_eq!(instructions("ENV")[0], format!("RUSTUP_TOOLCHAIN={channel}"));
}

#[test]
fn it_says_its_version_and_is_nobodys_root() {
    let labels = instructions("LABEL").join(" ");
    let version = format!("org.opencontainers.image.version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(labels.contains(&version), "{labels}");
    let user = instructions("USER").pop().unwrap();
    let numbers: Vec<u32> = user.split(':').map(|id| id.parse().unwrap()).collect();
    assert!(numbers.len() == 2 && !numbers.contains(&0), "{user}");
}

#[test]
fn it_holds_no_development_stack() {
    let build = instructions("RUN").pop().unwrap();
    assert!(build.contains("cargo build --release --locked --package sarafan "), "{build}");
    assert!(!build.contains("feature"), "{build}");
}

/// The path without `..`, as far as they can be taken back.
fn resolved(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = whole.pop(),
            part => whole.push(part),
        }
    }
    whole
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// What is compiled into the program must be in the context of the build, or the image cannot be built.
#[test]
fn whatever_is_compiled_in_is_in_the_context_of_the_build() {
    let root = file("").canonicalize().unwrap();
    let ignored = text("deploy/Dockerfile.dockerignore");
    let context: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for needed in &context {
        assert!(root.join(needed).exists(), "{needed} is not in the repository");
    }
    let mut compiled_in = 0;
    for member in std::fs::read_dir(root.join("services")).unwrap() {
        let mut found = Vec::new();
        let source = member.unwrap().path().join("src");
        if source.is_dir() {
            sources(&source, &mut found);
        }
        for source in found {
            // The demo and the chaos runs are only in a program with the development stack.
            if source.components().any(|part| part.as_os_str() == "demo" || part.as_os_str() == "chaos") {
                continue;
            }
            let text = std::fs::read_to_string(&source).unwrap();
            for macro_name in ["include_str!(", "include_bytes!("] {
                for call in text.split(macro_name).skip(1) {
                    let Some(name) = call.split('"').nth(1) else { continue };
                    let target = resolved(&source.parent().unwrap().join(name));
                    let target = target.strip_prefix(&root).unwrap().to_owned();
                    let inside = context.iter().any(|folder| target.starts_with(folder));
                    assert!(
                        inside,
                        "{} reads {}, which the image's build has not",
                        source.display(),
                        target.display()
                    );
                    compiled_in += 1;
                }
            }
        }
    }
    assert!(compiled_in >= 2, "{compiled_in}");
}
